"""The heatmap shows exactly the matrix, and its cells can be clicked."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskviz.figures.heatmap import (
    CLICKABLE_TASKS,
    affinity_heatmap,
    cluster_order,
    describe_affinity_heatmap,
    task_order,
)
from taskviz.figures.small_heatmap import entry_ranks, small_heatmap
from taskviz.figures.style import three_digits
from taskviz.values import AffinityMatrix, TaskvizError

Factory = Callable[..., AffinityMatrix]


def trace(figure, name):  # type: ignore[no-untyped-def]
    found = [t for t in figure.data if t.name == name]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize("order", ["given", "name", "cluster"])
@pytest.mark.parametrize("dark", [False, True])
def test_trace_is_the_reordered_matrix(matrix: AffinityMatrix, order: str, dark: bool) -> None:
    figure = affinity_heatmap(matrix, order=order, dark=dark)  # type: ignore[arg-type]
    positions = task_order(matrix, order)  # type: ignore[arg-type]
    heat = trace(figure, "affinity")
    np.testing.assert_array_equal(heat.z, matrix.values[np.ix_(positions, positions)])
    assert list(figure.layout.xaxis.ticktext) == [matrix.tasks[i] for i in positions]
    assert list(figure.layout.yaxis.ticktext) == [matrix.tasks[i] for i in positions]
    # rows run downwards
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    assert figure.layout.yaxis.scaleanchor == "x"


def test_cells_carry_source_and_target(matrix: AffinityMatrix) -> None:
    figure = affinity_heatmap(matrix, order="cluster")
    cells, heat = trace(figure, "cells"), trace(figure, "affinity")
    names = [matrix.tasks[i] for i in cluster_order(matrix)]
    assert len(cells.x) == len(matrix.tasks) ** 2
    for x, y, (source, target), text in zip(
        cells.x, cells.y, cells.customdata, cells.hovertext, strict=True
    ):
        assert (names[y], names[x]) == (source, target)
        i, j = matrix.tasks.index(source), matrix.tasks.index(target)
        assert heat.z[y][x] == matrix.values[i, j]
        assert matrix.standard_error is not None
        assert matrix.support is not None
        shown = three_digits(matrix.values[i, j], matrix.standard_error[i, j])
        assert shown in text
        assert f"support: {matrix.support[i, j]}" in text
    # a click must not dim what was not clicked
    assert cells.marker.opacity == cells.unselected.marker.opacity == cells.selected.marker.opacity
    assert cells.marker.opacity < 0.02


def test_colours_span_what_is_off_the_diagonal() -> None:
    values = np.array([[50.0, 0.1, 0.2], [0.3, 50.0, 0.4], [0.5, 0.6, -50.0]])
    heat = trace(affinity_heatmap(AffinityMatrix(values, ("a", "b", "c"), "x")), "affinity")
    assert (heat.zmin, heat.zmax) == (0.1, 0.6)


def test_constant_matrix_has_a_range() -> None:
    heat = trace(
        affinity_heatmap(AffinityMatrix(np.ones((3, 3)), ("a", "b", "c"), "x")), "affinity"
    )
    assert heat.zmin < heat.zmax


def test_missing_entries_are_hatched_and_named(matrix_factory: Factory) -> None:
    matrix = matrix_factory(5, missing=((0, 3), (4, 1)))
    figure = affinity_heatmap(matrix, order="given")
    hatch = trace(figure, "no data")
    assert {(int(b + 0.5), int(x)) for b, x in zip(hatch.base, hatch.x, strict=True)} == {
        (0, 3),
        (4, 1),
    }
    assert hatch.marker.pattern.shape == "/"
    assert hatch.showlegend
    assert figure.layout.showlegend
    cells = trace(figure, "cells")
    texts = {tuple(c): t for c, t in zip(cells.customdata, cells.hovertext, strict=True)}
    assert "no data" in texts["t1", "t4"]
    assert "no data" not in texts["t4", "t1"]
    assert trace(affinity_heatmap(matrix_factory(5)), "no data") is None


def test_nothing_measured_is_drawn_and_said() -> None:
    values, support = np.full((3, 3), np.nan), np.zeros((3, 3), dtype=np.int64)
    matrix = AffinityMatrix(values, ("a", "b", "c"), "x", support=support)
    assert len(trace(affinity_heatmap(matrix), "no data").x) == 9
    assert "no pair has data" in describe_affinity_heatmap(matrix)


def test_selected_cell_is_outlined(matrix: AffinityMatrix) -> None:
    figure = affinity_heatmap(matrix, order="given", selected=("t2", "t5"))
    shapes = {shape.name: shape for shape in figure.layout.shapes}
    cell = shapes["selected cell"]
    assert (cell.x0, cell.x1, cell.y0, cell.y1) == (3.5, 4.5, 0.5, 1.5)
    row, column = shapes["selected row"], shapes["selected column"]
    assert (row.x0, row.x1, row.y0, row.y1) == (-0.5, 5.5, 0.5, 1.5)
    assert (column.x0, column.x1, column.y0, column.y1) == (3.5, 4.5, -0.5, 5.5)
    unmarked = affinity_heatmap(matrix, order="given").layout.shapes
    assert [shape.name for shape in unmarked] == ["diagonal"]


def test_bad_arguments_are_told(matrix: AffinityMatrix) -> None:
    with pytest.raises(TaskvizError, match="'nobody' is selected"):
        affinity_heatmap(matrix, selected=("t1", "nobody"))
    with pytest.raises(TaskvizError, match="order of tasks 'size'"):
        affinity_heatmap(matrix, order="size")  # type: ignore[arg-type]


def test_many_tasks_have_hover_but_no_markers(matrix_factory: Factory) -> None:
    matrix = matrix_factory(CLICKABLE_TASKS + 1)
    figure = affinity_heatmap(matrix, order="given")
    assert trace(figure, "cells") is None
    heat = trace(figure, "affinity")
    # The browser joins the names: a sentence a cell would be most of a page of 500 tasks.
    assert heat.text is None
    assert (heat.y[2], heat.x[60]) == ("t3", "t61")
    assert "%{y} → %{x}" in heat.hovertemplate
    assert figure.layout.xaxis.tickmode == "auto", "a zoom shows more names"
    assert trace(affinity_heatmap(matrix_factory(CLICKABLE_TASKS)), "cells") is not None


def test_names_are_no_markup() -> None:
    names = ("<b>bold</b>", '<a href="https://x.example">x</a>', "plain")
    figure = affinity_heatmap(AffinityMatrix(np.eye(3), names, "x"))
    drawn = [*figure.layout.xaxis.ticktext, *trace(figure, "cells").hovertext]
    assert not any("<a" in text or "<b>bold" in text for text in drawn)
    # clicks still give the name itself
    assert {name for pair in trace(figure, "cells").customdata for name in pair} == set(names)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(0, 10_000), st.floats(0, 0.9))
def test_cluster_order_is_a_permutation(size: int, seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(size, size)).round(1)
    missing = rng.random((size, size)) < share
    values[missing] = np.nan
    matrix = AffinityMatrix(
        values, tuple(f"t{i}" for i in range(size)), "x", support=(~missing).astype(np.int64)
    )
    assert sorted(cluster_order(matrix)) == list(range(size))


def test_clusters_stand_together() -> None:
    kind = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2])
    values = np.where(kind[:, None] == kind[None], 1.0, 0.0)
    values += 0.05 * np.random.default_rng(0).normal(size=values.shape)
    matrix = AffinityMatrix(values, tuple("abcdefghi"), "x")
    ordered = kind[cluster_order(matrix)]
    assert np.count_nonzero(np.diff(ordered)) == 2


def test_numbers_in_names_count() -> None:
    matrix = AffinityMatrix(np.eye(4), ("t10", "t2", "T1", "other"), "x")
    assert [matrix.tasks[i] for i in task_order(matrix, "name")] == ["other", "T1", "t2", "t10"]


def test_description_names_best_and_worst() -> None:
    values = np.array([[9.0, 0.5, 0.1], [-0.2, 9.0, 0.3], [0.0, 0.25, 9.0]])
    text = describe_affinity_heatmap(AffinityMatrix(values, ("a", "b", "c"), "sca"))
    assert "a helps b most (0.500)" in text
    assert "b helps a least (−0.200)" in text


def test_small_heatmap_shows_ranks(matrix_factory: Factory) -> None:
    matrix = matrix_factory(5, missing=((1, 2),))
    ranks = entry_ranks(matrix)
    known = ~np.isnan(ranks)
    assert known.sum() == 19
    assert (np.nanmin(ranks), np.nanmax(ranks)) == (0, 1)
    order = np.argsort(matrix.values[known])
    assert (np.diff(ranks[known][order]) > 0).all()
    figure = small_heatmap(matrix, order=[4, 3, 2, 1, 0])
    np.testing.assert_array_equal(figure.data[0].z, ranks[::-1, ::-1])
    with pytest.raises(TaskvizError, match="no permutation of 5"):
        small_heatmap(matrix, order=[0, 1, 2, 3, 3])


def test_zoom_shows_the_neighbourhood_of_a_pair(matrix_factory):
    matrix = matrix_factory(CLICKABLE_TASKS + 20)
    pair = (matrix.tasks[40], matrix.tasks[2])
    whole = affinity_heatmap(matrix, order="given", selected=pair).layout
    near = affinity_heatmap(matrix, order="given", selected=pair, zoom=True).layout
    assert list(whole.xaxis.range) == [-0.5, 79.5]
    assert list(near.xaxis.range) == [-0.5, 24.5], "whole at the rim"
    assert list(near.yaxis.range) == [52.5, 27.5], "sources run downwards"


def test_many_cells_without_data_are_one_layer(matrix_factory):
    matrix = matrix_factory(CLICKABLE_TASKS + 20)
    values, support = matrix.values.copy(), np.ones(matrix.values.shape, dtype=np.int64)
    values[:40, 40:] = values[40:, :40] = np.nan
    support[np.isnan(values)] = 0
    holes = replace(matrix, values=values, support=support, standard_error=None)
    layer = trace(affinity_heatmap(holes), "no data")
    assert layer.type == "heatmap"
    assert np.nansum(layer.z) == np.isnan(values).sum()
