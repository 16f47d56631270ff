"""User text made harmless where it goes: a spreadsheet, a Markdown page."""

import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$:&])")


def spreadsheet_safe(text: object) -> str:
    """Text for a CSV cell that no spreadsheet takes for a formula: a quote goes before its sign."""
    plain = str(text)
    return f"'{plain}" if plain.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else plain


def markdown_safe(text: object) -> str:
    """Text that Markdown shows letter by letter: no emphasis, links, maths, colours, HTML."""
    flat = " ".join(str(text).split())
    return _MARKDOWN.sub(r"\\\1", flat)
