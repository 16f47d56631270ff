"""Share of the reachable gain that each estimator captures, budget by budget."""

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from taskviz.figures.quality_cost import chosen_rows, interval_words, share_range, title_of
from taskviz.figures.style import (
    base_layout,
    group_colour,
    group_symbol,
    note,
    theme_of,
)
from taskviz.figures.text import label, plain

if TYPE_CHECKING:
    import pandas as pd


def captured_shares(
    table: "pd.DataFrame", *, overlap: bool = False, dark: bool = False
) -> go.Figure:
    """A row an estimator, best first; a mark with its 95 % interval for each number of models.

    Args:
        table: :attr:`taskviz.evidence.evidence.Evidence.table`.
        overlap: rows of plans whose groups may share tasks.
        dark: theme.
    """
    theme, pooled = theme_of(dark), _pooled(table, overlap)
    figure = go.Figure()
    methods = [str(name) for name in pooled["method"]]
    budgets = [b for b in dict.fromkeys(table["budget"]) if b != "all"] if methods else []
    place = {name: row for row, name in enumerate(methods)}
    for number, budget in enumerate(budgets):
        rows = chosen_rows(table, overlap, budget)
        rows = rows[rows["method"].isin(place)]
        offset = 0.22 * (number - (len(budgets) - 1) / 2)
        figure.add_trace(
            go.Scatter(
                x=rows["captured"],
                y=[place[name] + offset for name in rows["method"]],
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": (rows["high"] - rows["captured"]).fillna(0.0),
                    "arrayminus": (rows["captured"] - rows["low"]).fillna(0.0),
                    "thickness": 1.5,
                    "width": 0,
                },
                mode="markers",
                marker={
                    "size": 9,
                    "color": group_colour(number, dark),
                    "symbol": group_symbol(number),
                },
                name=f"{budget} models",
                hovertext=[
                    f"<b>{plain(title_of(str(row['method'])))}</b>, {budget} models<br>"
                    f"captures {interval_words(row)}"
                    for row in rows.to_dict("records")
                ],
                hoverinfo="text",
            )
        )
    span = None
    if methods:
        for level in (0.0, 1.0):
            figure.add_vline(x=level, line={"color": theme.muted, "width": 1, "dash": "dot"})
        keep = (table["overlap"].astype(bool) == overlap) & (table["budget"] != "all")
        span = list(share_range(table[keep]))
    figure.update_layout(
        base_layout(
            dark,
            height=max(260, 110 + 44 * len(methods)),
            showlegend=bool(methods),
            dragmode=False,
            xaxis={
                "title": {"text": "share of the reachable gain (0 chance, 1 oracle)"},
                "range": span,
            },
            yaxis={
                "tickmode": "array",
                "tickvals": list(range(len(methods))),
                "ticktext": [label(title_of(name), 22) for name in methods],
                "tickfont": {"color": theme.text},
                "range": [len(methods) - 0.4, -0.6],
                "showgrid": False,
                "fixedrange": True,
            },
        )
    )
    if not methods:
        figure.update_layout(xaxis={"visible": False}, yaxis={"visible": False})
        figure.add_annotation(note("no estimator has a share to show", dark))
    return figure


def describe_captured_shares(table: "pd.DataFrame", *, overlap: bool = False) -> str:
    """One sentence for those who do not see the marks."""
    rows = _pooled(table, overlap)
    if rows.empty:
        return "Share of the reachable gain: no estimator has a value."
    parts = [f"{title_of(str(r['method']))} {interval_words(r)}" for r in rows.to_dict("records")]
    return f"Share of the reachable gain over all budgets, best first: {'; '.join(parts)}."


def _pooled(table: "pd.DataFrame", overlap: bool) -> "pd.DataFrame":
    rows = chosen_rows(table, overlap, "all")
    return rows.sort_values("captured", ascending=False, kind="stable")
