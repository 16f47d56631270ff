"""A chart of the report: its figure in both themes, its alt text, the table behind it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from taskviz.report.tables import Table
from taskviz.report.thinning import points_of, thin

Patch = list[list[Any]]


@dataclass(frozen=True)
class Chart:
    """One figure of the report.

    Args:
        title: above the figure.
        figure: in the light theme, as plain JSON.
        dark: what differs in the dark theme: ``[path, value]`` each.
        alt: one sentence.
        table: the numbers behind it.
        caption: below the figure.
        square: its height follows its width on narrow screens.
        key: names it for a note of the author.
    """

    title: str
    figure: dict[str, Any]
    dark: Patch
    alt: str
    table: Table | None = None
    caption: str = ""
    square: bool = False
    key: str = ""

    @classmethod
    def of(
        cls,
        title: str,
        draw: Callable[[bool], go.Figure],
        alt: str,
        table: Table | None = None,
        *,
        caption: str = "",
        square: bool = False,
        key: str = "",
    ) -> "Chart":
        """A chart from a function that draws it, dark or not; thinned where it is too full."""
        figures = [draw(theme) for theme in (False, True)]
        before = [thin(figure) for figure in figures]
        if before[0]:
            caption = (
                f"{caption} Thinned: {points_of(figures[0]):,} of {before[0]:,} points are drawn; "
                "ends and extremes of every stretch stay."
            ).strip()
        light, dark = (json.loads(figure.to_json()) for figure in figures)
        return cls(title, light, difference(light, dark), alt, table, caption, square, key)


def difference(first: Any, second: Any, path: tuple[str | int, ...] = ()) -> Patch:
    """What must be set in ``first`` to make it ``second``: ``[path, value]`` each.

    The two themes of a figure share its data, so that the dark one costs almost nothing.
    """
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        return [row for key in first for row in difference(first[key], second[key], (*path, key))]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        return [
            row
            for i, (a, b) in enumerate(zip(first, second, strict=True))
            for row in difference(a, b, (*path, i))
        ]
    return [] if first == second else [[list(path), second]]
