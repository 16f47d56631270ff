"""The points of some units and the ways to their distances; :mod:`taskviz.optima.all_pairs` is the
face of it."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from taskviz.engines.memory import halving
from taskviz.networks import MultiHeadNetwork
from taskviz.optima.capture import (
    Irregular,
    Signals,
    by_task,
    in_one_piece,
    output_gradients,
    recording,
    regular,
    stacked_gradients,
)
from taskviz.optima.features import Heads
from taskviz.optima.generic import parameter_groups, task_gradients
from taskviz.optima.l1 import pairwise_l1, square
from taskviz.optima.layers import closed_form_layers
from taskviz.optima.outer_products import compiled
from taskviz.optima.projection import CauchyProjection
from taskviz.optima.units import Units, adapted, shared_parameters
from taskviz.optima.way import choose_way
from taskviz.progress import Progress
from taskviz.values import TaskvizError

Floats = NDArray[np.float64]
Method = Literal["auto", "exact", "projection"]
Products = tuple[Tensor, Tensor]
"""``(T, n, J)`` signals of a layer and its ``(1 or T, n, K)`` inputs."""

EXACT_WORK = 5e10
"""Differences of single numbers (pairs × parameters) up to which gradients are compared one number
at a time; beyond it, about a minute on one core, they are projected."""
EXACT_BLOCKS = 8
"""Blocks of columns up to which gradients are formed anew for each."""


class Cloud:
    """The points of some units, or of their shared optima.

    Args:
        picked: numbers of the points wanted, of all T·n (of n where shared).
        shared: one point a unit, the mean over its known tasks.
    """

    def __init__(
        self,
        network: MultiHeadNetwork,
        units: Units,
        picked: NDArray[np.int64],
        memory_mb: int,
        progress: Progress,
        *,
        shared: bool = False,
    ) -> None:
        units = adapted(network, units)
        self.network, self.units, self.picked = network, units, picked
        self.progress, self.shared = progress, shared
        self.budget = memory_mb * 2**20
        self.parameters = shared_parameters(network.trunk)
        self._heads = Heads(network, units)
        points, size = len(picked), units.targets[0].element_size()
        # the result and what sums it up, and a block that holds 16 columns at least
        least = 3 * 8 * points**2 + 16 * points * size
        if least > self.budget:
            raise TaskvizError(
                f"{points:,} optima need {least / 2**20:,.0f} MB for their distances, but "
                f"memory_mb is {memory_mb}: take fewer samples, or set memory_mb higher."
            )
        self._elements = (self.budget - 3 * 8 * points**2) // (2 * size)

    def measure(self, method: Method, seed: int) -> tuple[Floats, str, str, float]:
        """Distances of the points picked, the way, why, and the relative error."""
        reason = self._no_products()
        pairs = len(self.picked) * (len(self.picked) - 1) / 2
        numbers = sum(p.numel() for p in self.parameters)
        work, blocks = pairs * numbers, len(self.picked) * numbers / self._elements
        if method != "projection" and not reason:
            try:
                return self._by_products(), "outer products", "", 0.0
            except Irregular as irregular:
                reason = str(irregular)
        affordable = work <= EXACT_WORK and blocks <= EXACT_BLOCKS
        if method == "exact" or (method == "auto" and affordable):
            return self._by_columns(), "gradients", reason, 0.0
        if method == "auto":
            reason = f"{reason}, and {numbers:,} parameters are too many to compare one by one"
        projection = CauchyProjection(seed)
        found = projection.distances(self._projected(projection), self.progress)
        return found, "projection", reason or "asked for", projection.error

    def _no_products(self) -> str:
        """Why the trunk cannot be compared through outer products; empty where it can."""
        layers, reason = closed_form_layers(self.network.trunk)
        if not layers:
            return reason or "no parameter of the trunk learns"
        for name, layer in layers.items():
            if not isinstance(layer, nn.Linear):
                return f"{name} ({type(layer).__name__}) is no linear layer"
        way = choose_way(self.network.trunk, self.units.inputs)
        return way.reason

    def _cotangents(self, features: Sequence[Tensor], start: int, stop: int) -> Tensor:
        """``(T, n, …)``; ``(1, n, …)`` for shared optima of a joint collection."""
        found = self._heads.gradients(features, start, stop)
        if not self.shared:
            return found
        known = self.units.known[start:stop].sum(dim=1).to(found.dtype)
        scaled = found / known.view(1, -1, *[1] * (found.dim() - 2))
        return scaled.sum(dim=0, keepdim=True) if self.units.joint else scaled

    def _by_products(self) -> Floats:
        units, trunk = self.units, self.network.trunk
        tasks, n = len(units.tasks), len(units)
        layers = {
            name: layer
            for name, layer in trunk.named_modules()
            if name in closed_form_layers(trunk)[0]
        }
        if self.shared and not units.joint:
            raise Irregular("shared optima of separate inputs are no outer products")
        found: dict[str, list[Products]] = {}
        for part in halving(n, n, lambda first, last: self._products(layers, first, last)):
            for name, products in part:
                found.setdefault(name, []).append(products)
        rows = n if units.joint else tasks * n
        total = np.zeros((len(self.picked), len(self.picked)))
        self.progress.begin("Comparing optima", len(found) * rows)
        for name, parts in found.items():
            layer = layers[name]
            signals, inputs = (
                torch.cat(own, dim=1) if len(own) > 1 else own[0]
                for own in zip(*parts, strict=True)
            )
            # Of inputs of the tasks' own each task's stand after another's.
            own = signals if units.joint else signals.reshape(1, rows, -1)
            weight = layer.weight.requires_grad
            bias = isinstance(layer.bias, nn.Parameter) and layer.bias.requires_grad
            self._add_layer(total, own, inputs.flatten(0, 1), weight=bool(weight), bias=bias)
        return total

    def _products(
        self, layers: Mapping[str, nn.Module], first: int, last: int
    ) -> list[tuple[str, Products]]:
        """Signals and inputs of every layer on some units, on the host."""
        units, tasks = self.units, len(self.units.tasks)
        parts = [own[first:last] for own in units.inputs]
        stacked = parts[0] if units.joint else torch.cat(parts)
        with torch.enable_grad(), recording(dict(layers)) as traces:
            features = self.network.trunk(stacked)
        regular(traces, len(stacked))
        if any(len(trace.shape) != 2 for trace in traces):
            raise Irregular("a linear layer is used at several positions")
        signals: Sequence[Signals]
        if units.joint:
            cotangents = self._cotangents([features], first, last)
            signals = output_gradients(features, traces, cotangents)
        else:
            cotangents = self._cotangents(list(by_task(features, tasks)), first, last)
            signals = stacked_gradients(features, traces, cotangents)
        blocks = 1 if units.joint else tasks
        return [
            (trace.layer, (in_one_piece(own).cpu(), by_task(trace.inputs, blocks).cpu()))
            for trace, own in zip(traces, signals, strict=True)
        ]

    def _add_layer(
        self, total: Floats, signals: Tensor, inputs: Tensor, *, weight: bool, bias: bool
    ) -> None:
        """Add one layer's distances.

        Args:
            signals: ``(R, m, J)``: R optima on each of m inputs.
            inputs: ``(m, K)``.
        """
        deltas = signals.detach().double().cpu()
        if bias:
            rows = deltas.reshape(-1, deltas.shape[2])[self.picked]
            total += square(pairwise_l1(rows), len(rows)).numpy()
        if not weight:
            self.progress.advance(len(inputs))
            return
        rows_each, n = deltas.shape[:2]
        seen = np.ascontiguousarray(inputs.detach().double().cpu().numpy())
        own = np.ascontiguousarray(deltas.transpose(0, 1).numpy())
        flat = np.full(rows_each * n, -1)
        flat[self.picked] = np.arange(len(self.picked))
        at = flat.reshape(rows_each, n)
        sizes = np.abs(seen).sum(axis=1)
        first, second = np.triu_indices(rows_each, 1)
        for i in range(n):
            self.progress.check()
            here = np.zeros((n, rows_each, rows_each))
            compiled()(i, own, seen, here)
            same = np.abs(own[i][first] - own[i][second]).sum(axis=1) * sizes[i]
            here[i, first, second] = here[i, second, first] = same
            members = np.flatnonzero(at[:, i] >= 0)
            units, columns = np.nonzero(at.T[i:] >= 0)
            units += i
            block = here[units[None, :], members[:, None], columns[None, :]]
            places, mine = at[columns, units], at[members, i]
            total[np.ix_(mine, places)] += block
            later = units > i
            total[np.ix_(places[later], mine)] += block[:, later].T
            self.progress.advance(1)

    def _unit_gradients(self, i: int, group: Sequence[nn.Parameter]) -> Tensor:
        """``(T, columns)`` gradients of one unit with respect to some parameters."""
        unit = self.units.part(i, i + 1)
        with torch.enable_grad():
            features = [self.network.trunk(own) for own in unit.inputs]
            cotangents = self._cotangents(features, i, i + 1)

            def some(first: int, last: int) -> Tensor:
                mine = features if unit.joint else features[first:last]
                return torch.cat(list(task_gradients(mine, cotangents[first:last], group)), dim=1)

            size = len(cotangents)
            rows = torch.cat(list(halving(size, size, some))).detach()
        return rows.sum(dim=0, keepdim=True) if self.shared and len(rows) > 1 else rows

    def _rows_of(self, i: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of a unit's gradients that are points, and where these stand."""
        n = len(self.units)
        rows = 1 if self.shared else len(self.units.tasks)
        at = np.searchsorted(self.picked, numbers := np.arange(rows) * n + i)
        here = (at < len(self.picked)) & (
            self.picked[np.minimum(at, len(self.picked) - 1)] == numbers
        )
        return np.flatnonzero(here), at[here]

    def _by_columns(self) -> Floats:
        """Gradients of all points, some columns at a time: no more than the budget is held."""
        points, tasks = len(self.picked), len(self.units.tasks)
        width = max(16, self._elements // points)
        groups = parameter_groups(self.parameters, tasks, max(self._elements // 4, 1))
        total = torch.zeros(points * (points - 1) // 2, dtype=torch.float64)
        self.progress.begin("Comparing optima", sum(p.numel() for p in self.parameters))
        for group in groups:
            numbers = sum(p.numel() for p in group)

            def columns(start: int, stop: int, group: list[nn.Parameter] = group) -> Tensor:
                return self._columns(group, start, stop)

            for found in halving(numbers, width, columns):
                total += found
        return square(total, points).numpy()

    def _columns(self, group: Sequence[nn.Parameter], start: int, stop: int) -> Tensor:
        """``(N(N−1)/2,)`` distances by some columns of the gradients of some parameters."""
        n, done = len(self.units), 0.0
        block = self.units.targets[0].new_zeros(len(self.picked), stop - start)
        try:
            for i in range(n):
                self.progress.check()
                rows, places = self._rows_of(i)
                if len(rows):
                    block[places] = self._unit_gradients(i, group)[rows, start:stop]
                done += (stop - start) / n
                self.progress.advance((stop - start) / n)
            return pairwise_l1(block).cpu()
        except (RuntimeError, MemoryError):
            # What did not fit is done again: it is not told of twice.
            self.progress.advance(-done)
            raise

    def _projected(self, projection: CauchyProjection) -> Tensor:
        """``(N, buckets)`` projections of all points."""
        points, n = len(self.picked), len(self.units)
        tasks = len(self.units.tasks)
        groups = parameter_groups(self.parameters, tasks, self._elements)
        sketch = torch.zeros(points, projection.buckets, dtype=torch.float64)
        self.progress.begin("Projecting optima", len(groups) * n)
        for number, group in enumerate(groups):
            draw = projection.draw(number, sum(p.numel() for p in group))
            for i in range(n):
                self.progress.check()
                rows, places = self._rows_of(i)
                if len(rows):
                    sketch[places] += draw.project(self._unit_gradients(i, group)[rows].cpu())
                self.progress.advance(1)
        return sketch
