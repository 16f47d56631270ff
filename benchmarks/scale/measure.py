"""Hundreds of tasks, a cluster and large trunks: time and memory as they grow.

    python -m benchmarks scale [--quick] [--parts tasks ray trunk precision] [--json PATH]

``tasks``: gradient-based estimation of T = 10, 50, 100, 250 and 500 communities of one generated
graph of more than a million edges (m = 4T random subsets, higher-order affinities), each T in a
process of its own; wall seconds of the whole fit, seconds a subset network, the most memory ever
held, and exponents fitted to them (the slope of log seconds by log T). The chart puts them beside
figure 9 of the talk, whose claim is that the cost of pairwise affinities falls from growing with
the square of T to growing with T.

``ray``: 64 subset trainings of at least a second each on a Ray cluster of one and of two nodes of
one processor on loopback; the ratio of wall seconds. It needs two idle cores.

``trunk``: SCA and a map of optima for a ResNet-50-shaped trunk (5 tasks, 20 samples of 64 × 64):
the memory beyond the libraries against three times the parameters and the activations of a pass.

``precision``: what bfloat16 and TF32 change in the test loss, beside how much seeds differ.
"""

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Any

from benchmarks.scale.chart import chart
from benchmarks.scale.must import MUST
from benchmarks.scale.precision import run_precision
from benchmarks.scale.ray import run_ray
from benchmarks.scale.tasks import QUICK_TASKS, TASKS, run_tasks
from benchmarks.scale.trunk import run_trunk

PARTS = ("tasks", "ray", "trunk", "precision")


def main(words: list[str]) -> None:
    """``python -m benchmarks scale``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scale", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--tasks", nargs="+", type=int, default=list(TASKS))
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only that it runs")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/scale.json"))
    parser.add_argument("--svg", type=Path, default=Path("benchmarks/results/scale.svg"))
    given = parser.parse_args(words)
    given.json.parent.mkdir(parents=True, exist_ok=True)

    def keep(part: str, found: dict[str, Any]) -> None:
        # Parts that were not asked for keep the figures of an earlier run.
        before = json.loads(given.json.read_text()) if given.json.exists() else {}
        about = {"date": time.strftime("%Y-%m-%d"), "machine": platform.machine()}
        whole = {**before, part: {**about, **found}}
        given.json.write_text(json.dumps(whole, indent=2) + "\n")

    if "tasks" in given.parts:
        wanted = QUICK_TASKS if given.quick else tuple(given.tasks)
        before = json.loads(given.json.read_text()) if given.json.exists() else {}
        found = run_tasks(
            given.quick, wanted, before.get("tasks", {}), lambda part: keep("tasks", part)
        )
        if found["exponents"]:
            given.svg.write_text(chart(found), encoding="utf-8")
        for point in found["points"]:
            print({name: round(value, 3) for name, value in point.items()})
        print({name: round(value, 3) for name, value in found["exponents"].items()})
    if "ray" in given.parts:
        measured = run_ray(given.quick)
        keep("ray", measured)
        print(f"Ray, two nodes against one: {measured['ratio']:.2f} × (must {MUST['ray']})")
    if "trunk" in given.parts:
        trunks = run_trunk(given.quick)
        keep("trunk", trunks)
        for what, measured in trunks.items():
            times = measured["times_the_parameters_without_activations"]
            print(f"{what}: {times:.2f} × the parameters beside activations (must {MUST['trunk']})")
    if "precision" in given.parts:
        measured = run_precision(given.quick)
        keep("precision", measured)
        for kind in ("bf16", "tf32"):
            print(
                f"{kind} changes the test loss by "
                f"{100 * measured[kind]['mean_relative_change']:+.3f} % "
                f"(seeds differ by {100 * measured['relative_spread_of_seeds']:.2f} %)"
            )
    print(f"written to {given.json}")
