"""User text made safe for Markdown, and numbers made readable."""

from taskviz.values.escaping import markdown_safe


def safe(text: object) -> str:
    """User text that Markdown shows letter by letter: no emphasis, links, maths, colours, HTML."""
    return markdown_safe(text)


def listed(names: list[str] | tuple[str, ...], most: int = 6) -> str:
    """Names in bold, joined for a sentence; the rest counted."""
    shown = [f"**{safe(name)}**" for name in names[:most]]
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def plural(count: int, noun: str) -> str:
    """``3 tasks``, ``1 task``, ``2,417 rows``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
