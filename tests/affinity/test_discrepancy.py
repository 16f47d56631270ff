"""Proxy A-distance between data sets."""

from dataclasses import replace

import numpy as np
import pytest
from networks.modalities import make_inputs

from taskviz.affinity import make_estimator
from taskviz.values import Samples, Task, TaskCollection, TaskvizError


def apart(inputs: list[np.ndarray], modality: str = "table") -> TaskCollection:
    samples = []
    for block in inputs:
        split = (np.arange(len(block)) % 3).astype(np.int8)
        samples.append(Samples(block, (np.zeros((len(block), 1)),), split))
    tasks = tuple(Task(f"t{i}", "regression") for i in range(len(inputs)))
    return TaskCollection("sets", tasks, tuple(samples), "separate", modality)


def test_equal_distributions_near_zero_and_disjoint_ones_at_minus_two() -> None:
    rng = np.random.default_rng(0)
    base = [rng.normal(size=(900, 3)) for _ in range(2)]
    far = rng.normal(size=(300, 3)) + 50
    matrix = make_estimator("discrepancy").fit(apart([*base, far])).affinity_
    assert matrix.values[0, 1] > -0.35
    assert matrix.values[0, 2] == -2
    assert np.array_equal(matrix.values, matrix.values.T)
    assert (np.diag(matrix.values) == 0).all()
    assert matrix.support is not None
    assert matrix.support[0, 2] == 400


def test_a_known_overlap_is_met() -> None:
    # one feature, means ±1, unit variance: the best classifier errs with Φ(−1) = .1587
    rng = np.random.default_rng(1)
    blocks = [rng.normal(loc, 1, size=(6000, 1)) for loc in (-1, 1)]
    matrix = make_estimator("discrepancy").fit(apart(blocks)).affinity_
    assert matrix.standard_error is not None
    expected = -2 * (1 - 2 * 0.15866)
    assert abs(matrix.values[0, 1] - expected) < 4 * matrix.standard_error[0, 1]
    assert 0 < matrix.standard_error[0, 1] < 0.05


def test_scale_is_seen_though_each_set_is_scaled_for_its_network() -> None:
    # to_tensors centres each data set by itself; the distance must not
    rng = np.random.default_rng(2)
    shifted = [rng.normal(size=(300, 2)), rng.normal(size=(300, 2)) + 10]
    assert make_estimator("discrepancy").fit(apart(shifted)).affinity_.values[0, 1] == -2


def test_missing_features_and_images() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(2, 120, 1, 4, 4))
    first[0, 0, 0, 0] = np.nan
    found = make_estimator("discrepancy").fit(apart([first, second + 9], "image")).affinity_
    assert found.values[0, 1] == -2


def test_joint_is_zero_and_says_so(toy: TaskCollection) -> None:
    matrix = make_estimator("discrepancy").fit(toy).affinity_
    assert (matrix.values == 0).all()
    assert "share their inputs" in matrix.notes[0]


def test_unequal_shapes_are_named() -> None:
    with pytest.raises(TaskvizError, match="'t1' have"):
        make_estimator("discrepancy").fit(apart([np.zeros((9, 2)), np.zeros((9, 3))]))


@pytest.mark.parametrize("kind", ["series", "graph", "nodes", "image"])
def test_data_sets_without_plain_vectors_are_told_apart_by_summaries(kind: str) -> None:
    """Two data sets of one law cannot be told apart, a shifted one can."""
    sets = []
    for number, shift in enumerate((0, 0, 3)):
        inputs, _ = make_inputs(kind, 400, seed=number)
        if kind == "graph":
            inputs = replace(inputs, node_features=inputs.node_features + shift)
        elif kind == "nodes":
            inputs = replace(inputs, features=inputs.features + shift)
        elif kind == "image":
            inputs = np.pad(inputs + 20.0 * shift, [(0, 0), (0, 0), (0, number), (0, 0)], "edge")
        else:
            wide = np.full((400, 2, 9 + number), np.nan)
            wide[..., :9] = inputs + shift
            inputs = wide
        task = Task(f"t{number}", "regression")
        sets.append((task, inputs, np.zeros(400), (np.arange(400) % 2).astype(np.int8)))
    collection = TaskCollection.from_data_sets("three", sets, modality=kind)
    matrix = make_estimator("discrepancy").fit(collection).affinity_
    values = matrix.values
    assert values[0, 1] > -0.4
    assert max(values[0, 2], values[1, 2]) < -1.2
    assert any("classifier saw" in note for note in matrix.notes)
