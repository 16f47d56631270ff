"""The benchmark of the maps runs, and what it compares is equal."""

import torch

from benchmarks import optima


def test_it_runs_and_both_sides_agree():
    found = optima.distances(True, torch.float64, 1)
    assert found["optima"] == 18
    assert found["largest_relative_error"] < 1e-10
    assert set(found["stack_and_dense_over_ours"]) == {"scipy cdist", "torch cdist", "torch pdist"}
    assert optima.grown(True) >= 0
