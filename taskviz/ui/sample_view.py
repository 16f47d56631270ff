"""What a sample looks like: words for a hover, a picture or a line for a table."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskviz.data.readers.molecule_graphs import draw_molecule
from taskviz.figures.style import three_digits
from taskviz.figures.text import label, plain
from taskviz.values import Graphs, InputSource, LazyInputs, TaskCollection, TaskvizError

FEATURES = 4
"""Input values that a hover or a table shows of a table's row."""
PICTURES = 200
"""Rows of a table that get a picture."""
THUMBNAIL = 64
SERIES = 120
"""Steps of a series that its line shows, at most."""


def label_words(collection: TaskCollection, task: int, row: int) -> str:
    """The sample's label under a task, as a person would write it."""
    own, values = collection.tasks[task], collection.target_of(task)[row]
    if own.kind == "multilabel":
        named = [c for c, v in zip(own.classes, values, strict=True) if v == 1]
        return ", ".join(named) or "none"
    if np.isnan(values[0]):
        return "missing"
    if own.kind == "regression":
        return three_digits(float(values[0]))
    return str(own.classes[int(values[0])])


def hover_texts(
    collection: TaskCollection, tasks: NDArray[np.int64], rows: NDArray[np.int64]
) -> list[str]:
    """Text of each point, safe inside a figure: task, sample, label, first input values."""
    joint = collection.layout == "joint"
    inputs = (
        {row: _input_words(collection, 0, int(row)) for row in np.unique(rows)} if joint else {}
    )
    texts = []
    for task, row in zip(tasks.tolist(), rows.tolist(), strict=True):
        words = inputs[row] if joint else _input_words(collection, task, row)
        texts.append(
            f"<b>{label(collection.names[task], 40)}</b><br>sample {row + 1:,}, label "
            f"{label(label_words(collection, task, row), 40)}{words}"
        )
    return texts


def sample_table(
    collection: TaskCollection, tasks: Sequence[int], rows: Sequence[int]
) -> pd.DataFrame:
    """One row a point: task, sample, label, and what the sample looks like.

    A column ``picture`` holds images as data URLs (images, molecules), a column ``series`` lists of
    numbers; of a table the first input columns stand as they are.
    """
    found: dict[str, list[Any]] = {
        "task": [collection.names[t] for t in tasks],
        "sample": [row + 1 for row in rows],
        "label": [label_words(collection, t, row) for t, row in zip(tasks, rows, strict=True)],
    }
    blocks = [0 if collection.layout == "joint" else t for t in tasks]
    wanted = list(zip(blocks, rows, strict=True))
    if collection.modality in ("image", "graph"):
        seen: dict[tuple[int, int], str | None] = {}
        for place in wanted[:PICTURES]:
            if place not in seen:
                seen[place] = picture(collection, *place)
        if any(seen.values()):
            found["picture"] = [seen.get(place) for place in wanted]
    elif collection.modality == "series":
        found["series"] = [_line(collection, *place) for place in wanted]
    elif collection.modality == "table":
        names = _feature_names(collection)
        for column, name in enumerate(names[:FEATURES]):
            found[name if name not in found else f"input {name}"] = [
                float(f"{np.asarray(collection.samples[b].inputs[[row]])[0, column]:.4g}")
                for b, row in wanted
            ]
    return pd.DataFrame(found)


def picture(collection: TaskCollection, block: int, row: int) -> str | None:
    """An image or a molecule as a data URL; None where there is nothing to draw."""
    inputs = collection.samples[block].inputs
    try:
        if isinstance(inputs, Graphs):
            drawing = draw_molecule(inputs[[row]])
            return None if drawing is None else _data_url(drawing.encode(), "image/svg+xml")
        if collection.modality == "image" and inputs.ndim == 4:
            return _data_url(_png(np.asarray(inputs[[row]])[0]), "image/png")
    except TaskvizError:
        # A file that has gone since the collection was opened: the row stands without its picture.
        return None
    return None


def _png(image: NDArray[Any]) -> bytes:
    """``(channels, height, width)`` → PNG, stretched to its own range."""
    from PIL import Image

    values = np.nan_to_num(image.astype(np.float64))
    low, high = values.min(), values.max()
    grey = ((values - low) / (high - low or 1.0) * 255).astype(np.uint8)
    rows = np.moveaxis(grey[:3], 0, 2) if len(grey) >= 3 else grey[0]
    drawn = Image.fromarray(rows)
    drawn.thumbnail((THUMBNAIL, THUMBNAIL))
    out = io.BytesIO()
    drawn.save(out, format="PNG")
    return out.getvalue()


def _data_url(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _line(collection: TaskCollection, block: int, row: int) -> list[float]:
    """The first channel of a series, thinned; padding left out."""
    values = np.asarray(collection.samples[block].inputs[[row]], dtype=np.float64)[0]
    channel = values.reshape(-1, values.shape[-1])[0]
    known = channel[np.isfinite(channel)]
    step = max(1, -(-len(known) // SERIES))
    return [float(f"{value:.4g}") for value in known[::step]]


def _feature_names(collection: TaskCollection) -> list[str]:
    inputs = collection.samples[0].inputs
    if inputs.ndim != 2:
        return []
    width = inputs.shape[1]
    names = collection.feature_names
    return list(names) if len(names) == width else [f"x{i + 1}" for i in range(width)]


def _input_words(collection: TaskCollection, block: int, row: int) -> str:
    """Lines for a hover, each with its break before it."""
    inputs = collection.samples[block].inputs
    if isinstance(inputs, Graphs):
        atoms = int(np.diff(inputs.node_pointer)[row])
        bonds = int(np.diff(inputs.edge_pointer)[row]) // 2
        return f"<br>graph of {atoms} nodes and {bonds} edges"
    if isinstance(inputs, LazyInputs):
        return f"<br>{plain(' × '.join(map(str, inputs.shape[1:])))} {collection.modality}"
    if isinstance(inputs, InputSource):
        return ""
    if collection.modality == "series":
        steps = int(np.isfinite(np.asarray(inputs[row])).reshape(-1, inputs.shape[-1]).any(0).sum())
        return f"<br>series of {steps} steps"
    if collection.modality == "table" and inputs.ndim == 2:
        names = _feature_names(collection)[:FEATURES]
        lines = [
            f"<br>{label(name, 24)} = {three_digits(float(inputs[row][i]))}"
            for i, name in enumerate(names)
        ]
        more = inputs.shape[1] - len(names)
        return "".join(lines) + (f"<br>and {more:,} more" if more > 0 else "")
    return f"<br>{plain(' × '.join(map(str, inputs.shape[1:])))} {collection.modality}"
