"""SCA on every kind of data: seconds, peak memory, and the ratio to the plain loop.

    python -m benchmarks modalities [--quick] [--json PATH] [--cases mnist …] [--threads N]

Each case runs in a process of its own, which loads a built-in collection, computes SCA on n = 100
samples by the library's defaults, and notes wall seconds, processor seconds (of all threads) and
the most memory the process ever held, the libraries' own included. Then the plain loop (one
backward pass a sample and task) runs on a few of the same samples and is scaled to all of them,
since each costs it the same. Ours is the whole call, preparing the data and first imports included
(torch-geometric's alone take seconds: of a small case they are most). The ratio is of processor
seconds, which other load on the machine disturbs least; ``load`` is the load of the machine before
the case, without which wall seconds say little.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SAMPLES = 100
PLAIN = 4
"""Samples on which the plain loop is timed."""


@dataclass(frozen=True)
class Case:
    """A collection with its network, and what must be reached on two cores.

    Args:
        collection: a built-in's name.
        options: of the network.
        seconds: at most.
        megabytes: at most.
    """

    collection: str
    options: dict[str, Any] = field(default_factory=dict)
    seconds: float = 60.0
    megabytes: float = 2048.0


CASES = {
    "mnist": Case("mnist", {"width": 256, "depth": 2}),
    "molecules": Case("molecules"),
    "series": Case("ucr-six", seconds=90.0),
    "nodes": Case("communities"),
    "table": Case("yeast"),
}


def measure(case: Case, n: int, threads: int) -> dict[str, Any]:
    """One case, in this process."""
    import torch

    import taskviz as tv
    from taskviz.affinity import make_estimator
    from taskviz.data.tensors import to_tensors
    from taskviz.engines import RunContext
    from taskviz.networks import NetworkOptions, build_network
    from taskviz.optima import draw_units, pairwise_distances
    from taskviz.optima.plain import plain_distances

    torch.set_num_threads(threads)
    collection = tv.load_collection(case.collection)
    before = _megabytes()
    wall, cpu = time.perf_counter(), time.process_time()
    make_estimator("sca", n=n, **case.options).fit(collection, RunContext(seed=0))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = _megabytes()
    tensors = to_tensors(collection, "cpu", torch.float64)
    options = NetworkOptions(**case.options)
    network = build_network(collection, options, seed=0, dtype=torch.float64).eval()
    units = draw_units(tensors, min(n, PLAIN), 0)
    start = time.process_time()
    plain = plain_distances(network, units)
    loop = (time.process_time() - start) / len(units) * n
    found = pairwise_distances(network, units)
    known = units.known
    pairs = known[:, :, None] & known[:, None]
    expected = (plain * pairs).sum(dim=0).numpy()
    error = abs(found.sums - expected).max() / max(expected.max(), 1e-300)
    return {
        "collection": collection.name,
        "modality": collection.modality,
        "layout": collection.layout,
        "tasks": len(collection.tasks),
        "network": {**case.options, "parameters": sum(p.numel() for p in network.parameters())},
        "n": n,
        "threads": threads,
        "way": found.way,
        "why_generic": found.reason,
        "seconds": wall,
        "processor_seconds": cpu,
        "plain_loop_processor_seconds": loop,
        "plain_over_ours": loop / cpu,
        "largest_relative_error": float(error),
        "megabytes_before": before,
        "peak_megabytes": peak,
        "must_reach": {"seconds": case.seconds, "peak_megabytes": case.megabytes},
    }


def run(
    cases: tuple[str, ...],
    *,
    quick: bool = False,
    threads: int = 2,
    keep: Callable[[dict[str, Any]], None] = lambda found: None,
) -> dict[str, Any]:
    """All cases, each in a process of its own; ``keep`` is told after each."""
    import torch

    found: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {platform.system()}, torch {torch.__version__}",
        "cases": {},
    }
    n = 2 if quick else SAMPLES
    for name in cases:
        command = [sys.executable, "-m", "benchmarks.modalities", name, str(n), str(threads)]
        load = os.getloadavg()[0]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            raise SystemExit(f"{name}: {done.stderr.strip().splitlines()[-1]}")
        found["cases"][name] = {**json.loads(done.stdout.splitlines()[-1]), "load": load}
        keep(found)
    return found


def table(found: dict[str, Any]) -> str:
    """The figures as lines of text."""
    lines = [
        f"{'case':<10} {'way':<8} {'wall s':>8} {'cpu s':>8} {'must s':>7} {'MB':>6} {'plain ×':>8}"
    ]
    for name, case in found["cases"].items():
        lines.append(
            f"{name:<10} {case['way']:<8} {case['seconds']:>8.1f} {case['processor_seconds']:>8.1f}"
            f" {case['must_reach']['seconds']:>7.0f} {case['peak_megabytes']:>6.0f}"
            f" {case['plain_over_ours']:>8.1f}"
        )
    return "\n".join(lines)


def main(words: list[str]) -> None:
    """``python -m benchmarks modalities``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks modalities", description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only that it runs")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/modalities.json"))
    given = parser.parse_args(words)
    given.json.parent.mkdir(parents=True, exist_ok=True)

    def keep(found: dict[str, Any]) -> None:
        # Cases that were not asked for keep the figures of an earlier run.
        before = json.loads(given.json.read_text()) if given.json.exists() else {"cases": {}}
        whole = {**found, "cases": {**before["cases"], **found["cases"]}}
        given.json.write_text(json.dumps(whole, indent=2) + "\n")

    found = run(tuple(given.cases), quick=given.quick, threads=given.threads, keep=keep)
    print(table(found))
    print(f"written to {given.json}")


def _megabytes() -> float:
    """The most memory that this process ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    name, n, threads = sys.argv[1:4]
    print(json.dumps(measure(CASES[name], int(n), int(threads))))
