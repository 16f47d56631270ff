"""The benchmark of SCA runs and hands over the figures that are asked of it."""

import json

import torch

from benchmarks.sca import ResidualTrunk, peak_bytes, run, table


def test_quick_run_has_every_figure():
    result = run(quick=True, cases=("joint", "separate"), repeats=1)
    assert json.loads(json.dumps(result)) == result
    assert list(result["cases"]) == [
        f"{case} {dtype}" for case in ("joint", "separate") for dtype in ("float32", "float64")
    ]
    for case in result["cases"].values():
        assert case["largest_relative_error"] < (1e-5 if case["dtype"] == "float32" else 1e-12)
        for key in ("plain", "better", "vmap"):
            assert case[f"{key}_over_factorised"] > 0
        assert case["factorised_over_limit"] > 0
        assert case["peak_bytes"]["plain"] > 10 * case["parameters"] * 4
    assert len(table(result).splitlines()) == 5


def test_peak_counts_what_is_held_at_once():
    size = 1 << 20

    def once() -> None:
        for _ in range(3):
            kept = torch.ones(size)
            kept = kept + 1

    assert 2 * 4 * size <= peak_bytes(once) < 3.2 * 4 * size


def test_the_residual_network_has_eleven_million_parameters():
    assert 11.0e6 < sum(p.numel() for p in ResidualTrunk().parameters()) < 11.5e6
