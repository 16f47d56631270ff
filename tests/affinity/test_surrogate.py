"""The linear surrogate on planted tables."""

from dataclasses import replace

import numpy as np
import pytest

from taskviz.affinity import make_estimator
from taskviz.affinity.negative_transfer import negative_transfer_f1
from taskviz.affinity.surrogate_fit import SurrogateFit, fit_surrogate
from taskviz.training.subsets import all_subsets
from taskviz.values import SubsetTable, TaskCollection

NAMES = tuple("abcdef")


def planted(
    theta: np.ndarray,
    base: np.ndarray,
    m: int = 60,
    seed: int = 0,
    noise: float = 0.0,
    seeds: int = 1,
    spread: float = 0.0,
) -> SubsetTable:
    """Losses base_t + Σ_s θ[s, t], times a factor a seed."""
    rng = np.random.default_rng(seed)
    size = len(base)
    membership = rng.random((m, size)) < 0.5
    membership[~membership.any(axis=1), 0] = True
    which = np.sort(rng.integers(0, seeds, m))
    factor = 1 + spread * rng.normal(size=seeds)
    losses = (base + membership @ theta) * factor[which][:, None]
    losses = losses + noise * rng.normal(size=losses.shape)
    losses = np.where(membership, losses, np.nan)
    return SubsetTable(NAMES[:size], membership, losses, np.ones(m), which)


def effects(seed: int = 3, size: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    theta = 0.1 * rng.normal(size=(size, size))
    np.fill_diagonal(theta, 0)
    return theta, rng.uniform(1, 3, size)


def test_a_planted_additive_table_is_recovered_exactly() -> None:
    theta, base = effects()
    fit = fit_surrogate(planted(theta, base))
    assert np.allclose(fit.coefficients * fit.level, theta, atol=1e-10)
    assert np.allclose(fit.intercept * fit.level, base)
    everything = np.array([[n in s for n in NAMES] for s in all_subsets(NAMES)])
    expected = np.where(everything, base + everything @ theta, np.nan)
    assert np.allclose(fit.predict(everything), expected, equal_nan=True)
    assert np.nanmax(fit.error) < 1e-10


def test_seeds_with_one_level_are_exact_and_with_several_nearly() -> None:
    theta, base = effects()
    same = fit_surrogate(planted(theta, base, m=150, seeds=5))
    assert np.allclose(same.coefficients * same.level, theta, atol=1e-9)
    apart = fit_surrogate(planted(theta, base, m=150, seeds=5, spread=0.2))
    plain = fit_surrogate(replace(planted(theta, base, m=150, seeds=5, spread=0.2), seeds=None))
    relative = theta / base

    def miss(fit: SurrogateFit) -> float:
        return float(
            np.abs(fit.coefficients * fit.level / fit.level - relative * fit.intercept).max()
        )

    assert miss(apart) < 0.02
    assert miss(plain) > 3 * miss(apart)


def test_equals_lstsq_and_ridge_by_the_normal_equations() -> None:
    theta, base = effects()
    made = planted(theta, base, noise=0.1)
    t = 2
    rows = np.flatnonzero(made.membership[:, t])
    others = np.delete(np.arange(6), t)
    scale = made.losses[rows, t].mean()
    design = np.concatenate(
        [np.ones((len(rows), 1)), made.membership[np.ix_(rows, others)]], axis=1
    )
    for ridge in (0.0, 3.0):
        gram = design.T @ design + np.diag([0] + [ridge] * 5)
        expected = np.linalg.solve(gram, design.T @ made.losses[rows, t] / scale)
        fit = fit_surrogate(made, ridge=ridge)
        assert np.allclose(fit.coefficients[others, t], expected[1:])
        assert fit.intercept[t] == pytest.approx(expected[0])


def test_standard_errors_are_the_textbook_ones() -> None:
    theta, base = effects()
    made = planted(theta, base, m=400, noise=0.2)
    fit = fit_surrogate(made)
    rows = made.membership[:, 0]
    design = np.concatenate([np.ones((rows.sum(), 1)), made.membership[rows, 1:]], axis=1)
    expected = 0.2 * np.sqrt(np.diag(np.linalg.inv(design.T @ design)))[1:]
    assert np.allclose(fit.error[1:, 0] * fit.level[0], expected, rtol=0.15)


def test_a_prior_is_what_a_strong_ridge_shrinks_to() -> None:
    theta, base = effects()
    prior = np.full((6, 6), 0.3)
    fit = fit_surrogate(planted(theta, base), ridge=1e9, prior=prior)
    apart = ~np.eye(6, dtype=bool)
    assert np.allclose(fit.coefficients[apart], 0.3, atol=1e-5)


def test_without_intercept_it_is_the_talks_model() -> None:
    theta, _ = effects()
    made = planted(np.abs(theta), np.zeros(6))
    fit = fit_surrogate(made, intercept=False)
    assert np.allclose(fit.coefficients * fit.level, np.abs(theta), atol=1e-9)
    assert (fit.intercept == 0).all()


def test_what_the_networks_do_not_decide_is_missing() -> None:
    theta, base = effects(size=3)
    made = planted(theta, base, m=40)
    never = made.membership[:, 0] & made.membership[:, 1]
    kept = ~never
    part = SubsetTable(NAMES[:3], made.membership[kept], made.losses[kept], np.ones(kept.sum()))
    for ridge in (0.0, 1.0):
        fit = fit_surrogate(part, ridge=ridge)
        assert np.isnan(fit.coefficients[0, 1])
        assert fit.support[0, 1] == 0
        assert np.isfinite(fit.coefficients[0, 2])
        assert np.isnan(fit.predict(np.array([[True, True, False]]))[0]).all()
    twin = SubsetTable(
        ("a", "b", "c"),
        np.array([[True, True, True], [True, False, False], [True, True, True]]),
        np.array([[1.0, 1, 1], [2, np.nan, np.nan], [1, 1, 1]]),
        np.ones(3),
    )
    # b and c always come together: neither effect on a can be told
    assert np.isnan(fit_surrogate(twin).coefficients[1:, 0]).all()


def test_negative_transfer_by_hand() -> None:
    theta, base = effects()
    fit = fit_surrogate(planted(theta, base))
    everything = np.array([[n in s for n in NAMES] for s in all_subsets(NAMES)])
    truth = np.where(everything, base + everything @ theta, np.nan)
    held = SubsetTable(NAMES, everything, truth, np.ones(len(truth)), np.zeros(len(truth), int))
    found = negative_transfer_f1(fit, held)
    assert found.f1 == 1
    assert found.cases == sum(len(s) for s in all_subsets(NAMES) if len(s) > 1)
    # turn the truth round: every call is wrong
    turned = np.where(everything, base - everything @ theta, np.nan)
    wrong = SubsetTable(NAMES, everything, turned, np.ones(len(truth)), np.zeros(len(truth), int))
    assert negative_transfer_f1(fit, wrong).f1 == 0
    calls = negative_transfer_f1(fit, held).negatives
    assert 0 < calls < found.cases


def test_negative_transfer_with_nothing_to_find() -> None:
    theta = -np.abs(effects()[0])
    base = np.full(6, 2.0)
    fit = fit_surrogate(planted(theta, base))
    everything = np.array([[n in s for n in NAMES] for s in all_subsets(NAMES)])
    truth = np.where(everything, base + everything @ theta, np.nan)
    found = negative_transfer_f1(fit, SubsetTable(NAMES, everything, truth, np.ones(len(truth))))
    assert np.isnan(found.f1)
    assert "No negative transfer" in found.sentence()


def test_end_to_end(toy: TaskCollection) -> None:
    estimator = make_estimator("surrogate", epochs=4, held_out=4, seeds=1)
    estimator.fit(toy)
    assert estimator.affinity_.networks_trained == estimator.networks_needed(4) == 16
    assert estimator.table_ is not None
    assert len(estimator.table_) == 8
    assert estimator.negative_transfer_ is not None
    assert estimator.negative_transfer_.cases > 0
    column = -estimator.affinity_.values[:, 0]
    chosen = {t for t, theta in zip(toy.names, column, strict=True) if theta < 0 and t != "t0"}
    assert set(estimator.chosen("t0")) == chosen
    losses = estimator.predict(["t0", "t2", "t3"])
    fit = estimator.fit_
    expected = fit.level[2] * (fit.intercept[2] + fit.coefficients[[0, 3], 2].sum())
    assert losses["t2"] == pytest.approx(expected)
    assert set(estimator.predict(["t1"])) == {"t1"}


def test_too_few_networks_are_counted(toy: TaskCollection) -> None:
    matrix = make_estimator("surrogate", epochs=3, m=1, seeds=1).fit(toy).affinity_
    assert np.isnan(matrix.values).sum() >= 12
    assert any("12 of 12 pairs" in note for note in matrix.notes)
