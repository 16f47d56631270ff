"""How far a network is from its first-order expansion."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from taskviz.figures.style import (
    base_layout,
    group_colour,
    group_symbol,
    note,
    theme_of,
    three_digits,
)
from taskviz.figures.text import label, plain

if TYPE_CHECKING:
    import pandas as pd


def linearisation_lines(tables: "Mapping[str, pd.DataFrame]", *, dark: bool = False) -> go.Figure:
    """Relative residual against relative distance, a line a network, with one standard error.

    Args:
        tables: name → what :func:`taskviz.verbs.study_linearisation` returns.
        dark: theme.
    """
    figure = go.Figure()
    known = {name: table[table["rss"] > 0] for name, table in tables.items()}
    known = {name: table for name, table in known.items() if len(table)}
    for number, (name, table) in enumerate(known.items()):
        errors = table["standard_error"].fillna(0.0)
        figure.add_trace(
            go.Scatter(
                x=100 * table["distance"],
                y=table["rss"],
                error_y={"array": errors, "thickness": 1.2, "width": 3},
                mode="lines+markers",
                line={"color": group_colour(number, dark), "width": 2},
                marker={"symbol": group_symbol(number), "size": 9},
                name=label(name, 40),
                hovertext=[
                    f"<b>{plain(name)}</b><br>at {100 * distance:.3g} %: "
                    f"{three_digits(float(rss), float(error))}"
                    for distance, rss, error in zip(
                        table["distance"], table["rss"], errors, strict=True
                    )
                ],
                hoverinfo="text",
            )
        )
    # Of second order: a factor of ten in distance is a factor of ten thousand in its square.
    figure.update_layout(
        base_layout(
            dark,
            height=320,
            showlegend=len(known) > 1,
            xaxis={
                "title": {"text": "distance from the start, % of its length"},
                "dtick": 1,
                "color": theme_of(dark).muted,
            },
            yaxis={
                "type": "log",
                "title": {"text": "relative residual"},
                "exponentformat": "power",
                "nticks": 6,
            },
        )
    )
    if not known:
        figure.update_layout(xaxis={"visible": False}, yaxis={"visible": False})
        figure.add_annotation(note("no residual above zero to show", dark))
    return figure


def describe_linearisation(tables: "Mapping[str, pd.DataFrame]") -> str:
    """One sentence for those who do not see the lines."""
    parts = []
    for name, table in tables.items():
        first, last = table.iloc[0], table.iloc[-1]
        if np.isfinite([first["rss"], last["rss"]]).all():
            parts.append(
                f"{name}: {three_digits(float(first['rss']))} at {first['distance']:.0%}, "
                f"{three_digits(float(last['rss']))} at {last['distance']:.0%}"
            )
    if not parts:
        return "Linearisation error: nothing measured."
    return f"Relative residual of the expansion: {'; '.join(parts)}."
