"""The benchmark of streaming runs at a small size."""

from benchmarks import streaming


def test_it_runs():
    found = streaming.run(400)
    assert found["images"] == 400
    assert found["open_cpu_seconds"] > 0
    assert found["decode_one_cpu_milliseconds"] > 0
