"""User text made harmless where it goes: a spreadsheet, a Markdown page."""

import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$:&])")


_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")


_ONE = r"[+\-−]?[0-9][0-9.,]*(?: ± [0-9][0-9.,]*)?(?: ?%)?"
_AMOUNT = re.compile(rf"{_ONE}(?: … {_ONE})?")
"""A number, its error, per cent, an interval: no letter, and no sign but before a number."""


def spreadsheet_safe(text: object) -> str:
    """Text for a CSV cell that no spreadsheet takes for a formula: a quote goes before its sign.

    A number stays as it is, with its error and unit ``%`` too. :func:`spreadsheet_plain` gives
    the text back.
    """
    plain = str(text)
    return f"'{plain}" if _like_formula(plain) else plain


def spreadsheet_plain(cell: str) -> str:
    """The inverse of :func:`spreadsheet_safe`."""
    return cell[1:] if cell.startswith("'") and _like_formula(cell[1:]) else cell


def _like_formula(text: str) -> bool:
    if not text.lstrip("'").startswith(_SIGNS) or _AMOUNT.fullmatch(text):
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False


def markdown_safe(text: object) -> str:
    """Text that Markdown shows letter by letter: no emphasis, links, maths, colours, HTML."""
    flat = " ".join(str(text).split())
    return _MARKDOWN.sub(r"\\\1", flat)
