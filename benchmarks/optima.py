"""Maps of optima: distances against stacked gradients with a dense L1 distance, and the maps.

All contenders run in one process on one thread, one after another; ratios are of processor seconds,
which others on the machine disturb least, with wall seconds beside them. The dense distance is
timed on a fifth of the rows and scaled, since each row costs it the same.
"""

import argparse
import contextlib
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from scipy.spatial.distance import cdist
from torch import Tensor, nn

from benchmarks.sca import _units
from taskviz.networks import MLPTrunk, MultiHeadNetwork
from taskviz.optima.all_pairs import all_pair_distances
from taskviz.optima.maps import MAPS, MapSettings, draw_map, map_quality, principal_axes
from taskviz.optima.plain import plain_gradients
from taskviz.optima.units import Units

PARTS = ("distances", "memory", "maps", "job")
PART = 5
"""The dense distance is timed on one row in so many."""


def case(quick: bool, dtype: torch.dtype) -> tuple[MultiHeadNetwork, Units]:
    """The 330 k-parameter MLP with 50 × 10 optima; a small one where quick."""
    widths = (32, 32, 16) if quick else (512, 512, 64)
    tasks, n = (3, 6) if quick else (10, 50)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        heads = [nn.Linear(widths[-1], 1) for _ in range(tasks)]
        network = MultiHeadNetwork(MLPTrunk(64, widths), heads).to(dtype).eval()
    generator = torch.Generator().manual_seed(0)
    return network, _units(tasks, n, (64,), True, dtype, generator)


def stacked(network: MultiHeadNetwork, units: Units) -> Tensor:
    """``(T·n, M)`` every gradient, task by task."""
    rows = list(plain_gradients(network, units))
    return torch.stack(rows, dim=1).flatten(0, 1)


def timed(once: Callable[[], Any]) -> tuple[Any, float, float]:
    """Result, processor seconds, wall seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = once()
    return found, time.process_time() - cpu, time.perf_counter() - wall


def distances(quick: bool, dtype: torch.dtype, rounds: int) -> dict[str, Any]:
    """Ours against the dense way."""
    network, units = case(quick, dtype)
    small, few = case(True, dtype)
    _, first_cpu, first_wall = timed(lambda: all_pair_distances(small, few))
    seconds: dict[str, list[tuple[float, float]]] = {}

    def note(name: str, once: Callable[[], Any], scale: float = 1.0) -> Any:
        found, cpu, wall = timed(once)
        seconds.setdefault(name, []).append((cpu * scale, wall * scale))
        return found

    error = 0.0
    for _ in range(rounds):
        ours = note("ours", lambda: all_pair_distances(network, units))
        gradients = note("stack", lambda: stacked(network, units))
        rows = gradients.numpy()
        part = rows[::PART]
        scale = len(rows) / len(part)

        def by_scipy(part: Any = part, rows: Any = rows) -> Any:
            return cdist(part, rows, "cityblock")

        def by_torch(part: Any = part, gradients: Tensor = gradients) -> Tensor:
            return torch.cdist(torch.from_numpy(part.copy()), gradients, p=1)

        dense = note("scipy cdist", by_scipy, scale)
        note("torch cdist", by_torch, scale)
        note("torch pdist", lambda g=gradients: torch.nn.functional.pdist(g, p=1))
        off = dense > 0
        found = ours.distances[::PART]
        error = max(error, float(np.abs(found[off] / dense[off] - 1).max()))
        size = gradients.numel() * gradients.element_size()
        del gradients, rows, part
    cpu = {name: float(np.median([own for own, _ in laps])) for name, laps in seconds.items()}
    wall = {name: float(np.median([own for _, own in laps])) for name, laps in seconds.items()}
    ratios = {
        name: {
            "processor": (cpu["stack"] + cpu[name]) / cpu["ours"],
            "wall": (wall["stack"] + wall[name]) / wall["ours"],
        }
        for name in ("scipy cdist", "torch cdist", "torch pdist")
    }
    return {
        "optima": len(units) * len(units.tasks),
        "parameters": sum(p.numel() for p in network.trunk.parameters()),
        "rounds": rounds,
        "processor_seconds": cpu,
        "wall_seconds": wall,
        "stack_and_dense_over_ours": ratios,
        "compile_seconds": {"processor": first_cpu, "wall": first_wall},
        "stacked_bytes": size,
        "largest_relative_error": error,
    }


def memory(quick: bool) -> dict[str, float]:
    """MB by which a fresh process grows while it measures the distances, in float64."""
    code = f"from benchmarks.optima import grown; print(grown({quick}))"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return {"ours_mb": float(out.stdout)}


def grown(quick: bool) -> float:
    """MB of the peak above what the process held before, network and data included there.

    Linux alone: its high-water mark can be set back, which compiling has raised.
    """
    torch.set_num_threads(1)
    all_pair_distances(*case(True, torch.float64))
    network, units = case(quick, torch.float64)
    held = psutil.Process().memory_info().rss
    Path("/proc/self/clear_refs").write_text("5")
    all_pair_distances(network, units)
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)
    return max(0.0, peak / 1024 - held / 2**20)


def maps(points: int) -> dict[str, Any]:
    """Each map of so many points in ten clouds, with the import of its library."""
    rng = np.random.default_rng(0)
    cloud = rng.normal(size=(points, 20)) + 3 * rng.normal(size=(10, 20))[np.arange(points) % 10]
    true = cdist(cloud, cloud, "cityblock")
    axes = principal_axes(true)[0]
    found: dict[str, Any] = {"points": points}
    for name in MAPS:
        drawn, cpu, wall = timed(lambda name=name: draw_map(name, true, MapSettings(), axes))
        quality, quality_cpu, _ = timed(lambda drawn=drawn: map_quality(true, drawn))
        found[name] = {
            "processor_seconds": cpu,
            "wall_seconds": wall,
            "quality_processor_seconds": quality_cpu,
            "trustworthiness": quality.trustworthiness,
            "rank_correlation": quality.rank_correlation,
        }
    return found


def job(n: int) -> dict[str, Any]:
    """A whole job on yeast, 14 n optima: distances, all maps, their quality."""
    from taskviz.jobs import LIVE, JobStore, start_job

    with tempfile.TemporaryDirectory() as folder:
        from taskviz.cache import Cache

        store = JobStore(Cache(folder))
        spec = {"collection": {"reference": "yeast"}, "options": {"n": n}}
        started = start_job("optima", spec, store=store)
        used = 0.0
        while (now := store.get(started.id)).state in LIVE:
            time.sleep(0.1)
            worker = store.identity(started.id)
            with contextlib.suppress(psutil.Error):
                if worker is not None:
                    own = psutil.Process(worker.pid).cpu_times()
                    used = max(used, own.user + own.system)
        if now.state != "done" or now.started is None or now.finished is None:
            raise RuntimeError(f"The job ended {now.state}: {now.error}")
        return {
            "points": 14 * n,
            "wall_seconds": now.finished - now.started,
            # as last seen, a tenth of a second before its end at most
            "processor_seconds": used,
        }


def run(*, quick: bool = False, parts: Sequence[str] = PARTS) -> dict[str, Any]:
    """The parts asked for, on one thread, as plain data."""
    torch.set_num_threads(1)
    rounds = 1
    found: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {platform.system()}, torch {torch.__version__}",
    }
    if "distances" in parts:
        types = {"float64": torch.float64, "float32": torch.float32}
        found["distances"] = {name: distances(quick, own, rounds) for name, own in types.items()}
    if "memory" in parts:
        found["memory"] = memory(quick)
    if "maps" in parts:
        found["maps"] = maps(200 if quick else 2000)
    if "job" in parts:
        found["job"] = job(3 if quick else 143)
    return found


def main(words: list[str]) -> None:
    """``python -m benchmarks optima``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks optima", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only that it runs")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/optima.json"))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    given = parser.parse_args(words)
    found = run(quick=given.quick, parts=given.parts)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    before = json.loads(given.json.read_text()) if given.json.exists() else {}
    given.json.write_text(json.dumps({**before, **found}, indent=2) + "\n")
    print(json.dumps(found, indent=2))
    print(f"written to {given.json}")
