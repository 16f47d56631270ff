"""The benchmark of modalities runs and hands over the figures that are asked of it."""

from benchmarks.modalities import run, table


def test_quick_run_has_every_figure() -> None:
    found = run(("table", "nodes"), quick=True, threads=1)
    assert set(found["cases"]) == {"table", "nodes"}
    for case in found["cases"].values():
        assert case["largest_relative_error"] < 1e-9
        assert case["peak_megabytes"] > 50
        assert case["seconds"] > 0
        assert case["plain_over_ours"] > 0
    assert len(table(found).splitlines()) == 3
