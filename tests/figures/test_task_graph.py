"""The graph shows exactly the pairs at or above the threshold, and nodes stay put."""

import time
from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskviz.figures.graph_edges import MOST_EDGES
from taskviz.figures.graph_nodes import pixels
from taskviz.figures.labels import label_box, node_box, place_labels
from taskviz.figures.style import group_colour, group_symbol
from taskviz.figures.task_graph import (
    default_threshold,
    describe_task_graph,
    edge_table,
    edge_weights,
    graph_layout,
    task_graph,
)
from taskviz.values import AffinityMatrix, Grouping, TaskvizError

Factory = Callable[..., AffinityMatrix]


def drawn_edges(figure: go.Figure, layout: dict[str, tuple[float, float]]) -> set[frozenset[str]]:
    """The pairs that line segments join, by where they end."""
    task_at = {place: task for task, place in layout.items()}
    found = []
    for trace in figure.data:
        if trace.name != "edges":
            continue
        xs, ys = list(trace.x), list(trace.y)
        assert len(xs) % 3 == 0
        for k in range(0, len(xs), 3):
            assert xs[k + 2] is None
            found.append(frozenset({task_at[xs[k], ys[k]], task_at[xs[k + 1], ys[k + 1]]}))
    assert len(found) == len(set(found))
    return set(found)


def node_places(figure: go.Figure) -> dict[str, tuple[float, float]]:
    places = {}
    for trace in figure.data:
        if trace.name == "tasks" or str(trace.name).startswith("group "):
            for task, x, y in zip(trace.customdata, trace.x, trace.y, strict=True):
                assert task not in places
                places[task] = (x, y)
    return places


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 8), st.integers(0, 1000), st.floats(-2, 2), st.floats(0, 0.6))
def test_edges_are_the_pairs_at_or_above_the_threshold(
    size: int, seed: int, threshold: float, share: float
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(size, size))
    missing = rng.random((size, size)) < share
    values[missing] = np.nan
    names = tuple(f"t{i}" for i in range(size))
    matrix = AffinityMatrix(values, names, "x", support=(~missing).astype(np.int64))
    layout = {name: (float(i), float(i * i)) for i, name in enumerate(names)}
    expected = set()
    for i in range(size):
        for j in range(i):
            both = [v for v in (values[i, j], values[j, i]) if not np.isnan(v)]
            if both and sum(both) / len(both) >= threshold:
                expected.add(frozenset({names[i], names[j]}))
    figure = task_graph(matrix, threshold=threshold, layout=layout)
    assert drawn_edges(figure, layout) == expected
    marks = next(t for t in figure.data if t.name == "edge marks")
    assert {frozenset(pair) for pair in marks.customdata or ()} == expected
    assert {frozenset(row[:2]) for row in edge_table(matrix, threshold).to_numpy()} == expected


def test_a_threshold_equal_to_a_weight_keeps_it(matrix: AffinityMatrix) -> None:
    edges = edge_weights(matrix)
    layout = graph_layout(matrix)
    for rank in (0, 4, len(edges) - 1):
        figure = task_graph(matrix, threshold=edges[rank][2], layout=layout)
        assert len(drawn_edges(figure, layout)) == rank + 1


def test_nodes_do_not_move_with_the_threshold(matrix: AffinityMatrix) -> None:
    few, many = (node_places(task_graph(matrix, threshold=t)) for t in (99.0, -99.0))
    assert few == many
    assert set(few) == set(matrix.tasks)


def test_layout_repeats_and_follows_affinity(matrix_factory: Factory) -> None:
    kind = np.arange(12) % 3
    values = np.where(kind[:, None] == kind[None], 1.0, 0.0)
    values += 0.1 * np.random.default_rng(1).normal(size=values.shape)
    matrix = AffinityMatrix(values, tuple("abcdefghijkl"), "x")
    layout = graph_layout(matrix, seed=3)
    assert layout == graph_layout(matrix, seed=3)
    points = np.array([layout[task] for task in matrix.tasks])
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
    same = (kind[:, None] == kind[None]) & ~np.eye(12, dtype=bool)
    assert gaps[same].mean() < 0.6 * gaps[kind[:, None] != kind[None]].mean()


@pytest.mark.parametrize("size", [1, 2, 3, 14, 30, 41, 100])
def test_layout_keeps_nodes_apart(size: int, matrix_factory: Factory) -> None:
    layout = graph_layout(matrix_factory(size))
    points = np.array(list(layout.values()))
    assert np.isfinite(points).all()
    assert np.abs(points).max() <= 1 + 1e-9
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2) + 9 * np.eye(size)
    assert gaps.min() >= (0.17 if size <= 30 else 0.05)


def test_layout_of_identical_tasks_is_finite() -> None:
    matrix = AffinityMatrix(np.ones((5, 5)), tuple("abcde"), "x")
    points = np.array(list(graph_layout(matrix).values()))
    assert np.isfinite(points).all()
    assert len(np.unique(points.round(6), axis=0)) == 5


def test_layout_without_any_data_is_finite() -> None:
    nothing = np.full((4, 4), np.nan)
    matrix = AffinityMatrix(nothing, tuple("abcd"), "x", support=np.zeros((4, 4), dtype=np.int64))
    assert np.isfinite(np.array(list(graph_layout(matrix).values()))).all()
    assert default_threshold(matrix) == 0.0
    figure = task_graph(matrix, threshold=0.0)
    assert figure.layout.annotations[0].text == "no pair has data"


def test_layout_draws_from_no_global_generator(matrix: AffinityMatrix) -> None:
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    graph_layout(matrix)
    np.testing.assert_array_equal(before, np.random.get_state()[1])


def test_default_threshold_keeps_one_and_a_half_edges_a_task(matrix_factory: Factory) -> None:
    matrix = matrix_factory(14)
    threshold = default_threshold(matrix)
    assert sum(weight >= threshold for *_, weight in edge_weights(matrix)) == 21
    small = matrix_factory(2)
    assert default_threshold(small) == edge_weights(small)[0][2]


def test_groups_have_colour_symbol_and_letter(matrix: AffinityMatrix) -> None:
    groups = [["t1", "t2"], ["t3", "t4", "t5", "t6", "t1"]]
    figure = task_graph(matrix, threshold=0, groups=groups)
    traces = {t.name: t for t in figure.data}
    for index, letter, tasks in ((0, "A", ["t1", "t2"]), (1, "B", ["t3", "t4", "t5", "t6"])):
        nodes = traces[f"group {letter}"]
        assert list(nodes.customdata) == tasks
        assert nodes.marker.color == group_colour(index)
        assert nodes.marker.symbol == group_symbol(index)
        assert set(nodes.text) == {letter}
        assert nodes.showlegend
    # t1 is in B too: a second ring in B's colour, and said on hover
    ring = traces["also in"]
    assert list(ring.marker.color) == [group_colour(1)]
    assert (ring.x[0], ring.y[0]) == node_places(figure)["t1"]
    assert "groups A, B" in traces["group A"].hovertext[0]
    assert "also in" not in {
        t.name for t in task_graph(matrix, threshold=0, groups=groups[:1]).data
    }


def test_the_serving_group_colours_a_node(matrix: AffinityMatrix) -> None:
    grouping = Grouping(
        groups=(("t1", "t2", "t3"), ("t1", "t4", "t5", "t6")),
        serving={"t1": 1, "t2": 0, "t3": 0, "t4": 1, "t5": 1, "t6": 1},
        budget=2,
        cost=2,
    )
    figure = task_graph(matrix, threshold=0, groups=grouping)
    assert "t1" in next(t for t in figure.data if t.name == "group B").customdata


def test_selection_is_marked(matrix: AffinityMatrix) -> None:
    place = node_places(task_graph(matrix, threshold=-99))
    one = task_graph(matrix, threshold=-99, selected="t3")
    ring = next(t for t in one.data if t.name == "selected")
    assert (ring.x[0], ring.y[0]) == place["t3"]
    assert "selected edge" not in {t.name for t in one.data}
    pair = task_graph(matrix, threshold=-99, selected=("t3", "t5"))
    edge = next(t for t in pair.data if t.name == "selected edge")
    assert {(edge.x[0], edge.y[0]), (edge.x[1], edge.y[1])} == {place["t3"], place["t5"]}
    # a pair below the threshold has no edge, selected or not
    none = task_graph(matrix, threshold=99, selected=("t3", "t5"))
    assert "selected edge" not in {t.name for t in none.data}


def test_bad_arguments_are_told(matrix: AffinityMatrix) -> None:
    with pytest.raises(TaskvizError, match="no task 'x'"):
        task_graph(matrix, threshold=0, selected="x")
    with pytest.raises(TaskvizError, match="Group B names task 'x'"):
        task_graph(matrix, threshold=0, groups=[["t1"], ["x"]])
    with pytest.raises(TaskvizError, match="no position for task 't2'"):
        task_graph(matrix, threshold=0, layout={"t1": (0.0, 0.0)})


@pytest.mark.parametrize("size", [4, 8, 14, 20])
def test_labels_cover_no_node(size: int, matrix_factory: Factory) -> None:
    """At the smallest screen: boxes as the placing itself assumes them, seen from the figure."""
    matrix = matrix_factory(size, seed=size)
    figure = task_graph(matrix, threshold=0)
    names = next(t for t in figure.data if t.name == "names")
    nodes = next(t for t in figure.data if t.name == "tasks")
    radius = nodes.marker.size / 2
    places = [pixels((x, y)) for x, y in zip(nodes.x, nodes.y, strict=True)]
    covered = 0.0
    for x, y, text, position in zip(names.x, names.y, names.text, names.textposition, strict=True):
        box = label_box(*pixels((x, y)), names.marker.size / 2, text, names.textfont.size, position)
        covered += sum(box.overlap(node_box(*place, radius)) for place in places)
    assert covered == 0.0


def test_labels_give_way() -> None:
    row = [(100.0 + 40 * i, 100.0) for i in range(3)]
    placed = place_labels(
        row, ["a long name"] * 3, radius=10, font=12, size=(300, 200), all_shown=True
    )
    boxes = [
        label_box(x, y, 10, "a long name", 12, str(p))
        for (x, y), p in zip(row, placed, strict=True)
    ]
    assert not any(a.overlap(b) for i, a in enumerate(boxes) for b in boxes[:i])
    crowd = [(50.0 + 3 * i, 50.0) for i in range(20)]
    left = place_labels(crowd, ["name"] * 20, radius=8, font=12, size=(120, 100), all_shown=False)
    assert None in left
    assert any(left)


def test_descriptions(matrix: AffinityMatrix) -> None:
    edges = edge_weights(matrix)
    text = describe_task_graph(matrix, threshold=edges[2][2], groups=[["t1"], ["t2"]])
    assert "3 of 15 pairs" in text
    assert f"{edges[0][0]} and {edges[0][1]}" in text
    assert "2 groups" in text


def test_names_are_no_markup() -> None:
    names = ('<a href="https://x.example">x</a>', "<b>b</b>")
    figure = task_graph(AffinityMatrix(np.eye(2), names, "x"), threshold=0)
    shown = [text for t in figure.data for text in (*(t.text or ()), *(t.hovertext or ())) if text]
    assert not any("<a" in text or "<b>b<" in text for text in shown)


def test_a_hundred_tasks_draw_in_time(matrix_factory: Factory) -> None:
    matrix = matrix_factory(100)
    layout = graph_layout(matrix)
    start = time.process_time()
    task_graph(matrix, threshold=default_threshold(matrix), layout=layout)
    assert time.process_time() - start < 1.0


def test_of_too_many_edges_the_strongest_are_drawn(matrix_factory):
    matrix = matrix_factory(90)
    figure = task_graph(matrix, threshold=-1e9, layout=dict.fromkeys(matrix.tasks, (0.0, 0.0)))
    marks = next(t for t in figure.data if t.name == "edge marks")
    assert len(marks.x) == MOST_EDGES < 90 * 89 // 2
    kept = {frozenset(pair) for pair in marks.customdata}
    assert kept == {frozenset(edge[:2]) for edge in edge_weights(matrix)[:MOST_EDGES]}
    assert any("3,000 strongest of 4,005 pairs" in note.text for note in figure.layout.annotations)
    assert "the 3,000 strongest drawn" in describe_task_graph(matrix, threshold=-1e9)


def test_many_nodes_are_spread_as_few_are(matrix_factory):
    matrix = matrix_factory(120)
    points = np.array(list(graph_layout(matrix).values()))
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert np.abs(points).max() <= 1
    assert apart.min() > 0.5 * 0.19 * (30 / 120) ** 0.5


@pytest.mark.parametrize(("size", "families"), [(60, 6), (150, 6), (500, 20)])
def test_families_of_many_tasks_stand_together(size: int, families: int) -> None:
    """All ties at once pull 500 tasks into one heap, where a neighbour is anybody."""
    family = np.arange(size) % families
    noise = np.random.default_rng(0).normal(size=(size, size))
    values = np.equal.outer(family, family) + 0.4 * noise
    matrix = AffinityMatrix(values, tuple(f"t{i}" for i in range(size)), "planted")
    layout = graph_layout(matrix)
    points = np.array([layout[task] for task in matrix.tasks])
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    nearest = distance.argsort(axis=1)[:, :5]
    assert (family[nearest] == family[:, None]).mean() > 0.85
