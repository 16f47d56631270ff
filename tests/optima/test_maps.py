"""Maps of points whose places are known, their quality, and the study around them."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from taskviz.cache import Cache
from taskviz.engines import RunContext
from taskviz.optima.maps import (
    MAPS,
    MapSettings,
    draw_map,
    map_quality,
    principal_axes,
    silhouette,
)
from taskviz.optima.optima_map import OptimaMap, OptimaOptions, map_optima
from taskviz.optima.units import draw_units, drawn_rows
from taskviz.values import TaskvizError
from taskviz.verbs.optima import map_optima as map_verb
from taskviz.verbs.optima import optima_map_key, read_optima_map

GROUPS = np.repeat(np.arange(3), 20)


@pytest.fixture(scope="module")
def clusters():
    """Three clouds of 20 points each, far apart."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(60, 6)) + 12 * rng.normal(size=(3, 6))[GROUPS]
    return cdist(points, points, "cityblock")


@pytest.mark.parametrize("kind", list(MAPS))
def test_clouds_stay_apart_and_the_same_seed_gives_the_same_map(kind, clusters):
    settings = MapSettings(perplexity=10, neighbours=8, seed=2)
    found = draw_map(kind, clusters, settings)
    assert found.shape == (60, 2)
    assert np.isfinite(found).all()
    assert silhouette(cdist(found, found), GROUPS) > 0.6
    quality = map_quality(clusters, found)
    assert quality.trustworthiness > 0.85
    assert quality.rank_correlation > 0.5
    np.testing.assert_array_equal(found, draw_map(kind, clusters, settings))


def test_principal_axes_are_exact_for_points_of_a_plane():
    points = np.random.default_rng(1).normal(size=(30, 2)) * [5, 1]
    axes, share = principal_axes(cdist(points, points))
    np.testing.assert_allclose(cdist(axes, axes), cdist(points, points), atol=1e-9)
    assert share == pytest.approx(1)
    quality = map_quality(cdist(points, points), axes)
    assert (quality.trustworthiness, quality.rank_correlation) == (1.0, pytest.approx(1.0))


def test_a_random_map_is_told_to_be_one(clusters):
    quality = map_quality(clusters, np.random.default_rng(0).normal(size=(60, 2)))
    assert quality.trustworthiness < 0.65
    assert abs(quality.rank_correlation) < 0.2


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("tsne", MapSettings(perplexity=60), "Perplexity is 60"),
        ("umap", MapSettings(neighbours=60), "Neighbours is 60"),
        ("som", MapSettings(), "Unknown map 'som'"),
    ],
)
def test_what_does_not_fit_is_one_sentence(kind, settings, words, clusters):
    with pytest.raises(TaskvizError, match=words):
        draw_map(kind, clusters, settings)


def test_points_that_coincide_are_no_problem():
    same = np.zeros((12, 12))
    for kind in MAPS:
        found = draw_map(kind, same, MapSettings(perplexity=3, neighbours=3))
        assert np.isfinite(found).all()
    quality = map_quality(same, np.zeros((12, 2)))
    assert np.isnan(quality.rank_correlation)


def test_a_study_names_the_samples_it_drew(toy, tmp_path):
    options = OptimaOptions(n=10, width=8, perplexity=5, neighbours=5)
    study = map_optima(toy, options, RunContext(seed=4))
    assert set(study.coordinates) == set(MAPS)
    assert len(study.tasks) == 40
    drawn = drawn_rows(toy, 10, 4)[0]
    np.testing.assert_array_equal(study.rows, drawn[study.units])
    assert set(study.rows) <= set(toy.samples[0].indices("train"))
    between = study.between_tasks
    own = study.distances[:10, :10]
    assert between[0, 0] == pytest.approx(own.sum() / 90)
    assert between[0, 1] == pytest.approx(study.distances[:10, 10:20].mean())
    study.save(tmp_path)
    again = OptimaMap.read(tmp_path)
    for name in ("tasks", "rows", "distances"):
        np.testing.assert_array_equal(getattr(again, name), getattr(study, name))
    for name, points in study.coordinates.items():
        np.testing.assert_array_equal(again.coordinates[name], points)
    assert again.quality == study.quality
    assert again.options == study.options


def test_units_and_their_rows_are_one_draw(toy):
    from taskviz.data.tensors import to_tensors

    tensors = to_tensors(toy)
    units = draw_units(tensors, 9, 5)
    rows = drawn_rows(toy, 9, 5)[0]
    np.testing.assert_array_equal(units.inputs[0].numpy(), tensors.inputs[0][rows].numpy())


def test_another_perplexity_draws_on_stored_distances(toy, tmp_path, monkeypatch):
    cache = Cache(tmp_path)
    own = {"n": 8, "width": 8, "neighbours": 4}
    first = map_verb(toy, cache=cache, perplexity=4, **own)
    monkeypatch.setattr("taskviz.optima.optima_map.measure_optima", None)
    second = map_verb(toy, cache=cache, perplexity=6, **own)
    np.testing.assert_array_equal(first.distances, second.distances)
    assert not np.array_equal(first.coordinates["tsne"], second.coordinates["tsne"])
    key = optima_map_key(toy, perplexity=6, **own)
    np.testing.assert_array_equal(
        read_optima_map(key, cache).coordinates["tsne"], second.coordinates["tsne"]
    )
    with pytest.raises(TaskvizError, match="not stored any more"):
        read_optima_map("0" * 64, cache)
    with pytest.raises(TaskvizError, match="Unknown option"):
        map_verb(toy, cache=cache, perplexities=3)
