"""Network selection: the plain programme against ours, and what larger problems take.

    python -m benchmarks.selection [--quick] [--json PATH]

Matrices of normal noise, the hardest kind: no group stands out. Every contender of a size runs in
turn on the same matrix and must reach the same optimum; a ratio is the median over the matrices of
the ratio on one. Times are CPU seconds of one thread.

plain      the mixed-integer programme over all groups as it stands, HiGHS
milp       ours: a Lagrangian bound throws out what no better selection can use, then HiGHS
dynamic    ours: dynamic programming, here for the budget alone
frontier   ours: dynamic programming for all budgets 1…T at once
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from taskviz.grouping import make_grouper
from taskviz.grouping.network_selection import MatrixScores
from taskviz.grouping.network_selection.candidates import Candidates
from taskviz.grouping.network_selection.constraints import Constraints
from taskviz.values import AffinityMatrix, Grouping

BUDGET = 4


def noise(size: int, seed: int) -> AffinityMatrix:
    """A matrix in which nothing is planted."""
    values = np.random.default_rng(seed).normal(size=(size, size))
    return AffinityMatrix(values, tuple(f"t{i}" for i in range(size)), "noise")


def plain(affinity: AffinityMatrix) -> float:
    """Optimal score by the programme as one would first write it."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    scores = MatrixScores(affinity)
    allowed = Constraints(singletons=False).allowed(scores.tasks)
    listed = Candidates.every_group(scores, allowed, lambda: None)
    m, size = listed.members.shape
    network, task = np.nonzero(listed.members)
    n = len(task)
    place = np.arange(n)
    served = coo_array((np.ones(n), (task, m + place)), shape=(size, m + n))
    data = np.concatenate([np.ones(n), -np.ones(n)])
    columns = np.concatenate([m + place, network])
    linked = coo_array((data, (np.concatenate([place, place]), columns)), shape=(n, m + n))
    spent = coo_array((np.ones(m), (np.zeros(m, int), np.arange(m))), shape=(1, m + n))
    found = milp(
        np.concatenate([np.zeros(m), listed.losses[network, task]]),
        integrality=np.concatenate([np.ones(m), np.zeros(n)]),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(served.tocsr(), 1, 1),
            LinearConstraint(linked.tocsr(), -np.inf, 0),
            LinearConstraint(spent.tocsr(), -np.inf, BUDGET),
        ],
    )
    return -float(found.fun)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds and the result."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def race(size: int, seeds: int, with_plain: bool) -> dict[str, Any]:
    """The contenders on matrices of one size."""
    seconds: dict[str, list[float]] = {"plain": [], "milp": [], "dynamic": [], "frontier": []}
    for seed in range(seeds):
        a = noise(size, seed)
        milp_time, by_milp = timed(lambda a=a: select(a, BUDGET, solver="milp"))
        dynamic_time, by_dynamic = timed(lambda a=a: select(a, BUDGET, solver="dynamic"))
        every = range(1, size + 1)
        frontier_time, _ = timed(lambda a=a, e=every: make_grouper("selection").frontier(a, e))
        seconds["milp"].append(milp_time)
        seconds["dynamic"].append(dynamic_time)
        seconds["frontier"].append(frontier_time)
        assert by_milp.gap == by_dynamic.gap == 0.0
        assert abs(by_milp.score - by_dynamic.score) < 1e-8
        if with_plain:
            plain_time, score = timed(lambda a=a: plain(a))
            seconds["plain"].append(plain_time)
            assert abs(score - by_milp.score) < 1e-4
    found: dict[str, Any] = {f"{k}_seconds": median(v) for k, v in seconds.items() if v}
    if with_plain:
        for name in ("milp", "dynamic"):
            ratios = [p / o for p, o in zip(seconds["plain"], seconds[name], strict=True)]
            found[f"{name}_faster_than_plain"] = median(ratios)
    return found


def select(affinity: AffinityMatrix, budget: float, **options: Any) -> Grouping:
    """One selection."""
    return make_grouper("selection", **options).group(affinity, budget)


def search(size: int, budget: int, planted: bool, overlap: bool) -> dict[str, float]:
    """Time and gap where groups cannot be listed."""
    a = noise(size, 0)
    if planted:
        labels = np.arange(size) % budget
        values = (labels[:, None] == labels[None, :]) + 0.4 * a.values
        a = AffinityMatrix(values, a.tasks, "planted")
    seconds, found = timed(lambda: select(a, budget, overlap=overlap))
    return {"seconds": seconds, "score": found.score, "bound": found.bound, "gap": found.gap}


def run(*, quick: bool = False) -> dict[str, Any]:
    """All sizes as plain data."""
    # Imports are nobody's work.
    plain(noise(4, 0))
    select(noise(4, 0), 2, solver="milp")
    found: dict[str, Any] = {}
    for size in (6,) if quick else (9, 11, 12, 15):
        found[f"T={size}, b={BUDGET}"] = race(size, 1 if quick else 3, size <= 12)
    for size, budget in ((20, 4),) if quick else ((30, 5), (100, 10)):
        for planted in (False, True):
            for overlap in (True, False):
                kind = f"{'planted' if planted else 'noise'}, {'' if overlap else 'no '}overlap"
                found[f"T={size}, b={budget}, {kind}"] = search(size, budget, planted, overlap)
    return found


def main() -> None:
    """Parse, run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only that it runs")
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    found = run(quick=given.quick)
    for name, values in found.items():
        print(name)
        for label, value in values.items():
            print(f"  {label}: {value:.4g}")
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
