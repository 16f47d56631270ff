"""ETAP's regression on planted gains, its similarity against plain autograd, and end to end."""

import numpy as np
import pytest
import torch

from taskviz.affinity import make_estimator
from taskviz.affinity.etap import ETAPOptions, update_cosines
from taskviz.affinity.gain_model import GainModel, fit_gain_model, group_scores
from taskviz.affinity.joint_training import JointOptions, JointTraining
from taskviz.engines import RunContext
from taskviz.training.subsets import all_subsets
from taskviz.values import TaskCollection

SIZE = 6
EVERY = np.array([[i in s for i in range(SIZE)] for s in all_subsets(tuple(range(SIZE)))])


def affinity(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (SIZE, SIZE))


def test_scores_are_means_over_the_others() -> None:
    a = affinity()
    scores = group_scores(a, EVERY)
    row = int(np.flatnonzero((EVERY == [1, 0, 1, 0, 1, 0]).all(axis=1))[0])
    assert scores[row, 2] == pytest.approx((a[0, 2] + a[4, 2]) / 2)
    assert np.isnan(scores[row, 1])
    assert np.isnan(scores[EVERY.sum(axis=1) == 1]).all()


def test_a_planted_curve_is_found() -> None:
    a = affinity()
    scores = group_scores(a, EVERY)
    gains = np.where(EVERY, np.sin(2 * scores), np.nan)
    half = np.random.default_rng(1).random(len(EVERY)) < 0.5
    model = fit_gain_model(EVERY[half], scores[half], gains[half])
    found = model.predict(EVERY[~half], scores[~half])
    wanted = np.where(EVERY.sum(axis=1, keepdims=True) > 1, gains, np.nan)[~half]
    known = np.isfinite(wanted)
    assert np.abs(found[known] - wanted[known]).max() < 0.1
    assert model.errors[0] < 0.05 * model.errors[1]


def test_the_correction_adds_what_membership_explains() -> None:
    rng = np.random.default_rng(2)
    a = affinity()
    effects = 0.3 * rng.normal(size=(SIZE, SIZE))
    np.fill_diagonal(effects, 0)
    scores = group_scores(a, EVERY)
    gains = np.where(EVERY, 0.2 * scores + EVERY @ effects, np.nan)
    half = rng.random(len(EVERY)) < 0.6
    model = fit_gain_model(EVERY[half], scores[half], gains[half])
    assert np.isfinite(model.ridge)
    known = np.isfinite(gains[~half]) & (EVERY[~half].sum(axis=1, keepdims=True) > 1)
    miss = (model.predict(EVERY[~half], scores[~half]) - gains[~half])[known]
    spline_only = (model.spline(scores[~half]) - gains[~half])[known]
    assert (miss**2).mean() < 0.4 * (spline_only**2).mean()


def test_noise_gives_a_constant_without_correction() -> None:
    rng = np.random.default_rng(3)
    scores = group_scores(affinity(), EVERY)
    gains = np.where(EVERY, 0.05 + 0.01 * rng.normal(size=EVERY.shape), np.nan)
    model = fit_gain_model(EVERY[:40], scores[:40], gains[:40])
    found = model.predict(EVERY, scores)
    big = EVERY & (EVERY.sum(axis=1, keepdims=True) > 1)
    assert np.abs(found[big] - 0.05).max() < 0.03
    assert (found[EVERY & ~big] == 0).all()


def test_one_group_is_enough_to_answer() -> None:
    both = np.ones((1, 2), dtype=bool)
    model = fit_gain_model(both, np.full((1, 2), 0.3), np.array([[0.1, 0.2]]))
    assert np.allclose(model.predict(both, np.full((1, 2), 0.3)), 0.15)


def test_the_model_survives_its_arrays() -> None:
    scores = group_scores(affinity(), EVERY)
    model = fit_gain_model(EVERY, scores, np.where(EVERY, scores**2, np.nan))
    again = GainModel.from_state(model.to_state())
    assert np.array_equal(
        again.predict(EVERY, scores), model.predict(EVERY, scores), equal_nan=True
    )


def test_similarity_equals_plain_autograd(toy: TaskCollection) -> None:
    options = ETAPOptions(width=8, epochs=1, batch_size=48, every=1)
    found = update_cosines(toy, options, RunContext(3))
    joint = JointOptions(width=8, epochs=1, batch_size=48)
    run = JointTraining(toy, joint, RunContext(3))
    shared = run.network.shared_parameters()
    for step, cosines in zip(run.steps(RunContext(3)), found, strict=True):
        rows = []
        for t in range(4):
            gradient = torch.autograd.grad(run.losses(step.rows)[t], shared)
            rows.append(torch.cat([g.flatten() for g in gradient]).numpy().astype(float))
        unit = np.stack(rows) / np.linalg.norm(rows, axis=1)[:, None]
        assert np.allclose(cosines, unit @ unit.T, atol=1e-6)


def test_end_to_end(toy: TaskCollection) -> None:
    estimator = make_estimator("etap", epochs=4, groups=6, every=2).fit(toy)
    assert estimator.affinity_.networks_trained == estimator.networks_needed(4) == 11
    gains = estimator.predict(["t0", "t3", "t1"])
    assert np.isfinite(list(gains.values())).all()
    assert estimator.predict(["t0"]) == {"t0": 0.0}
    assert estimator.affinity_.standard_error is not None
    assert estimator.table_ is not None
    assert (estimator.table_.membership.sum(axis=1) > 1).sum() == 6
