"""Samples of a collection as suits them: pictures, lines, molecules, rows."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from taskviz.data.summary import preview
from taskviz.ui import sample_view, tables
from taskviz.values import GraphNodes, Graphs, TaskCollection

ROWS = 12
_HEIGHT = 72


def draw(collection: TaskCollection) -> None:
    """A table with a picture or a line a sample beside its labels."""
    number = _data_set(collection)
    table = preview_table(collection, number)
    pictured = "picture" in table or "series" in table
    config: dict[str, Any] = {
        "picture": st.column_config.ImageColumn("Picture", width="small"),
        "series": st.column_config.LineChartColumn(
            "First channel", help="The steps of its first channel", width="medium"
        ),
        "neighbours": st.column_config.NumberColumn("Neighbours", width="small"),
        "size": st.column_config.NumberColumn("Nodes", width="small"),
    }
    for task in collection.tasks:
        if task.kind == "regression" and task.name not in config:
            config[task.name] = st.column_config.NumberColumn(format="%.4g")
    tables.show(
        table,
        alt=f"{len(table)} samples with their labels",
        row_height=_HEIGHT if pictured else None,
        column_config=config,
    )
    st.caption(f"Each sample: {shape_words(collection, number)}.")


def preview_table(collection: TaskCollection, number: int = 0, rows: int = ROWS) -> pd.DataFrame:
    """Some samples of data set ``number`` (0 in a joint collection): its index is their number.

    Of a table the first rows; else samples from beginning to end, since files are often in the
    order of their classes. Labels follow what a sample looks like: a column ``picture`` (data URL),
    ``series`` (numbers), ``neighbours`` or ``size``.
    """
    joint = collection.layout == "joint"
    if collection.modality == "table" and joint:
        return preview(collection, rows=rows)
    block = collection.samples[0 if joint else number]
    places = np.unique(np.linspace(0, len(block) - 1, min(rows, len(block))).astype(np.int64))
    tasks = range(len(collection.tasks)) if joint else [number]
    looks = sample_view.sample_table(collection, [number] * len(places), places.tolist())
    shown: dict[str, Any] = {
        str(name): looks[name].tolist() for name in looks if name not in ("task", "sample", "label")
    }
    inputs = block.inputs
    if isinstance(inputs, GraphNodes):
        degree = np.bincount(inputs.edge_index[0], minlength=len(inputs.features))
        shown["neighbours"] = degree[inputs.nodes[places]].tolist()
    if isinstance(inputs, Graphs):
        shown["size"] = np.diff(inputs.node_pointer)[places].tolist()
    for task in tasks:
        name = collection.names[task]
        while name in shown:
            name += " (task)"
        shown[name] = _labels(collection, task, places)
    return pd.DataFrame(shown, index=pd.Index(places + 1, name="sample"))


def _labels(collection: TaskCollection, task: int, places: NDArray[np.int64]) -> list[Any]:
    if collection.tasks[task].kind == "regression":
        values = collection.target_of(task)[places, 0]
        return [None if np.isnan(value) else float(value) for value in values]
    return [sample_view.label_words(collection, task, int(row)) for row in places]


def shape_words(collection: TaskCollection, number: int = 0) -> str:
    """What one sample is, in numbers."""
    inputs = collection.samples[number if collection.layout == "separate" else 0].inputs
    if isinstance(inputs, Graphs):
        sizes = np.diff(inputs.node_pointer)
        return (
            f"a graph of {sizes.min():,} to {sizes.max():,} nodes with {inputs.shape[1]} features, "
            f"and edges with {inputs.shape[2]}"
        )
    if isinstance(inputs, GraphNodes):
        edges = inputs.edge_index.shape[1]
        return f"a node with {inputs.shape[1]} features in a graph of {edges:,} directed edges"
    shape = inputs.shape[1:]
    if collection.modality == "image" and len(shape) == 3:
        colours = "1 channel" if shape[0] == 1 else f"{shape[0]} channels"
        return f"{shape[1]} × {shape[2]} pixels, {colours}"
    if collection.modality == "series" and len(shape) == 2:
        channels = "1 channel" if shape[0] == 1 else f"{shape[0]} channels"
        return f"{channels}, up to {shape[1]:,} steps"
    return f"{' × '.join(f'{width:,}' for width in shape)} values"


def _data_set(collection: TaskCollection) -> int:
    if collection.layout == "joint":
        return 0
    names = list(collection.names)
    chosen = st.selectbox("Data set", names, key="preview_of", bind="query-params")
    return names.index(chosen) if chosen in names else 0
