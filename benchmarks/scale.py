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
import math
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TASKS = (10, 50, 100, 250, 500)
QUICK_TASKS = (4, 8, 12)
GRAPH = Path("cache/benchmarks/communities-500.npz")
OPTIONS = {"epochs": 10, "matrix": "higher-order", "samples": 1000}
MUST = {"seconds": 1800.0, "megabytes": 4096.0, "exponent_a_network": 1.2, "ray": 1.6, "trunk": 3.0}


def peak_megabytes() -> float:
    """The most memory that this process ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


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


def run_ray(quick: bool) -> dict[str, Any]:
    """One node against two; each cluster in a process of its own."""
    networks = 8 if quick else 64
    times = {n: in_child("ray", str(n), str(networks), "0" if quick else "1") for n in (1, 2)}
    return {
        "networks": networks,
        "one_node": times[1],
        "two_nodes": times[2],
        "ratio": times[1]["seconds"] / times[2]["seconds"],
        "must_reach": MUST["ray"],
        "load": os.getloadavg()[0],
    }


def measure_ray(nodes: int, networks: int, long: bool) -> dict[str, Any]:
    """Subset trainings on a cluster of so many nodes of one processor."""
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    import ray
    import torch
    from ray.cluster_utils import Cluster

    import taskviz as tv
    from taskviz.engines import RunContext
    from taskviz.engines.ray import RayEngine
    from taskviz.training.subsets import Subset, SubsetOptions, draw_subsets, train_subsets

    torch.set_num_threads(1)
    node = {"node_ip_address": "127.0.0.1", "object_store_memory": 2**28}
    head = {**node, "num_cpus": 1, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(nodes - 1):
        cluster.add_node(num_cpus=1, **node)
    engine = RayEngine(cluster.address)
    collection = tv.load_collection("yeast")
    subsets = [Subset(names) for names in draw_subsets(collection.names, networks, 0)]
    options = SubsetOptions(
        width=256 if long else 16, epochs=120 if long else 1, mode="sequential", batch_size=64
    )
    # The first unit of each worker loads the libraries: not what is compared.
    warm = [Subset(names, 1) for names in draw_subsets(collection.names, 2 * nodes, 1)]
    train_subsets(collection, warm, SubsetOptions(epochs=1), RunContext(engine=engine))
    start = time.perf_counter()
    train_subsets(collection, subsets, options, RunContext(engine=engine))
    seconds = time.perf_counter() - start
    # A driver leaves before the cluster does.
    ray.shutdown()
    cluster.shutdown()
    return {"nodes": nodes, "seconds": seconds, "seconds_a_network": seconds / networks * nodes}


def measure_trunk(what: str, quick: bool) -> dict[str, Any]:
    """SCA or a map with a bottleneck ResNet, in this process."""
    import numpy as np
    import torch

    from taskviz.affinity import make_estimator
    from taskviz.data.tensors import to_tensors
    from taskviz.engines import RunContext
    from taskviz.networks import NetworkOptions, build_network
    from taskviz.optima import draw_units
    from taskviz.optima.optima_map import OptimaOptions, measure_optima
    from taskviz.optima.way import saved_bytes
    from taskviz.values import Task, TaskCollection

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    tasks, n, side = (2, 4, 32) if quick else (5, 20, 64)
    rng = np.random.default_rng(0)
    collection = TaskCollection.from_arrays(
        "images",
        rng.normal(size=(60, 3, side, side)).astype(np.float32),
        {f"t{i}": (rng.random(60) < 0.5).astype(float) for i in range(tasks)},
        [Task(f"t{i}", "binary", ("no", "yes")) for i in range(tasks)],
        np.repeat([0, 1, 2], 20).astype(np.int8),
        modality="image",
    )
    shape = {
        "network": "resnet-bottleneck",
        "width": 128 if quick else 2048,
        "depth": 1 if quick else 3,
    }
    before = peak_megabytes()
    start = time.perf_counter()
    if what == "sca":
        make_estimator("sca", n=n, **shape).fit(collection, RunContext(seed=0))
    else:
        measure_optima(collection, OptimaOptions(n=n, **shape), RunContext(seed=0))
    seconds = time.perf_counter() - start
    beyond = peak_megabytes() - before
    # Both compute in double precision on a CPU. What a pass over the samples saves is counted for
    # all of them, as one joint training step would hold it.
    data = to_tensors(collection, "cpu", torch.float64)
    network = build_network(collection, NetworkOptions(**shape), seed=0, dtype=torch.float64).eval()
    parameters = sum(p.numel() for p in network.trunk.parameters())
    bytes_of = parameters * 8 / 2**20
    activations = n * saved_bytes(network.trunk, draw_units(data, n, 0).inputs[0][:1])
    return {
        "what": what,
        "parameters": parameters,
        "parameter_megabytes": bytes_of,
        "activation_megabytes": activations / 2**20,
        "seconds": seconds,
        "megabytes_beyond_libraries": beyond,
        "times_the_parameters": beyond / bytes_of,
        "times_the_parameters_without_activations": (beyond - activations / 2**20) / bytes_of,
        "must_reach": MUST["trunk"],
    }


def measure_precision(quick: bool) -> dict[str, Any]:
    """Test loss of one network on all tasks in bfloat16 and in TF32 against single precision.

    On a CPU, where neither is offered: bfloat16 by the code that CUDA runs, TF32 by rounding the
    factors of every product as a GPU does. The change in the result, not in the time.
    """
    from contextlib import nullcontext
    from dataclasses import replace

    import torch

    import taskviz as tv
    from benchmarks.rounded_products import RoundedProducts
    from taskviz.data.tensors import to_tensors
    from taskviz.training import precision
    from taskviz.training.group import train_group
    from taskviz.training.options import TrainingOptions

    torch.set_num_threads(1)
    precision.DEVICES = ("cpu", "cuda")
    collection = tv.load_collection("yeast")
    data = to_tensors(collection)
    options = TrainingOptions(epochs=1 if quick else 30)
    losses: dict[str, list[float]] = {"full": [], "bf16": [], "tf32": []}
    rounded = RoundedProducts()
    for seed in range(2 if quick else 5):
        for kind, found in losses.items():
            with rounded if kind == "tf32" else nullcontext():
                outcome = train_group(
                    data, range(len(data.targets)), replace(options, precision=kind), seed=seed
                )
            own = [
                row["value"]
                for row in outcome.metrics
                if row["split"] == "test" and row["metric"] == "loss"
            ]
            found.append(sum(map(float, own)) / len(own))
    full = losses.pop("full")
    mean = sum(full) / len(full)
    spread = (sum((v - mean) ** 2 for v in full) / (len(full) - 1)) ** 0.5
    found: dict[str, Any] = {
        "collection": "yeast",
        "test_loss_full": full,
        "relative_spread_of_seeds": spread / mean,
        "products_rounded_to_tf32": rounded.count,
    }
    for kind, values in losses.items():
        changes = [(b - a) / a for a, b in zip(full, values, strict=True)]
        found[kind] = {
            "test_loss": values,
            "mean_relative_change": sum(changes) / len(changes),
            "largest_relative_change": max(map(abs, changes)),
        }
    return found


def in_child(*words: str) -> dict[str, Any]:
    """A measurement in a process of its own, whose memory is its own."""
    environment = {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0", **os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", *words],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr.strip()[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def chart(found: dict[str, Any]) -> str:
    """Processor seconds against T on logarithmic axes, as SVG."""
    points = [(p["tasks"], p["processor_seconds"]) for p in found["points"]]
    slope = found["exponents"]["processor_seconds"]
    left, top, width, height = 70, 40, 520, 320
    low_x, high_x = math.log10(points[0][0]), math.log10(points[-1][0])
    values = [math.log10(v) for _, v in points]
    low_y, high_y = math.floor(min(values)), math.ceil(max(values) + 1e-9)

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            left + (math.log10(x) - low_x) / (high_x - low_x) * width,
            top + (high_y - math.log10(y)) / max(high_y - low_y, 1) * height,
        )

    middle = math.exp(sum(math.log(t) for t, _ in points) / len(points))
    level = math.exp(sum(math.log(v) for _, v in points) / len(points))

    def line(power: float, colour: str, dash: str) -> str:
        ends = [place(t, level * (t / middle) ** power) for t in (points[0][0], points[-1][0])]
        (x1, y1), (x2, y2) = ends
        return (
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="2" stroke-dasharray="{dash}" clip-path="url(#plot)"/>'
        )

    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="430" '
        'font-family="sans-serif" font-size="13">',
        f'<clipPath id="plot"><rect x="{left}" y="{top}" width="{width}" height="{height}"/>'
        "</clipPath>",
        '<rect width="640" height="430" fill="white"/>',
        f'<text x="{left}" y="24" font-size="15">Gradient-based affinity of T tasks: '
        f"processor seconds grow as T^{slope:.2f}</text>",
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#999"/>',
        line(slope, "#0072b2", ""),
        line(2.0, "#d55e00", "6 4"),
        line(1.0, "#009e73", "2 4"),
    ]
    for t, v in points:
        x, y = place(t, v)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#0072b2"/>')
        parts.append(f'<text x="{x:.1f}" y="{y - 10:.1f}" text-anchor="middle">{v:.3g} s</text>')
        parts.append(f'<text x="{x:.1f}" y="{top + height + 18}" text-anchor="middle">{t}</text>')
    for power in range(low_y, high_y + 1):
        _, y = place(points[0][0], 10.0**power)
        parts.append(
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>'
        )
    parts += [
        f'<text x="{left + width / 2}" y="{top + height + 36}" text-anchor="middle">tasks T</text>',
        f'<text x="{left}" y="{top + height + 60}" fill="#0072b2">fitted T^{slope:.2f}</text>',
        f'<text x="{left + 130}" y="{top + height + 60}" fill="#009e73">'
        "T: what the talk’s figure 9 claims</text>",
        f'<text x="{left + 360}" y="{top + height + 60}" fill="#d55e00">T²: every pair trained'
        "</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


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
        trunks = {w: in_child("trunk", w, "1" if given.quick else "0") for w in ("sca", "map")}
        keep("trunk", trunks)
        for what, measured in trunks.items():
            times = measured["times_the_parameters_without_activations"]
            print(f"{what}: {times:.2f} × the parameters beside activations (must {MUST['trunk']})")
    if "precision" in given.parts:
        measured = in_child("precision", "1" if given.quick else "0")
        keep("precision", measured)
        for kind in ("bf16", "tf32"):
            print(
                f"{kind} changes the test loss by "
                f"{100 * measured[kind]['mean_relative_change']:+.3f} % "
                f"(seeds differ by {100 * measured['relative_spread_of_seeds']:.2f} %)"
            )
    print(f"written to {given.json}")


if __name__ == "__main__":
    part, *rest = sys.argv[1:]
    if part == "tasks":
        print(json.dumps(measure_tasks(int(rest[0]), Path(rest[1]), json.loads(rest[2]))))
    elif part == "ray":
        print(json.dumps(measure_ray(int(rest[0]), int(rest[1]), rest[2] == "1")))
    elif part == "precision":
        print(json.dumps(measure_precision(rest[0] == "1")))
    else:
        print(json.dumps(measure_trunk(rest[0], rest[1] == "1")))
