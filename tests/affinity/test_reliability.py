"""Reliability and agreement of matrices."""

import numpy as np
import pytest

from taskviz.affinity.agreement import rank_agreement
from taskviz.affinity.reliability import reliability
from taskviz.values import AffinityMatrix

NAMES = tuple("abcdefgh")


def noisy(signal: float, error: float, repeats: int, seed: int) -> AffinityMatrix:
    """Mean of ``repeats`` draws around a fixed matrix, with its standard error."""
    rng = np.random.default_rng(seed)
    truth = signal * rng.normal(size=(8, 8))
    draws = truth + error * rng.normal(size=(repeats, 8, 8))
    return AffinityMatrix(
        draws.mean(axis=0),
        NAMES,
        "sca",
        {"inits": repeats},
        standard_error=draws.std(axis=0, ddof=1) / np.sqrt(repeats),
    )


def test_the_share_is_the_share_of_signal() -> None:
    # variance of a mean entry: signal² + error²/repeats, so the share is known beforehand
    shares = [reliability(noisy(1.0, 2.0, 4, seed)).share for seed in range(40)]
    assert np.mean([share for share in shares if share is not None]) == pytest.approx(0.5, abs=0.06)


def test_posterior_means_are_shrunken_already() -> None:
    """Signal of variance 1 seen with noise of variance 1: half of it is known, either way."""
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(40):
        seen = rng.normal(size=(8, 8)) + rng.normal(size=(8, 8))
        error = np.full((8, 8), np.sqrt(0.5))
        matrix = AffinityMatrix(0.5 * seen, NAMES, "pooled-surrogate", standard_error=error)
        shares.append(reliability(matrix).share or 0.0)
    assert np.mean(shares) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("signal", "grade"), [(0.0, "noise"), (1.0, "shaky"), (10.0, "stable")])
def test_grades(signal: float, grade: str) -> None:
    found = reliability(noisy(signal, 2.0, 6, 1))
    assert found.grade == grade
    assert "over 6 repeats" in found.sentence


def test_one_draw_has_no_grade() -> None:
    found = reliability(AffinityMatrix(np.eye(3), ("a", "b", "c"), "sca"))
    assert found.grade == "not measured"
    assert found.share is None


def test_agreement_ignores_the_diagonal_and_missing_entries() -> None:
    base = np.arange(16.0).reshape(4, 4)
    turned = -base.copy()
    np.fill_diagonal(turned, 99.0)
    turned[0, 1] = np.nan
    support = np.where(np.isnan(turned), 0, 1)
    names = ("a", "b", "c", "d")
    table = rank_agreement(
        [
            AffinityMatrix(base, names, "x"),
            AffinityMatrix(turned, names, "y", support=support),
            AffinityMatrix(np.ones((4, 4)), names, "z"),
        ],
        ["x", "y", "z"],
    )
    assert table.loc["x", "y"] == pytest.approx(-1.0)
    assert np.isnan(table.loc["x", "z"])
