"""The course of a comparison: units in chunks that fit into memory, each the chosen way."""

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from taskviz.engines.memory import SHARE, free_memory, give_back, out_of_memory
from taskviz.networks import MultiHeadNetwork
from taskviz.optima.capture import (
    Irregular,
    Signals,
    TaskTraces,
    output_gradients,
    recording,
    regular,
)
from taskviz.optima.features import Heads
from taskviz.optima.generic import generic_distances
from taskviz.optima.l1 import BLOCK_BYTES, accumulator, pair_indices, pairwise_l1
from taskviz.optima.layers import Sampling, closed_form_layers, layer_distances
from taskviz.optima.modes import check_modes
from taskviz.optima.units import Units, adapted, shared_parameters
from taskviz.optima.way import Way, choose_way, saved_bytes
from taskviz.progress import SILENT, Progress
from taskviz.values import TaskvizError

_FEWEST = 8
"""Units that are compared together where memory allows, however large they are."""


@dataclass(frozen=True)
class Run:
    """Distances summed over units that have labels of the same tasks.

    Args:
        units: their numbers.
        tasks: numbers of the k tasks with labels; T stands for the origin.
        distances: ``(2, k(k−1)/2)`` float64 sums and variances, on the host.
    """

    units: list[int]
    tasks: list[int]
    distances: Tensor


@dataclass
class _Tally:
    """A run in the making.

    Args:
        total: see :attr:`Run.distances`.
        gaps: ``(k(k−1)/2,)`` distances between the tasks' feature gradients.
        sizes: ``(k,)`` L1 norms of these.
        tolerance: relative rounding of a feature gradient.
    """

    run: Run
    total: Tensor
    gaps: Tensor
    sizes: Tensor
    tolerance: float = 0.0

    def copy(self) -> "_Tally":
        """As it stands."""
        return _Tally(
            self.run, self.total.clone(), self.gaps.clone(), self.sizes.clone(), self.tolerance
        )


class Comparison:
    """Compares the task gradients of all units of one network.

    Args:
        network: T heads on a trunk.
        units: on the network's device and in its floating type.
        memory_mb: working memory beside network and data.
        channels: share of each convolution's output channels.
        seed: of their draw.
        scales: factor of each task's gradient.
        origin: add a task number T whose gradient is 0.
        blocks: of neighbouring units, each with runs of its own.

    Raises:
        TaskvizError: before anything is computed: training-mode batch norm or dropout, or memory
            too small for one unit.
    """

    def __init__(
        self,
        network: MultiHeadNetwork,
        units: Units,
        *,
        memory_mb: int,
        channels: float = 1.0,
        seed: int = 0,
        scales: Sequence[float] | None = None,
        origin: bool = False,
        blocks: int = 1,
    ) -> None:
        if not len(units):
            raise TaskvizError("There is no unit to compare: the training split is empty.")
        check_modes(network.trunk)
        units = adapted(network, units)
        self.network, self.origin = network, origin
        self._shared = shared_parameters(network.trunk)
        self._itemsize = units.inputs[0].element_size()
        self._rows = len(units.tasks) + origin
        self._scales = None if scales is None else units.inputs[0].new_tensor(list(scales))
        self._sampling = None
        if channels < 1:
            self._sampling = Sampling(channels, torch.Generator().manual_seed(seed))
        self._budget = memory_mb * 2**20
        patterns, self._which, order = _patterns(units.known.cpu(), blocks)
        if origin:
            patterns = [[*tasks, len(units.tasks)] for tasks in patterns]
        self._tasks = patterns
        self._order = list(range(len(units))) if order is None else order
        self.units = units if order is None else units.take(torch.tensor(order))
        self._heads = Heads(network, self.units)
        self.way = choose_way(network.trunk, self.units.inputs, self._plan)
        self._chunk = self._plan(self.way)

    def runs(self, progress: Progress = SILENT) -> Iterator[Run]:
        """Compare all units, then yield a run for each block and set of tasks with labels."""
        progress.begin("Comparing task gradients", len(self.units))
        tallies: dict[int, _Tally] = {}
        for number, pattern in zip(self._order, self._which, strict=True):
            if pattern not in tallies:
                tallies[pattern] = self._tally(pattern)
            tallies[pattern].run.units.append(number)
        start = 0
        while start < len(self.units):
            progress.check()
            stop = min(start + self._chunk, len(self.units))
            before = {pattern: tally.copy() for pattern, tally in tallies.items()}
            try:
                if self.way.layers:
                    self._by_layers(start, stop, tallies)
                else:
                    self._generic(start, tallies[self._which[start]])
            except Irregular as irregular:
                # A forward pass that depends on its data left the path that was checked.
                self.way = Way((), str(irregular))
                self._chunk = self._plan(self.way)
                continue
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error) or stop - start == 1:
                    raise
                # What the chunk had added already is taken back; then smaller ones.
                tallies, self._chunk = before, (stop - start + 1) // 2
                full = True
            else:
                full = False
            if full:
                give_back()
                continue
            progress.advance(stop - start)
            start = stop
        for tally in tallies.values():
            if self.units.joint:
                _forget_rounding(tally)
            tally.run.distances.copy_(tally.total)
            yield tally.run

    def _plan(self, way: Way) -> int:
        """Units to compare at once."""
        tasks, size = len(self.units.tasks), self._itemsize
        samples = 1 if self.units.joint else tasks
        numbers = sum(parameter.numel() for parameter in self._shared)
        largest = max((parameter.numel() for parameter in self._shared), default=0)
        if way.layers:
            unit = samples * way.activations + self._rows * (way.outputs + way.widest)
            lengths = [own[:1].numel() for own in self.units.inputs]
            if len(set(lengths)) > 1:
                # Series of several lengths: each holds its own, and gradients are formed.
                share = sum(lengths) / max(lengths)
                unit = math.ceil(share * way.activations) + 2 * self._rows * numbers
            fixed = 2 * BLOCK_BYTES + 2 * size * samples * way.unfolded
            # the check at first use holds one gradient of all parameters
            least = max(fixed + size * unit, size * numbers)
        else:
            saved = saved_bytes(self.network.trunk, self.units.inputs[0][:1])
            unit, fixed = 0, samples * saved + 2 * BLOCK_BYTES
            least = fixed + 2 * size * self._rows * largest
        if least > self._budget:
            needed, given = math.ceil(least / 2**20), self._budget // 2**20
            raise TaskvizError(
                f"One unit needs {needed} MB of working memory, but memory_mb is {given}: set "
                f"memory_mb to {needed} or more, or choose a smaller network or fewer tasks."
            )
        if not way.layers:
            self._elements = (self._budget - fixed) // (2 * size)
            return 1
        if way.alone:
            return 1
        wanted = max(BLOCK_BYTES, 2 * size * numbers, _FEWEST * size * unit)
        free = int(SHARE * free_memory(self.units.inputs[0].device))
        most = max(1, min(wanted, min(self._budget, free) - fixed) // (size * unit))
        chunks = math.ceil(len(self.units) / most)
        return math.ceil(len(self.units) / chunks)

    def _tally(self, pattern: int) -> _Tally:
        tasks = self._tasks[pattern]
        pairs = len(tasks) * (len(tasks) - 1) // 2
        device = self.units.inputs[0].device
        total = accumulator(2, pairs, device=device)
        run = Run([], tasks, torch.zeros_like(total, device="cpu"))
        return _Tally(run, total, total[0].clone(), total.new_zeros(len(tasks)))

    def _by_layers(self, start: int, stop: int, tallies: dict[int, _Tally]) -> None:
        spans = [
            (tallies[pattern], slice(which[0] - start, which[-1] + 1 - start))
            for pattern, which in _stretches(self._which, start, stop)
            if len(self._tasks[pattern]) > 1
        ]
        if not spans:
            return
        layers, _ = closed_form_layers(self.network.trunk)
        tasks, joint = len(self.units.tasks), self.units.joint
        parts = [own[start:stop] for own in self.units.inputs]
        deltas: Sequence[Signals]
        if joint:
            with torch.enable_grad(), recording(layers) as traces:
                features = self.network.trunk(parts[0])
            regular(traces, len(parts[0]))
            cotangents = self._cotangents([features], start, stop)
            deltas = output_gradients(features, traces, cotangents)
            names, inputs = [t.layer for t in traces], [trace.inputs for trace in traces]
            del features
        else:
            passed = TaskTraces(self.network.trunk, layers, parts)
            cotangents = self._cotangents(passed.features, start, stop)
            found = passed.gradients(cotangents[:tasks])
            deltas = [self._with_origin(delta) for delta in found]
            names, inputs = passed.names, [self._with_origin(own) for own in passed.inputs]
            del passed
        for name, signals, seen in zip(names, deltas, inputs, strict=True):
            for tally, span in spans:
                own = seen[span] if joint else self._cut(seen, tally.run.tasks, span)
                mine = self._cut_signals(signals, tally.run.tasks, span)
                sums, variance = layer_distances(layers[name], mine, own, self._sampling)
                tally.total[0] += sums.to(tally.total.device)
                if variance is not None:
                    tally.total[1] += variance.to(tally.total.device)
        if joint:
            for tally, span in spans:
                _note_features(tally, self._cut(cotangents, tally.run.tasks, span))

    def _generic(self, start: int, tally: _Tally) -> None:
        unit, tasks = self.units.part(start, start + 1), tally.run.tasks
        if len(tasks) < 2:
            return
        with _without_cudnn(unit.inputs[0].device), torch.enable_grad():
            features = [self.network.trunk(own) for own in unit.inputs]
            cotangents = self._cotangents(features, start, start + 1)[tasks]
            picked = features
            if not unit.joint:
                blank = features[0] * 0
                picked = [features[t] if t < len(features) else blank for t in tasks]
            found = generic_distances(picked, cotangents, self._shared, self._elements)
            tally.total[0] += found.to(tally.total.device)
        if unit.joint:
            _note_features(tally, cotangents)

    def _cut(self, values: Tensor, tasks: list[int], span: slice) -> Tensor:
        """A span's units and tasks of ``(T, n, …)``; a view where all tasks have labels."""
        own = values if span == slice(0, values.shape[1]) else values[:, span]
        return own if len(tasks) == self._rows else own[tasks]

    def _cut_signals(self, signals: Signals, tasks: list[int], span: slice) -> Signals:
        if isinstance(signals, Tensor):
            return self._cut(signals, tasks, span)
        return [signals[task][span] for task in tasks]

    def _cotangents(self, features: Sequence[Tensor], start: int, stop: int) -> Tensor:
        found = self._heads.gradients(features, start, stop)
        if self._scales is not None:
            found = found * self._scales.view(-1, *[1] * (found.dim() - 1))
        return self._with_origin(found)

    def _with_origin(self, values: Tensor) -> Tensor:
        return torch.cat([values, torch.zeros_like(values[:1])]) if self.origin else values


def block_numbers(units: int, blocks: int) -> list[int]:
    """Block of each unit, from 0: stretches of nearly the same length, at most one a unit."""
    count = max(1, min(blocks, units))
    return [unit * count // units for unit in range(units)]


def _patterns(known: Tensor, blocks: int) -> tuple[list[list[int]], list[int], list[int] | None]:
    """Units in an order in which those of a block with labels of the same tasks stand together.

    Args:
        known: ``(n, T)`` bool.
        blocks: of neighbouring units.

    Returns:
        Tasks of each pattern; pattern of each unit in that order; the order, None if unchanged.
    """
    n, tasks = known.shape
    block = block_numbers(n, blocks)
    if bool(known.all()):
        return [list(range(tasks))] * (block[-1] + 1 if n else 1), block, None
    numbered = torch.cat([torch.tensor(block)[:, None], known.long()], dim=1)
    patterns, inverse = torch.unique(numbered, dim=0, return_inverse=True)
    found = [torch.nonzero(pattern[1:])[:, 0].tolist() for pattern in patterns]
    order: list[int] = torch.argsort(inverse, stable=True).tolist()
    return found, inverse[order].tolist(), order


def _stretches(which: list[int], start: int, stop: int) -> Iterator[tuple[int, list[int]]]:
    """Patterns between two units, each with its units."""
    for pattern, units in groupby(range(start, stop), key=lambda unit: which[unit]):
        yield pattern, list(units)


def _note_features(tally: _Tally, cotangents: Tensor) -> None:
    flat = cotangents.reshape(len(cotangents), -1)
    # a head sums as many products as there are features
    eps = torch.finfo(flat.dtype).eps
    tally.tolerance = 16 * math.sqrt(max(16, cotangents.shape[-1])) * eps
    tally.gaps += pairwise_l1(flat)
    tally.sizes += flat.abs().sum(dim=1).to(tally.sizes.device)


def _forget_rounding(tally: _Tally) -> None:
    """Set the distance of two tasks to 0 where the trunk cannot tell them apart.

    On a shared input the gradients of two tasks are the same function of their feature gradients.
    Where those agree to rounding, what is left of the distance is rounding, and dividing it by the
    largest of a row of such distances would make affinities of noise.
    """
    first, second = pair_indices(len(tally.sizes))
    limit = tally.tolerance * (tally.sizes[first] + tally.sizes[second])
    tally.total[:, tally.gaps <= limit] = 0.0


def _without_cudnn(device: torch.device) -> AbstractContextManager[None]:
    """CuDNN has no backward pass for recurrent layers in evaluation mode."""
    return torch.backends.cudnn.flags(enabled=False) if device.type == "cuda" else nullcontext()
