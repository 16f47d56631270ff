"""SCA's distances: factorised, vmap, plain loop and limit, with peak memory.

    python -m benchmarks.sca [--quick] [--json PATH] [--cases joint separate resnet]

The contenders of a case run in turn in every repeat, on one thread and each time in another order;
a ratio is the median over the repeats of the ratio within a repeat, so that whatever else the
machine does falls on all of them. The loops leave the caches and the heap in disorder, so the
limit is raced apart from them.
The loops are timed on a few units and scaled to all, since each unit costs them the same.

plain      one forward and one backward pass a unit and task, then the pairs by subtraction
better     one forward pass and T backward passes a unit, then the pairs by subtraction
vmap       torch.func.vmap(grad) a task, then the pairs by subtraction
…_pdist    the same loop with the pairs by torch.pdist on the T whole gradients, which shows how
           much of a ratio is owed to the pairs and how much to the gradients
limit      one batched forward pass and T full backward passes: the cost of T mean gradients,
           without any distance
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from taskviz.networks import MLPTrunk, MultiHeadNetwork
from taskviz.optima import way
from taskviz.optima.distances import pairwise_distances
from taskviz.optima.plain import plain_distances, plain_gradients
from taskviz.optima.units import Units, shared_parameters
from taskviz.values import Task

CASES = ("joint", "separate", "resnet")
DTYPES = {"float32": torch.float32, "float64": torch.float64}
MEMORY_MB = 2048


class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions with batch norm around a shortcut."""

    def __init__(self, features: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, width, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride > 1 or features != width:
            self.shortcut = nn.Sequential(
                nn.Conv2d(features, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, inputs: Tensor) -> Tensor:
        """``(n, features, h, w)`` → ``(n, width, h/stride, w/stride)``."""
        hidden = F.relu(self.first_norm(self.first(inputs)))
        return F.relu(self.second_norm(self.second(hidden)) + self.shortcut(inputs))


class ResidualTrunk(nn.Module):
    """Eight residual blocks on 32 × 32 images, 11.2 M parameters (ResNet-18's layout)."""

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        features = 64
        for stage, width in enumerate((64, 128, 256, 512)):
            blocks += [ResidualBlock(features, width, 1 if stage == 0 else 2)]
            blocks += [ResidualBlock(width, width, 1)]
            features = width
        self.stem = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.stem_norm = nn.BatchNorm2d(64)
        self.blocks = nn.Sequential(*blocks)
        self.out_features = features

    def forward(self, inputs: Tensor) -> Tensor:
        """``(n, 3, 32, 32)`` → ``(n, 512)``."""
        hidden: Tensor = self.blocks(F.relu(self.stem_norm(self.stem(inputs))))
        return hidden.mean(dim=(2, 3))


def run(
    *, quick: bool = False, cases: tuple[str, ...] = CASES, repeats: int | None = None
) -> dict[str, Any]:
    """Measure the cases and return plain data for JSON.

    Args:
        quick: small networks and few repeats: for a test that the benchmark runs.
        cases: which of :data:`CASES`.
        repeats: of each case; by default what the case is worth.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = {
            f"{case} {dtype}": _case(case, dtype, quick, repeats)
            for case in cases
            for dtype in (DTYPES if case != "resnet" else ("float32",))
        }
    finally:
        torch.set_num_threads(threads)
    return {"benchmark": "sca", "threads": 1, "torch": torch.__version__, "cases": found}


def _case(case: str, dtype: str, quick: bool, repeats: int | None) -> dict[str, Any]:
    kind = DTYPES[dtype]
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trunk: ResidualTrunk | MLPTrunk
        shape: tuple[int, ...] = (64,)
        if case == "resnet":
            tasks, n, shape, rounds = 9, 2 if quick else 8, (3, 32, 32), 3
            trunk = ResidualTrunk()
        else:
            tasks, n, rounds = 10, 10 if quick else 100, 15
            width = 32 if quick else (512 if case == "joint" else 1024)
            trunk = MLPTrunk(64, (width, width, 64))
        heads = [nn.Linear(trunk.out_features, 1) for _ in range(tasks)]
        network = MultiHeadNetwork(trunk, heads).to(kind).eval()
    units = _units(tasks, n, shape, case != "separate", kind, generator)
    contenders = _contenders(network, units, *((1, 1) if case == "resnet" else (4, 10)))
    rounds = repeats or (2 if quick else rounds)
    seconds, ratios = _race({k: v for k, v in contenders.items() if k != "limit"}, rounds)
    near = {k: contenders[k] for k in ("factorised", "limit")}
    near_seconds, near_ratios = _race(near, rounds * (1 if case == "resnet" else 3))
    seconds, ratios = {**seconds, **near_seconds}, {**ratios, **near_ratios}
    parameters = sum(p.numel() * p.element_size() for p in shared_parameters(trunk))
    peak = {name: peak_bytes(once) for name, (once, _) in contenders.items()}
    return {
        "case": case,
        "dtype": dtype,
        "tasks": tasks,
        "n": n,
        "parameters": sum(p.numel() for p in shared_parameters(trunk)),
        "repeats": rounds,
        "seconds": seconds,
        "first_use_seconds": _first_use(network, units),
        "plain_over_factorised": ratios["plain"],
        "better_over_factorised": ratios["better"],
        "plain_pdist_over_factorised": ratios["plain_pdist"],
        "better_pdist_over_factorised": ratios["better_pdist"],
        "vmap_over_factorised": ratios["vmap"],
        "factorised_over_limit": 1 / ratios["limit"],
        "peak_bytes": peak,
        "peak_over_parameters": {name: value / parameters for name, value in peak.items()},
        "largest_relative_error": _error(network, units),
    }


def _units(
    tasks: int,
    n: int,
    shape: tuple[int, ...],
    joint: bool,
    dtype: torch.dtype,
    generator: torch.Generator,
) -> Units:
    def draw(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator, dtype=torch.float64).to(dtype)

    return Units(
        tuple(Task(f"t{t}", "binary", ("no", "yes")) for t in range(tasks)),
        tuple(draw(n, *shape) for _ in range(1 if joint else tasks)),
        tuple((draw(n, 1) > 0).to(dtype) for _ in range(tasks)),
        tuple(torch.ones(n, 1, dtype=torch.bool) for _ in range(tasks)),
    )


Contenders = dict[str, tuple[Callable[[], object], float]]


def _contenders(network: MultiHeadNetwork, units: Units, few: int, together: int) -> Contenders:
    """Name → what to time, and by how much its time is to be multiplied.

    Args:
        few: units that the loops are timed on.
        together: units that vmap takes at once; it holds all their gradients.
    """
    part, batch = units.part(0, few), units.part(0, together)
    scale = len(units) / few
    return {
        "factorised": (lambda: pairwise_distances(network, units, memory_mb=MEMORY_MB), 1.0),
        "limit": (lambda: limit(network, units), 1.0),
        "plain": (lambda: plain_distances(network, part), scale),
        "better": (lambda: better_loop(network, part), scale),
        "plain_pdist": (lambda: plain_pdist(network, part), scale),
        "better_pdist": (lambda: better_loop(network, part, fused=True), scale),
        "vmap": (lambda: vmap_distances(network, batch), len(units) / together),
    }


def limit(network: MultiHeadNetwork, units: Units) -> list[tuple[Tensor, ...]]:
    """Gradient of every task's mean loss: one batched forward pass, T full backward passes."""
    shared = shared_parameters(network.trunk)
    features = [network.trunk(own) for own in units.inputs]
    losses = [
        units.loss(t, network.heads[t](features[0 if units.joint else t])).mean()
        for t in range(len(units.tasks))
    ]
    return [torch.autograd.grad(loss, shared, retain_graph=True) for loss in losses]


def plain_pdist(network: MultiHeadNetwork, units: Units) -> Tensor:
    """The plain loop with fused pairs."""
    return torch.stack([F.pdist(rows, p=1) for rows in plain_gradients(network, units)])


def better_loop(network: MultiHeadNetwork, units: Units, *, fused: bool = False) -> Tensor:
    """One forward pass a unit (a unit and task where inputs differ), T backward passes."""
    shared = shared_parameters(network.trunk)
    total = torch.zeros(len(units.tasks), len(units.tasks), dtype=torch.float64)
    for i in range(len(units)):
        unit = units.part(i, i + 1)
        features = [network.trunk(own) for own in unit.inputs]
        rows = []
        for t in range(len(units.tasks)):
            loss = unit.loss(t, network.heads[t](features[0 if units.joint else t])).sum()
            found = torch.autograd.grad(loss, shared, retain_graph=True)
            rows.append(torch.cat([gradient.flatten() for gradient in found]))
        if fused:
            F.pdist(torch.stack(rows), p=1)
        else:
            _add_pairs(total, rows)
    return total


def vmap_distances(network: MultiHeadNetwork, units: Units) -> Tensor:
    """Per-sample gradients of each task by ``torch.func``, then the pairs."""
    trunk = network.trunk
    values = {name: p.detach() for name, p in trunk.named_parameters()}
    buffers = dict(trunk.named_buffers())
    per_task = []
    for t in range(len(units.tasks)):

        def loss(
            parameters: dict[str, Tensor], x: Tensor, y: Tensor, mask: Tensor, t: int = t
        ) -> Tensor:
            features = torch.func.functional_call(trunk, (parameters, buffers), (x[None],))
            output = network.heads[t](features)
            return units.losses(units.tasks[t], output, y[None], mask[None]).sum()

        gradients = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0, 0))(
            values, units.inputs_of(t), units.targets[t], units.masks[t]
        )
        per_task.append(torch.cat([g.detach().flatten(1) for g in gradients.values()], dim=1))
    total = torch.zeros(len(units.tasks), len(units.tasks), dtype=torch.float64)
    for i in range(len(units)):
        _add_pairs(total, [rows[i] for rows in per_task])
    return total


def _add_pairs(total: Tensor, rows: list[Tensor]) -> None:
    for s in range(len(rows)):
        for t in range(s + 1, len(rows)):
            total[s, t] += float((rows[s] - rows[t]).abs().sum())


def _race(contenders: Contenders, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds of each, and median of each one's ratio to ``factorised`` within a round."""
    for once, _ in contenders.values():
        once()
    laps: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders.items())
    for lap in range(rounds):
        turn = lap % len(order)
        for name, (once, scale) in order[turn:] + order[:turn]:
            start = time.perf_counter()
            once()
            laps[name].append((time.perf_counter() - start) * scale)
    seconds = {name: statistics.median(own) for name, own in laps.items()}
    ratios = {
        name: statistics.median(a / b for a, b in zip(own, laps["factorised"], strict=True))
        for name, own in laps.items()
    }
    return seconds, ratios


def _first_use(network: MultiHeadNetwork, units: Units) -> float:
    """Seconds with the check against the plain loop, which later uses leave out."""
    with _forgotten():
        start = time.perf_counter()
        pairwise_distances(network, units, memory_mb=MEMORY_MB)
        return time.perf_counter() - start


@contextmanager
def _forgotten() -> Iterator[None]:
    known = dict(way.KNOWN)
    way.KNOWN.clear()
    try:
        yield
    finally:
        way.KNOWN.update(known)


def _error(network: MultiHeadNetwork, units: Units) -> float:
    """Largest relative error of a distance against the plain loop in float64, on two units."""
    part = units.part(0, 2)
    closed = pairwise_distances(network, part, memory_mb=MEMORY_MB).sums
    dtype = part.inputs[0].dtype
    exact = Units(
        part.tasks,
        tuple(x.double() for x in part.inputs),
        tuple(y.double() for y in part.targets),
        part.masks,
    )
    plain = plain_distances(network.double(), exact).sum(dim=0).numpy()
    network.to(dtype)
    apart = plain > 0
    return float(abs(closed[apart] / plain[apart] - 1).max())


def peak_bytes(once: Callable[[], object]) -> int:
    """Most bytes that PyTorch held at once beyond what it held before, as its profiler counts."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        once()
    results = record.profiler.kineto_results
    events = [event for event in results.events() if event.name() == "[memory]"]
    level = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        level += event.nbytes()
        peak = max(peak, level)
    return peak


def table(result: dict[str, Any]) -> str:
    """The figures that matter, for a terminal."""
    lines = [
        f"{'case':<10}{'type':<9}{'ms':>8}{'plain ÷':>9}{'better ÷':>10}{'…pdist':>14}{'vmap ÷':>8}"
        f"{'÷ limit':>9}{'memory ÷ parameters':>21}{'error':>10}"
    ]
    for case in result["cases"].values():
        lines.append(
            f"{case['case']:<10}{case['dtype']:<9}{1e3 * case['seconds']['factorised']:>8.1f}"
            f"{case['plain_over_factorised']:>9.1f}{case['better_over_factorised']:>10.2f}"
            f"{case['plain_pdist_over_factorised']:>8.1f}{case['better_pdist_over_factorised']:>6.1f}"
            f"{case['vmap_over_factorised']:>8.1f}{case['factorised_over_limit']:>9.2f}"
            f"{case['peak_over_parameters']['factorised']:>21.2f}"
            f"{case['largest_relative_error']:>10.0e}"
        )
    return "\n".join(lines)


def main() -> None:
    """Print a table and write the JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small networks, few repeats")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    given = parser.parse_args()
    result = run(quick=given.quick, cases=tuple(given.cases), repeats=given.repeats)
    print(table(result))
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
