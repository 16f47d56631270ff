"""Maps of optima, densities, bounds, layers, and affinities over a training as figures."""

import numpy as np
import pytest

from taskviz.affinity.dynamics import DynamicsStudy
from taskviz.figures import dynamics, landscape, optima_map
from taskviz.figures.style import group_colour, group_symbol
from taskviz.optima.curvature import Curvature
from taskviz.optima.landscape import LandscapeStudy
from taskviz.optima.maps import MapQuality
from taskviz.optima.optima_map import OptimaMap
from taskviz.optima.step_losses import StepLosses
from taskviz.values import TaskvizError

NAMES = ("ash", "<b>birch</b>", "cedar")


@pytest.fixture
def study():
    """Three tasks with four optima each."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(12, 2))
    distances = np.abs(points[:, None] - points).sum(axis=2)
    return OptimaMap(
        NAMES,
        np.repeat(np.arange(3), 4),
        np.tile(np.arange(4), 3),
        np.tile(np.arange(4), 3) + 10,
        distances,
        {"tsne": points, "pca": 2 * points},
        {name: MapQuality(0.91234, 0.5, 5) for name in ("tsne", "pca")},
        0.1,
        -0.2,
        0.8,
        "outer products",
        "",
        0.0,
    )


@pytest.fixture
def landscape_study():
    rng = np.random.default_rng(1)
    losses = [rng.uniform(0.1, 1, size=(20, 3)) for _ in range(4)]
    layers = {"first": np.ones((3, 3)) - np.eye(3), "second": 3 * (np.ones((3, 3)) - np.eye(3))}
    return LandscapeStudy(
        NAMES,
        Curvature(0.5, 0.01, "hutchinson", 16, 1),
        StepLosses(0.1, *losses),
        rng.uniform(1, 3, size=20),
        np.full(20, 3),
        0.7,
        layers,
    )


@pytest.fixture
def course():
    rng = np.random.default_rng(2)
    matrices = {name: rng.normal(size=(2, 4, 3, 3)) for name in ("sca", "gradient-cosine")}
    return DynamicsStudy(NAMES, np.array([0, 2, 4, 5]), matrices, rng.normal(size=(2, 4)))


@pytest.mark.parametrize("dark", [False, True])
def test_a_task_keeps_its_colour_and_mark_and_each_point_its_number(study, dark):
    figure = optima_map.optima_scatter(study, "tsne", dark=dark)
    assert len(figure.data) == 3
    for number, trace in enumerate(figure.data):
        assert trace.marker.color == group_colour(number, dark)
        assert trace.marker.symbol == group_symbol(number)
        assert [row[0] for row in trace.customdata] == list(range(4 * number, 4 * number + 4))
        assert trace.selectedpoints is None
    assert "<b>" not in figure.data[1].name
    assert figure.layout.dragmode == "lasso"


def test_what_was_caught_is_strong_on_every_map(study):
    for kind in ("tsne", "pca"):
        figure = optima_map.optima_scatter(study, kind, caught=[1, 5, 6])
        assert [tuple(trace.selectedpoints) for trace in figure.data] == [(1,), (1, 2), ()]
    faded = optima_map.optima_scatter(study, "pca", tasks=["cedar"])
    assert [trace.opacity < 1 for trace in faded.data] == [True, True, False]
    with pytest.raises(TaskvizError, match="Unknown map 'umap'"):
        optima_map.optima_scatter(study, "umap")
    with pytest.raises(TaskvizError, match="no task 'elm'"):
        optima_map.optima_scatter(study, "pca", tasks=["elm"])
    assert "trustworthiness 0.912" in optima_map.describe_optima_map(study, "tsne")


def test_every_unit_is_in_the_histogram(landscape_study):
    figure = landscape.density_histogram(landscape_study)
    assert sum(figure.data[0].y) == 20
    assert "20 samples" in landscape.describe_densities(landscape_study)


def test_bounds_stand_beside_what_they_bound(landscape_study):
    figure = landscape.bound_dots(landscape_study)
    named = {trace.name: trace for trace in figure.data if trace.name}
    frame = landscape_study.to_frame()
    np.testing.assert_allclose(list(named["bound"].x), frame["bound"])
    np.testing.assert_allclose(list(named["measured loss"].x), frame["measured"])
    assert "Equation 12" in landscape.describe_bounds(landscape_study)


def test_layers_share_a_distance(landscape_study):
    figure = landscape.layer_bars(landscape_study, (0, 2))
    for trace in figure.data:
        assert list(trace.x) == [0.25, 0.75]
    assert len(landscape.layer_bars(landscape_study, None).data) == 1


def test_frames_are_looks_under_one_range_of_colours(course):
    figure = dynamics.animated_heatmap(course, "sca")
    assert [frame.name for frame in figure.frames] == ["0", "2", "4", "5"]
    assert len({(frame.data[0].zmin, frame.data[0].zmax) for frame in figure.frames}) == 1
    steps = figure.layout.sliders[0].steps
    assert [step.args[0] for step in steps] == [(frame.name,) for frame in figure.frames] or [
        list(step.args[0]) for step in steps
    ] == [[frame.name] for frame in figure.frames]
    z = np.array(figure.frames[2].data[0].z, dtype=float)
    off = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose(z[off], course.mean("sca")[2][off])


def test_the_picked_pair_stands_out_with_its_error(course):
    figure = dynamics.pair_lines(course, "sca", (2, 0))
    assert len(figure.data) == 3
    line = figure.data[-1]
    mean = course.mean("sca")
    np.testing.assert_allclose(list(line.y), (mean[:, 0, 2] + mean[:, 2, 0]) / 2)
    assert line.error_y.array is not None
    assert "<b>birch" not in "".join(trace.name for trace in figure.data)


def test_stability_is_drawn_for_every_method(course):
    figure = dynamics.stability_lines(course)
    assert len(figure.data) == 4
    assert list(figure.data[0].x) == [0, 2, 4, 5]
    assert figure.data[0].y[0] == 1
    assert np.isnan(figure.data[1].y[0])
    assert "SCA" in dynamics.describe_stability(course)
