"""User text inside figures: never markup, never too long."""

import html
from collections.abc import Sequence
from unicodedata import east_asian_width


def plain(text: str) -> str:
    """User text that Plotly draws letter by letter.

    Plotly reads a small HTML in every label (``<b>``, ``<a href>``); names of tasks come from
    people's files, so their markup is escaped.
    """
    return html.escape(" ".join(text.split()), quote=False)


def shorten(text: str, most: int) -> str:
    """At most ``most`` letters, cut in the middle: names differ at their ends more often."""
    flat = " ".join(text.split())
    if len(flat) <= most:
        return flat
    tail = (most - 1) // 2
    head = most - 1 - tail
    return f"{flat[:head]}…{flat[len(flat) - tail :] if tail else ''}"


def label(text: str, most: int) -> str:
    """:func:`shorten`, then :func:`plain`."""
    return plain(shorten(text, most))


def short_names(names: Sequence[str], most: int) -> list[str]:
    """Names of at most ``most`` letters; a beginning that all share is left out where one is cut.

    Example:
        >>> short_names(["number of rooms", "number of storeys"], 12)
        ['…rooms', '…storeys']
    """
    flat = [" ".join(name.split()) for name in names]
    first, last = min(flat, default=""), max(flat, default="")
    same = [a == b for a, b in zip(first, last, strict=False)]
    shared = first[: (same.index(False) if False in same else len(same))]
    shared = shared[: max(shared.rfind(mark) for mark in " _-./:") + 1]
    if len(flat) > 1 and len(shared) > 3 and any(len(name) > most for name in flat):
        flat = [f"…{name[len(shared) :]}" for name in flat]
    return [shorten(name, most) for name in flat]


def text_width(text: str, font: float) -> float:
    """About how many pixels a text takes at a font size; letters of East Asian scripts are wide."""
    wide = sum(east_asian_width(letter) in "WF" for letter in text)
    return font * (0.58 * (len(text) - wide) + 1.05 * wide)


def listed(names: Sequence[str], most: int = 6) -> str:
    """Names joined for a sentence; the rest counted."""
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"
