"""What each estimator captures of the reachable gain, against what it costs."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from taskviz.affinity import ESTIMATORS, estimator_class
from taskviz.figures.labels import Box, place_labels
from taskviz.figures.style import (
    base_layout,
    duration_words,
    note,
    theme_of,
    three_digits,
)
from taskviz.figures.text import plain

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[Any, Any]
PLOT = (330.0, 330.0)
"""Width and height in pixels that labels are placed for; a wider plot only parts them further."""
LOWEST, HIGHEST = -1.05, 1.55
"""Shares beyond are drawn up to here: an interval can be many times the gain it is of."""
COLUMNS = ("method", "captured", "low", "high", "networks", "seconds")
LEAST_SECONDS = 1e-3
HOURS = ("10 min", "1 h", "10 h")
BAR = 3.0
"""Pixels that a label keeps off an error bar."""


def quality_cost(
    table: "pd.DataFrame",
    *,
    overlap: bool = False,
    budget: int | str = "all",
    dark: bool = False,
) -> go.Figure:
    """Captured share of the oracle's gain against seconds, with the frontier of the best buys.

    Args:
        table: :attr:`taskviz.evidence.evidence.Evidence.table`.
        overlap: rows of plans whose groups may share tasks.
        budget: rows of this number of models; ``all`` pools them.
        dark: theme.
    """
    theme = theme_of(dark)
    rows = chosen_rows(table, overlap, budget)
    figure = go.Figure()
    if len(rows):
        best = frontier_rows(rows)
        figure.add_trace(
            go.Scatter(
                x=best["seconds"],
                y=best["captured"],
                mode="lines",
                line={"color": theme.accent, "width": 2, "shape": "hv", "dash": "dot"},
                hoverinfo="skip",
                name="best at its cost",
            )
        )
        on_frontier = rows["method"].isin(best["method"]).to_numpy()
        colours = [theme.accent if on else theme.muted for on in on_frontier]
        span = _span(rows["seconds"].to_numpy(dtype=np.float64))
        figure.add_trace(
            go.Scatter(
                x=rows["seconds"],
                y=rows["captured"],
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": (rows["high"] - rows["captured"]).fillna(0.0),
                    "arrayminus": (rows["captured"] - rows["low"]).fillna(0.0),
                    "thickness": 1.2,
                    "width": 3,
                    "color": theme.muted,
                },
                mode="markers+text",
                marker={
                    "size": 11,
                    "color": colours,
                    "symbol": ["circle" if on else "circle-open" for on in on_frontier],
                    "line": {"width": 2, "color": colours},
                },
                text=[plain(title_of(name)) for name in rows["method"]],
                textposition=_positions(rows, span),
                textfont={"size": 12, "color": theme.text},
                cliponaxis=False,
                hovertext=[_hover(row) for row in rows.to_dict("records")],
                hoverinfo="text",
                name="estimators",
            )
        )
        for level in (0.0, 1.0):
            figure.add_hline(y=level, line={"color": theme.line, "width": 1.5}, layer="below")
        figure.update_layout(
            xaxis={"range": [math.log10(span[0]), math.log10(span[1])]},
            yaxis={"range": list(share_range(rows))},
        )
    figure.update_layout(
        base_layout(
            dark,
            height=420,
            uirevision="quality",
            xaxis={
                **figure.layout.xaxis.to_plotly_json(),
                "type": "log",
                "title": {"text": "time of one estimate (left is cheaper)"},
                "tickvals": [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 36_000],
                "ticktext": [
                    "1 ms",
                    "10 ms",
                    "0.1 s",
                    "1 s",
                    "10 s",
                    "1 min",
                    "10 min",
                    "1 h",
                    "10 h",
                ],
                "showgrid": False,
            },
            yaxis={
                **figure.layout.yaxis.to_plotly_json(),
                "title": {"text": "share of the reachable gain"},
                "tickvals": [-1, -0.5, 0, 0.5, 1, 1.5],
                "ticktext": ["−1", "−0.5", "chance 0", "0.5", "oracle 1", "1.5"],
            },
        )
    )
    if not len(rows):
        figure.update_layout(xaxis={"visible": False}, yaxis={"visible": False})
        figure.add_annotation(
            note("nothing to capture here: no plan beats<br>random groups by a known amount", dark)
        )
    return figure


def describe_quality_cost(
    table: "pd.DataFrame", *, overlap: bool = False, budget: int | str = "all"
) -> str:
    """One sentence for those who do not see the chart."""
    rows = chosen_rows(table, overlap, budget)
    if not len(rows):
        return "Share of the reachable gain against cost: no estimator has a value."
    parts = [
        f"{title_of(str(row['method']))} {three_digits(float(row['captured']))} in "
        f"{duration_words(float(row['seconds'])).removeprefix('about ')}"
        for row in frontier_rows(rows).to_dict("records")
    ]
    return f"Share of the reachable gain, best at its cost: {'; '.join(parts)}."


def chosen_rows(table: "pd.DataFrame", overlap: bool, budget: int | str) -> "pd.DataFrame":
    """Rows of one kind of plan and one budget that have a value, cheapest first."""
    keep = (table["overlap"].astype(bool) == overlap) & (table["budget"] == budget)
    rows = table[keep & table["captured"].notna()].copy()
    rows["seconds"] = rows["seconds"].clip(lower=LEAST_SECONDS)
    return rows.sort_values("seconds", kind="stable").reset_index(drop=True)


def frontier_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Estimators that no cheaper one beats; by the point estimates."""
    before = rows["captured"].cummax().shift(fill_value=-np.inf)
    return rows[rows["captured"] > before]


def title_of(method: str) -> str:
    """Name of an estimator for people."""
    return estimator_class(method).title if method in ESTIMATORS else method


def share_range(rows: "pd.DataFrame") -> tuple[float, float]:
    """Range of an axis of shares: chance and oracle in sight, no interval beyond measure."""
    low = float(np.nanmin(rows[["captured", "low"]].to_numpy(dtype=np.float64)))
    high = float(np.nanmax(rows[["captured", "high"]].to_numpy(dtype=np.float64)))
    return max(LOWEST, min(low, 0.0) - 0.08), min(HIGHEST, max(high, 1.0) + 0.12)


def _span(seconds: np.ndarray) -> tuple[float, float]:
    """Room for labels at both sides."""
    low, high = float(seconds.min()), float(seconds.max())
    pad = max((high / low) ** 0.16, 2.0)
    return low / pad, high * pad


def _positions(rows: "pd.DataFrame", span: tuple[float, float]) -> list[str]:
    low, high = share_range(rows)
    width = math.log10(span[1] / span[0])

    def height(share: float) -> float:
        return PLOT[1] * (high - min(max(share, low), high)) / (high - low)

    points, bars = [], []
    for row in rows.to_dict("records"):
        x = PLOT[0] * math.log10(row["seconds"] / span[0]) / width
        points.append((x, height(row["captured"])))
        if math.isfinite(row["low"]) and math.isfinite(row["high"]):
            bars.append(Box(x - BAR, height(row["high"]), x + BAR, height(row["low"])))
    texts = [title_of(name) for name in rows["method"]]
    placed = place_labels(
        points, texts, radius=8, font=12, size=PLOT, all_shown=True, obstacles=bars
    )
    return [position or "top center" for position in placed]


def _hover(row: Row) -> str:
    networks = int(row["networks"])
    return (
        f"<b>{plain(title_of(str(row['method'])))}</b><br>captures {interval_words(row)}<br>"
        f"{networks} network{'s' if networks != 1 else ''}, "
        f"{duration_words(float(row['seconds']))}"
    )


def interval_words(row: "Row | pd.Series[Any]") -> str:
    """``0.66 (0.52 to 0.80)``."""
    share, low, high = (float(row[name]) for name in ("captured", "low", "high"))
    if math.isnan(share):
        return "no value"
    if math.isnan(low) or math.isnan(high):
        return f"{share:.2f}".replace("-", "−")
    return f"{share:.2f} ({low:.2f} to {high:.2f})".replace("-", "−")
