"""Correlations with missing cells against a slow plain reference."""

import numpy as np
import pandas as pd

from taskviz.data.leaks import correlations, same_content


def slow(inputs, targets):
    out = np.zeros((inputs.shape[1], targets.shape[1]))
    for p in range(inputs.shape[1]):
        for t in range(targets.shape[1]):
            known = ~np.isnan(inputs[:, p]) & ~np.isnan(targets[:, t])
            x, y = inputs[known, p], targets[known, t]
            if known.sum() >= 3 and np.ptp(x) > 0 and np.ptp(y) > 0:
                out[p, t] = np.corrcoef(x, y)[0, 1]
    return out


def test_against_numpy():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(50, 7)) * 10.0 ** np.arange(-3, 4) + 5
    targets = rng.normal(size=(50, 3))
    targets[:, 1] = inputs[:, 2] * 4 - 1
    inputs[rng.random(inputs.shape) < 0.2] = np.nan
    targets[rng.random(targets.shape) < 0.3] = np.nan
    inputs[:, 5] = 3.3
    assert np.allclose(correlations(inputs, targets), slow(inputs, targets), atol=1e-9)
    assert abs(correlations(inputs, targets)[2, 1]) > 0.999999


def test_extremes():
    x = np.array([[1e300, 1e-300, 0.1], [2e300, 2e-300, 0.1], [3e300, 3e-300, 0.1]])
    found = correlations(x, np.array([[1.0], [2.0], [3.0]]))
    assert np.allclose(found[:, 0], [1, 1, 0])
    assert correlations(np.empty((5, 0)), np.zeros((5, 2))).shape == (0, 2)
    assert (correlations(np.full((5, 1), np.nan), np.zeros((5, 1))) == 0).all()


def test_blocks_join(monkeypatch):
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(20, 9)), rng.normal(size=(20, 2))
    whole = correlations(inputs, targets)
    monkeypatch.setattr("taskviz.data.leaks._BLOCK", 4)
    assert np.allclose(correlations(inputs, targets), whole)


def test_same_content():
    columns = {
        "a": pd.Series([1.0, 2.0, None]),
        "b": pd.Series([1, 2, 3]),
        "c": pd.Series([1.0, 2.0, None]),
        "d": pd.Series([1.0, 2.0, 3.0]),
        "t": pd.Series(["x", "y", None], dtype="str"),
        "u": pd.Series(["x", "y", None], dtype="str"),
        "k": pd.Series([1, 1, 1]),
        "l": pd.Series([1, 1, 1]),
        "a3": pd.Series([1.0, 2.0, None]),
    }
    assert list(same_content(columns)) == [("a", "c"), ("b", "d"), ("t", "u"), ("a", "a3")]
