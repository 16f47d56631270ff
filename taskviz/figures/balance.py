"""How the target of a task is spread: its classes, or a histogram of its values."""

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from taskviz.figures.style import base_layout, note, theme_of, three_digits
from taskviz.figures.text import plain, short_names
from taskviz.values import TaskCollection

if TYPE_CHECKING:
    import pandas as pd


def target_counts(collection: TaskCollection, task: str, bins: int = 12) -> "pd.DataFrame":
    """The table behind :func:`balance_bars`: columns ``value`` and ``samples``.

    A row a class (binary, multiclass), a row a column that is 1 (multilabel), or a row a bin of
    equal width (regression); missing labels are left out.

    Raises:
        TaskvizError: the collection has no such task.
    """
    import pandas as pd

    number = collection.index(task)
    kind, target = collection.tasks[number], collection.target_of(number)
    if kind.kind == "multilabel":
        names, counts = list(kind.classes), np.nansum(target == 1, axis=0)
    elif kind.kind == "regression":
        known = target[~np.isnan(target)]
        counts, edges = np.histogram(known, bins=bins) if len(known) else (np.zeros(0), known)
        names = [
            f"{three_digits(float(low))} to {three_digits(float(high))}"
            for low, high in pairwise(edges)
        ]
    else:
        names = list(kind.classes)
        counts = np.array([(target == code).sum() for code in range(len(names))])
    return pd.DataFrame({"value": names, "samples": np.asarray(counts, dtype=np.int64)})


def balance_bars(collection: TaskCollection, task: str, *, dark: bool = False) -> go.Figure:
    """A small bar chart of :func:`target_counts`.

    Raises:
        TaskvizError: the collection has no such task.
    """
    theme = theme_of(dark)
    table = target_counts(collection, task)
    kind = collection.tasks[collection.index(task)].kind
    places = list(range(len(table)))
    names = short_names([str(name) for name in table["value"]], 12)
    hover = [
        f"{plain(str(value))}: {samples:,} samples"
        for value, samples in zip(table["value"], table["samples"], strict=True)
    ]
    figure = go.Figure(
        go.Bar(
            x=places,
            y=table["samples"],
            marker={"color": theme.accent, "cornerradius": 0 if kind == "regression" else 3},
            hovertext=hover,
            hoverinfo="text",
            name="samples",
        )
    )
    step = max(1, -(-len(places) // 6)) if kind == "regression" else -(-len(places) // 20) or 1
    figure.update_layout(
        base_layout(
            dark,
            height=180,
            dragmode=False,
            bargap=0.04 if kind == "regression" else 0.3,
            xaxis={
                "tickmode": "array",
                "tickvals": places[::step],
                "ticktext": [plain(name) for name in names[::step]],
                "showgrid": False,
                "fixedrange": True,
            },
            yaxis={"nticks": 4, "fixedrange": True, "title": {"text": "samples"}},
        )
    )
    if not len(table) or not table["samples"].sum():
        figure.add_annotation(note("no label is known", dark))
    return figure


def describe_balance(collection: TaskCollection, task: str) -> str:
    """One sentence for those who do not see :func:`balance_bars`.

    Raises:
        TaskvizError: the collection has no such task.
    """
    number = collection.index(task)
    kind, target = collection.tasks[number], collection.target_of(number)
    missing = float(np.isnan(target).mean())
    rest = f"; {missing:.1%} missing" if missing else ""
    table = target_counts(collection, task)
    if not table["samples"].sum():
        return f"{task}: no label is known."
    if kind.kind == "regression":
        known = target[~np.isnan(target)]
        return (
            f"{task}: values from {three_digits(float(known.min()))} to "
            f"{three_digits(float(known.max()))}, mean {three_digits(float(known.mean()))}{rest}."
        )
    most = int(table["samples"].to_numpy().argmax())
    labelled = (~np.isnan(target)).any(axis=1).sum()
    share = table["samples"].to_numpy()[most] / max(labelled, 1)
    word = "label" if kind.kind == "multilabel" else "class"
    return (
        f"{task}: most frequent {word} {table['value'].to_numpy()[most]} with {share:.0%} of "
        f"{labelled:,} labelled samples{rest}."
    )
