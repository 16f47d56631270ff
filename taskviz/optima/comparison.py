"""The course of a comparison: units in chunks that fit into memory, each the chosen way."""

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from taskviz.networks import MultiHeadNetwork
from taskviz.optima.capture import output_gradients, recording
from taskviz.optima.features import Heads
from taskviz.optima.generic import generic_distances
from taskviz.optima.l1 import BLOCK_BYTES, accumulator, pair_indices, pairwise_l1
from taskviz.optima.layers import Sampling, layer_distances
from taskviz.optima.modes import check_modes
from taskviz.optima.units import Units, shared_parameters
from taskviz.optima.way import Irregular, Way, by_task, choose_way, regular, saved_bytes
from taskviz.progress import SILENT, Progress
from taskviz.values import TaskvizError

_FEWEST = 4
"""Units that are compared together where memory allows, however large they are."""


@dataclass(frozen=True)
class Run:
    """Distances summed over units that have labels of the same tasks.

    Args:
        units: their numbers.
        tasks: numbers of the k tasks with labels; T stands for the origin.
        distances: ``(2, k(k−1)/2)`` float64 sums and variances, on the host.
    """

    units: Tensor
    tasks: Tensor
    distances: Tensor


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
        single: give every unit a run of its own.

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
        single: bool = False,
    ) -> None:
        if not len(units):
            raise TaskvizError("There is no unit to compare: the training split is empty.")
        check_modes(network.trunk)
        self.network, self.origin = network, origin
        self._shared = shared_parameters(network.trunk)
        self._itemsize = units.inputs[0].element_size()
        self._rows = len(units.tasks) + origin
        self._scales = None if scales is None else units.inputs[0].new_tensor(list(scales))
        self._sampling = None
        if channels < 1:
            self._sampling = Sampling(channels, torch.Generator().manual_seed(seed))
        self._budget = memory_mb * 2**20
        self._tasks, self._which, order = _patterns(units.known.cpu(), single)
        self._order = torch.arange(len(units)) if order is None else order
        self.units = units if order is None else units.take(order)
        self._heads = Heads(network, self.units)
        self.way = choose_way(network.trunk, self.units.inputs, self._plan)
        self._chunk = self._plan(self.way)

    def runs(self, progress: Progress = SILENT) -> Iterator[Run]:
        """Yield every run once."""
        progress.begin("Comparing task gradients", len(self.units))
        start = 0
        while start < len(self.units):
            progress.check()
            stop = min(start + self._chunk, len(self.units))
            try:
                found = list(self._compare(start, stop))
            except Irregular as irregular:
                # A forward pass that depends on its data left the path that was checked.
                self.way = Way((), str(irregular))
                self._chunk = self._plan(self.way)
                continue
            yield from found
            progress.advance(stop - start)
            start = stop

    def _plan(self, way: Way) -> int:
        """Units to compare at once."""
        tasks, size = len(self.units.tasks), self._itemsize
        samples = 1 if self.units.joint else tasks
        numbers = sum(parameter.numel() for parameter in self._shared)
        largest = max((parameter.numel() for parameter in self._shared), default=0)
        if way.layers:
            unit = samples * way.activations + self._rows * (way.outputs + way.widest)
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
        wanted = max(BLOCK_BYTES, 2 * size * numbers, _FEWEST * size * unit)
        most = max(1, min(wanted, self._budget - fixed) // (size * unit))
        chunks = math.ceil(len(self.units) / most)
        return math.ceil(len(self.units) / chunks)

    def _compare(self, start: int, stop: int) -> Iterator[Run]:
        spans = list(self._spans(start, stop))
        if self.way.layers:
            totals = self._by_layers(start, stop, spans)
        else:
            totals = [self._generic(start, spans[0].tasks)]
        for span, total in zip(spans, totals, strict=True):
            units = self._order[start + span.start : start + span.stop]
            yield Run(units, span.tasks, total.cpu())

    def _spans(self, start: int, stop: int) -> Iterator["_Span"]:
        """Stretches of a chunk that have labels of the same tasks."""
        which = self._which[start:stop]
        ends = torch.nonzero(which[1:] != which[:-1])[:, 0].add(1).tolist()
        for first, end in zip([0, *ends], [*ends, stop - start], strict=True):
            tasks = self._tasks[int(which[first])]
            if self.origin:
                tasks = torch.cat([tasks, torch.tensor([self._rows - 1])])
            yield _Span(first, end, tasks)

    def _by_layers(self, start: int, stop: int, spans: Sequence["_Span"]) -> list[Tensor]:
        part = self.units.part(start, stop)
        layers = {name: self.network.trunk.get_submodule(name) for name in self.way.layers}
        tasks = len(part.tasks)
        stacked = part.inputs[0] if part.joint else torch.cat(part.inputs)
        with torch.enable_grad(), recording(layers) as traces:
            features = self.network.trunk(stacked)
        regular(traces, len(stacked))
        if part.joint:
            cotangents = self._cotangents([features], start, stop)
            deltas = output_gradients(features, traces, cotangents)
            inputs = [trace.inputs for trace in traces]
        else:
            cotangents = self._cotangents(list(by_task(features, tasks)), start, stop)
            deltas = output_gradients(features, traces, cotangents[:tasks].flatten(0, 1))
            deltas = [self._with_origin(by_task(delta, tasks)) for delta in deltas]
            inputs = [self._with_origin(by_task(trace.inputs, tasks)) for trace in traces]
        del features
        totals = [_empty(span, stacked.device) for span in spans]
        for trace in traces:
            signal, seen = deltas.pop(0), inputs.pop(0)
            for total, span in zip(totals, spans, strict=True):
                if len(span.tasks) < 2:
                    continue
                own = span.cut(seen, self._rows) if not part.joint else seen[span.rows]
                total += layer_distances(
                    layers[trace.layer], span.cut(signal, self._rows), own, self._sampling
                )
        if part.joint:
            for total, span in zip(totals, spans, strict=True):
                _forget_rounding(total, span.cut(cotangents, self._rows))
        return totals

    def _generic(self, start: int, tasks: Tensor) -> Tensor:
        unit = self.units.part(start, start + 1)
        if len(tasks) < 2:
            return accumulator(0, unit.inputs[0].device)
        with _without_cudnn(unit.inputs[0].device), torch.enable_grad():
            features = [self.network.trunk(own) for own in unit.inputs]
            cotangents = self._cotangents(features, start, start + 1)[tasks]
            picked = features
            if not unit.joint:
                blank = features[0] * 0
                picked = [features[t] if t < len(features) else blank for t in tasks.tolist()]
            found = generic_distances(picked, cotangents, self._shared, self._elements)
        total = accumulator(found.shape[0], found.device)
        total[0] = found
        if unit.joint:
            _forget_rounding(total, cotangents)
        return total

    def _cotangents(self, features: Sequence[Tensor], start: int, stop: int) -> Tensor:
        found = self._heads.gradients(features, start, stop)
        if self._scales is not None:
            found = found * self._scales.view(-1, *[1] * (found.dim() - 1))
        return self._with_origin(found)

    def _with_origin(self, values: Tensor) -> Tensor:
        return torch.cat([values, torch.zeros_like(values[:1])]) if self.origin else values


@dataclass(frozen=True)
class _Span:
    start: int
    stop: int
    tasks: Tensor

    @property
    def rows(self) -> slice:
        return slice(self.start, self.stop)

    def cut(self, values: Tensor, rows: int) -> Tensor:
        """The span's units and tasks of ``(T, n, …)``; a view where all tasks have labels."""
        own = values[:, self.rows]
        return own if len(self.tasks) == rows else own[self.tasks.to(own.device)]


def _patterns(known: Tensor, single: bool) -> tuple[list[Tensor], Tensor, Tensor | None]:
    """Units in an order in which those with labels of the same tasks stand together.

    Args:
        known: ``(n, T)`` bool.
        single: give every unit a pattern of its own.

    Returns:
        Tasks of each pattern; pattern of each unit in that order; the order, None if unchanged.
    """
    n, tasks = known.shape
    if bool(known.all()):
        every = torch.arange(tasks)
        if single:
            return [every] * n, torch.arange(n), None
        return [every], torch.zeros(n, dtype=torch.long), None
    patterns, which = torch.unique(known, dim=0, return_inverse=True)
    found = [torch.nonzero(pattern)[:, 0] for pattern in patterns]
    order = torch.argsort(which, stable=True)
    if single:
        return [found[pattern] for pattern in which[order].tolist()], torch.arange(n), order
    return found, which[order], order


def _empty(span: _Span, device: torch.device) -> Tensor:
    return accumulator(len(span.tasks) * (len(span.tasks) - 1) // 2, device)


def _forget_rounding(total: Tensor, cotangents: Tensor) -> None:
    """Set the distance of two tasks to 0 where the trunk cannot tell them apart.

    On a shared input the gradients of two tasks are the same function of their feature gradients.
    Where those agree to rounding, what is left of the distance is rounding, and dividing it by the
    largest of a row of such distances would make affinities of noise.
    """
    if len(cotangents) < 2:
        return
    flat = cotangents.reshape(len(cotangents), -1)
    sizes = flat.abs().sum(dim=1).to(total.device, total.dtype)
    first, second = pair_indices(len(flat))
    # a head sums this many products
    width = max(16, cotangents.shape[-1])
    limit = 16 * math.sqrt(width) * torch.finfo(flat.dtype).eps * (sizes[first] + sizes[second])
    total[:, pairwise_l1(flat) <= limit] = 0.0


def _without_cudnn(device: torch.device) -> AbstractContextManager[None]:
    """CuDNN has no backward pass for recurrent layers in evaluation mode."""
    return torch.backends.cudnn.flags(enabled=False) if device.type == "cuda" else nullcontext()
