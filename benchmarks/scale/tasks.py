"""Gradient-based estimation as tasks become more: time and memory against T."""

import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.scale.child import in_child, peak_megabytes
from benchmarks.scale.must import MUST

TASKS = (10, 50, 100, 250, 500)
QUICK_TASKS = (4, 8, 12)
GRAPH = Path("cache/benchmarks/communities-500.npz")
OPTIONS = {"epochs": 10, "matrix": "higher-order", "samples": 1000}


def run_tasks(
    quick: bool,
    wanted: tuple[int, ...],
    before: dict[str, Any],
    keep: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Every T in a process of its own; the graph is generated once.

    Args:
        wanted: numbers of tasks.
        before: what an earlier run found; other numbers of tasks keep its figures.
        keep: told after each.
    """
    from taskviz.data.generate import write_communities

    graph = GRAPH.with_name("communities-quick.npz") if quick else GRAPH
    if not graph.exists():
        if quick:
            write_communities(graph, 12, nodes=1200, degree=8.0, features=8, seed=0)
        else:
            write_communities(graph, 500, seed=0)
    options = {**OPTIONS, "epochs": 1, "samples": 50} if quick else OPTIONS
    known = before.get("points", []) if before.get("options") == options else []
    points = {int(point["tasks"]): point for point in known if point["tasks"] not in wanted}
    found: dict[str, Any] = {"options": options, "must_reach": MUST}
    for tasks in wanted:
        load = os.getloadavg()[0]
        point = in_child("tasks", str(tasks), str(graph), json.dumps(options))
        points[tasks] = {**point, "load": load}
        found["points"] = [points[size] for size in sorted(points)]
        found["exponents"] = {}
        if len(points) > 1:
            sizes = [float(size) for size in sorted(points)]
            found["exponents"] = {
                name: exponent(sizes, [float(p[name]) for p in found["points"]])
                for name in ("processor_seconds", "processor_seconds_a_network", "peak_megabytes")
            }
        keep(found)
    return found


def measure_tasks(tasks: int, graph: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Gradient-based estimation of the first tasks, in this process."""
    import torch

    import taskviz as tv
    from taskviz.affinity import make_estimator
    from taskviz.engines import RunContext

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    start = time.perf_counter()
    collection = tv.load_collection(str(graph)).select(tasks)
    loaded, before = time.perf_counter() - start, peak_megabytes()
    networks = 4 * tasks
    estimator = make_estimator("gradient", m=networks, **options)
    wall, cpu = time.perf_counter(), time.process_time()
    estimator.fit(collection, RunContext(seed=0))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    block = collection.samples[0].inputs
    return {
        "tasks": tasks,
        "nodes": collection.n,
        "edges": block.edge_index.shape[1] // 2,
        "networks": networks,
        "load_seconds": loaded,
        "seconds": wall,
        "processor_seconds": cpu,
        "processor_seconds_a_network": cpu / networks,
        "megabytes_before": before,
        "peak_megabytes": peak_megabytes(),
    }


def exponent(sizes: list[float], values: list[float]) -> float:
    """Slope of log value by log size, by least squares."""
    x, y = [math.log(v) for v in sizes], [math.log(v) for v in values]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    over = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return over / sum((a - mean_x) ** 2 for a in x)


if __name__ == "__main__":
    print(json.dumps(measure_tasks(int(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))))
