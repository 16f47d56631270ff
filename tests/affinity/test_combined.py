"""The combined estimate lets its prior in only where held-out networks want it."""

import numpy as np
import pytest

from taskviz.affinity import make_estimator
from taskviz.affinity.combined import choose_mixture, prior_from
from taskviz.affinity.surrogate_fit import fit_surrogate
from taskviz.values import SubsetTable, TaskCollection

SIZE = 8


def noisy(theta: np.ndarray, seed: int, noise: float, m: int = 80) -> SubsetTable:
    rng = np.random.default_rng(seed)
    membership = rng.random((m, SIZE)) < 0.5
    membership[~membership.any(axis=1), 0] = True
    losses = 1 + membership @ theta + noise * rng.normal(size=(m, SIZE))
    seeds = np.repeat(np.arange(4), m // 4)
    names = tuple(f"t{i}" for i in range(SIZE))
    return SubsetTable(names, membership, np.where(membership, losses, np.nan), np.ones(m), seeds)


def planted(seed: int = 0) -> np.ndarray:
    theta = 0.02 * np.random.default_rng(seed).normal(size=(SIZE, SIZE))
    np.fill_diagonal(theta, 0)
    return theta - theta.sum(axis=0) / (SIZE - 1) * ~np.eye(SIZE, dtype=bool)


def test_a_true_prior_gets_its_weight_and_improves_the_estimate() -> None:
    theta = planted()
    table = noisy(theta, 1, noise=0.06)
    mixture = choose_mixture(table, 5 * theta)
    assert mixture.weight == pytest.approx(0.2, rel=0.4)
    assert mixture.error < mixture.without
    used = fit_surrogate(table, ridge=mixture.ridge, prior=mixture.weight * 5 * theta)
    plain = fit_surrogate(table)

    def miss(values: np.ndarray) -> float:
        return float(np.abs(values - theta).mean())

    assert miss(used.coefficients) < 0.6 * miss(plain.coefficients)


@pytest.mark.parametrize("kind", ["wrong sign", "zero"])
def test_a_bad_prior_gets_none(kind: str) -> None:
    theta = planted()
    prior = -theta if kind == "wrong sign" else np.zeros_like(theta)
    assert choose_mixture(noisy(theta, 1, noise=0.06), prior).weight == 0


def test_an_unrelated_prior_is_mostly_left_out() -> None:
    weights = [
        choose_mixture(noisy(planted(k), k, noise=0.06), planted(100 + k), k).weight
        for k in range(12)
    ]
    assert np.mean(np.array(weights) == 0) > 0.6


def test_without_noise_there_is_nothing_to_shrink() -> None:
    theta = planted()
    mixture = choose_mixture(noisy(theta, 2, noise=0.0), planted(9))
    assert mixture.ridge == 0
    assert mixture.weight == 0


def test_prior_is_centred_a_target_and_turned() -> None:
    cosines = np.array([[1, 0.5, 0.2], [0.5, 1, -0.2], [0.1, np.nan, 1]])
    prior = prior_from(cosines)
    assert np.allclose(prior[:, 0], [0, -0.2, 0.2])
    assert np.allclose(prior[:, 1], [0, 0, 0])
    assert np.allclose(prior[:, 2], [-0.2, 0.2, 0])


def test_end_to_end(toy: TaskCollection) -> None:
    estimator = make_estimator("combined", epochs=4, inits=2, seeds=2).fit(toy)
    assert estimator.affinity_.networks_trained == 16 == estimator.networks_needed(4)
    assert np.isfinite(list(estimator.predict(["t0", "t2"]).values())).all()
    assert "gradient cosine" in estimator.affinity_.notes[0]
    if estimator.state_["mixture"][1] == 0 and estimator.state_["mixture"][0] == 0:
        plain = make_estimator("surrogate", epochs=4, seeds=2).fit(toy)
        assert np.allclose(plain.affinity_.values, estimator.affinity_.values)
