"""Learning curves of one group, live or finished."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from taskviz.figures.line_points import smoothed, thinned
from taskviz.figures.style import (
    base_layout,
    group_colour,
    group_letter,
    group_symbol,
    note,
    theme_of,
    three_digits,
)
from taskviz.figures.text import label, plain
from taskviz.values import HIGHER_IS_BETTER

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS: Final = 2_000
"""Points drawn a line; longer ones are thinned, and the figure says so."""
MOST_DECADES: Final = 5
"""Decades of a logarithmic axis that each have a label."""
_DASH: Final = {"train": "dot", "valid": "solid", "test": "dash"}
_SPLIT_WORDS: Final = {"train": "training", "valid": "validation", "test": "test"}


def training_curves(
    history: "pd.DataFrame",
    *,
    group: int,
    tasks: Sequence[str] | None = None,
    metric: str = "loss",
    splits: Sequence[str] = ("train", "valid"),
    kept: int | Sequence[int] | None = None,
    over: bool = False,
    log: bool = False,
    dark: bool = False,
    height: int | None = None,
    smoothing: float = 0.0,
    earlier: "pd.DataFrame | None" = None,
) -> go.Figure:
    """One line a task (and seed) and split: validation solid, training dotted.

    Args:
        history: columns :data:`taskviz.values.HISTORY_COLUMNS`; may still grow.
        group: index of the group to draw.
        tasks: its tasks, in the order of their colours; None takes them as they first appear.
        metric: a metric of the history.
        splits: which splits to draw.
        kept: step of the kept checkpoint, or one a seed; None marks the best step so far (best
            mean validation value over the tasks).
        over: the training has ended, so that nothing is "so far".
        log: logarithmic value axis.
        dark: theme.
        height: in pixels; None leaves room for the names above.
        smoothing: from 0 to below 1, see :func:`smoothed`; dots and marks stay where they were
            measured.
        earlier: history of another run's network on the same tasks; its validation is drawn faint.
    """
    theme = theme_of(dark)
    rows = history[(history["group"] == group) & (history["metric"] == metric)]
    tasks = list(dict.fromkeys(rows["task"])) if tasks is None else list(tasks)
    figure = go.Figure()
    longest = 0
    for number, task in enumerate(tasks):
        own = rows[rows["task"] == task]
        for split in splits:
            part = own[own["split"] == split]
            for k, (_, line) in enumerate(part.groupby("seed", dropna=False)):
                ordered = line.sort_values("step")
                steps = ordered["step"].to_numpy(dtype=np.float64)
                values = ordered["value"].to_numpy(dtype=np.float64)
                longest = max(longest, len(steps))
                values = smoothed(values, smoothing)
                keep = thinned(values, MOST_POINTS)
                figure.add_trace(
                    go.Scatter(
                        x=steps[keep],
                        y=values[keep],
                        mode="lines" if len(steps) > 1 else "markers",
                        line={
                            "color": group_colour(number, dark),
                            "dash": _DASH.get(split, "solid"),
                            "width": 2 if split == "valid" else 1.25,
                        },
                        marker={"symbol": group_symbol(number), "size": 6},
                        opacity=1 if split == "valid" else 0.75,
                        name=label(task, 18),
                        legendgroup=task,
                        showlegend=split == splits[-1] and k == 0,
                        hovertemplate=f"{plain(task).replace('%{', '% {')}, "
                        f"{_SPLIT_WORDS.get(split, split)}, step %{{x}}: %{{y:.4g}}<extra></extra>",
                        uid=f"{group}-{metric}-{task}-{split}-{k}",
                    )
                )
    if earlier is not None:
        _add_earlier(figure, earlier[earlier["metric"] == metric], tasks, smoothing, dark)
    if figure.data and len(splits) > 1:
        for split in splits:
            figure.add_trace(_dash_key(split, theme.muted))
    if figure.data:
        _mark_steps(figure, rows, tasks, metric, kept, over, dark)
    title = metric.replace("_", " ")
    if metric in HIGHER_IS_BETTER and metric != "loss":
        title += " (higher is better)" if HIGHER_IS_BETTER[metric] else " (lower is better)"
    figure.update_layout(
        base_layout(
            dark,
            height=height or 260 + 22 * -(-(len(tasks) + len(splits)) // 4),
            showlegend=len(tasks) > 0 and bool(figure.data),
            # The same for as long as one looks at this group and metric: zoom survives a refresh.
            uirevision=f"curves-{group}-{metric}-{'log' if log else 'linear'}",
            xaxis={"title": {"text": "epoch"}, "showgrid": False, "rangemode": "tozero"},
            yaxis={
                "title": {"text": title},
                "type": "log" if log else "linear",
                "nticks": 6,
                **(_log_ticks(_decades(rows)) if log else {}),
            },
            transition={"duration": 0},
        )
    )
    if not figure.data:
        figure.add_annotation(note("no values yet", dark))
    if longest > MOST_POINTS:
        figure.add_annotation(
            text=f"thinned: {MOST_POINTS:,} of {longest:,} points a line, peaks kept",
            xref="paper",
            yref="paper",
            x=1,
            y=0,
            xanchor="right",
            yanchor="bottom",
            showarrow=False,
            font={"size": 11, "color": theme.muted},
        )
    return figure


def describe_training_curves(
    history: "pd.DataFrame",
    *,
    group: int,
    tasks: Sequence[str] | None = None,
    metric: str = "loss",
) -> str:
    """One sentence for those who do not see the chart."""
    rows = history[
        (history["group"] == group) & (history["metric"] == metric) & (history["split"] == "valid")
    ]
    title = f"Validation {metric.replace('_', ' ')} of group {group_letter(group)}"
    tasks = list(dict.fromkeys(rows["task"])) if tasks is None else list(tasks)
    rows = rows[rows["task"].isin(tasks)].dropna(subset=["value"])
    if rows.empty:
        return f"{title}: no values yet."
    means = rows.groupby("step")["value"].mean()
    best = best_step(rows, metric)
    return (
        f"{title} over {len(tasks)} task{'s' if len(tasks) != 1 else ''}: mean "
        f"{three_digits(float(means.iloc[0]))} at epoch {int(means.index[0])}, "
        f"{three_digits(float(means.iloc[-1]))} at epoch {int(means.index[-1])}, best at epoch "
        f"{best}."
    )


def best_step(rows: "pd.DataFrame", metric: str = "loss") -> int | None:
    """Step of the best mean validation value over tasks and seeds; None without any."""
    valid = rows[(rows["split"] == "valid") & (rows["metric"] == metric)]
    means = valid.groupby("step")["value"].mean().dropna()
    if means.empty:
        return None
    values = means.to_numpy(dtype=np.float64)
    best = values.argmax() if HIGHER_IS_BETTER.get(metric, False) else values.argmin()
    return int(means.index.to_numpy()[best])


def _dash_key(split: str, colour: str) -> go.Scatter:
    """A legend entry that says which line is which split."""
    return go.Scatter(
        x=[None],
        y=[None],
        mode="lines",
        line={"color": colour, "dash": _DASH.get(split, "solid"), "width": 1.5},
        name=_SPLIT_WORDS.get(split, split),
        hoverinfo="skip",
        showlegend=True,
    )


def _add_earlier(
    figure: go.Figure, rows: "pd.DataFrame", tasks: Sequence[str], smoothing: float, dark: bool
) -> None:
    """Mean validation curves of an earlier run, faint, in the colours of the tasks."""
    valid = rows[rows["split"] == "valid"]
    shown = [task for task in tasks if (valid["task"] == task).any()]
    for number, task in enumerate(tasks):
        if task not in shown:
            continue
        means = valid[valid["task"] == task].groupby("step")["value"].mean()
        values = smoothed(means.to_numpy(dtype=np.float64), smoothing)
        keep = thinned(values, MOST_POINTS)
        figure.add_trace(
            go.Scatter(
                x=means.index.to_numpy()[keep],
                y=values[keep],
                mode="lines",
                line={"color": group_colour(number, dark), "dash": "dashdot", "width": 1.25},
                opacity=0.55,
                name="earlier run",
                legendgroup="earlier run",
                showlegend=task == shown[0],
                hovertemplate=f"{plain(task).replace('%{', '% {')}, earlier run, step %{{x}}: "
                "%{y:.4g}<extra></extra>",
            )
        )


def _mark_steps(
    figure: go.Figure,
    rows: "pd.DataFrame",
    tasks: Sequence[str],
    metric: str,
    kept: int | Sequence[int] | None,
    over: bool,
    dark: bool,
) -> None:
    """The kept checkpoints; where none is known, the best step."""
    if kept is None:
        best = best_step(rows, metric)
        steps, word = [] if best is None else [best], "best" if over else "best so far"
    else:
        steps, word = sorted({kept} if isinstance(kept, int) else set(kept)), "kept checkpoint"
    if not steps:
        return
    span = f"epoch {steps[0]}" if len(steps) == 1 else f"epochs {steps[0]} to {steps[-1]}"
    said = f"{word}{'s, by seed' if len(steps) > 1 else ''}: {span}"
    for step in steps:
        _mark(figure, rows, tasks, step, word, said if step == steps[0] else "", dark)


def _mark(
    figure: go.Figure,
    rows: "pd.DataFrame",
    tasks: Sequence[str],
    step: int,
    word: str,
    said: str,
    dark: bool,
) -> None:
    theme = theme_of(dark)
    at = rows[(rows["split"] == "valid") & (rows["step"] == step)]
    means = at.groupby("task")["value"].mean()
    shown = [(i, task) for i, task in enumerate(tasks) if task in means.index]
    figure.add_trace(
        go.Scatter(
            x=[step] * len(shown),
            y=[float(means[task]) for _, task in shown],
            mode="markers",
            marker={
                "size": 9,
                "color": [group_colour(i, dark) for i, _ in shown],
                "symbol": [group_symbol(i) for i, _ in shown],
                "line": {"width": 1.5, "color": theme.background},
            },
            hovertext=[
                f"{plain(task)}, {word}, epoch {step}: {three_digits(float(means[task]))}"
                for _, task in shown
            ],
            hoverinfo="text",
            name=word,
            showlegend=False,
        )
    )
    figure.add_vline(
        x=step,
        line={"width": 1, "dash": "dash", "color": theme.muted},
        annotation={
            "text": said,
            "font": {"size": 11, "color": theme.muted},
            "yanchor": "top",
        },
        annotation_position="top right",
    )


def spans_decades(values: NDArray[np.float64]) -> bool:
    """True of positive numbers over more than three decades: a linear axis shows only the peak."""
    known = values[np.isfinite(values)]
    return bool(len(known) and known.min() > 0 and known.max() > 1e3 * known.min())


def _log_ticks(decades: float) -> dict[str, object]:
    """A logarithmic axis would otherwise label every 2 and 5, or each of twenty decades."""
    if decades > MOST_DECADES:
        return {"dtick": math.ceil(decades / MOST_DECADES), "exponentformat": "power"}
    return {"dtick": "D1"} if decades > 1 else {}


def _decades(rows: "pd.DataFrame") -> float:
    values = rows["value"].to_numpy(dtype=np.float64)
    values = values[np.isfinite(values) & (values > 0)]
    return float(np.log10(values.max() / values.min())) if len(values) else 0.0
