"""What any group costs at inference, in networks, parameters, multiply-accumulates or time.

The trunk of a group's network is shared and its heads add up, so that a group costs
trunk + Σ heads: all 2^T groups are priced without one being built. For parameters and
multiply-accumulates that is exact; latency is measured for a few sizes and a line is laid through.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil, floor, log10
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.engines.device import describe_device, pick_device
from taskviz.networks import NetworkOptions, build_network
from taskviz.networks.cost import one_sample, part_costs
from taskviz.networks.latency import measure_latency
from taskviz.values import Grouping, TaskCollection, TaskvizError, unknown_choice
from taskviz.values.grouping import COST_UNITS, CostUnit

ROUNDING = 1e-9
"""Relative excess over a budget that is rounding."""


@dataclass(frozen=True)
class CostModel:
    """Group → cost of its network. Immutable.

    Args:
        unit: what is counted.
        tasks: names of the tasks that have a price.
        trunk: cost of the shared part.
        heads: what each task adds.
        fit_error: largest distance of a measured latency from the line, milliseconds; 0 for
            counts, which are exact.
        spread: largest spread of the latencies themselves (half of the interquartile range).
        notes: sentences a reader must see beside the costs.
    """

    unit: CostUnit
    tasks: tuple[str, ...]
    trunk: float
    heads: tuple[float, ...]
    fit_error: float = 0.0
    spread: float = 0.0
    notes: tuple[str, ...] = ()

    def __call__(self, group: Iterable[str]) -> float:
        """Cost of a group's network.

        Raises:
            TaskvizError: a task that has no price.
        """
        return self.trunk + sum(self.heads[self._place(task)] for task in group)

    def costs(self, members: NDArray[np.bool_]) -> NDArray[np.float64]:
        """``(m,)`` cost of each of ``(m, T)`` groups."""
        found: NDArray[np.float64] = self.trunk + members.astype(np.float64) @ np.array(self.heads)
        return found

    def partition(self, groups: int) -> float:
        """What this many groups cost that hold every task once: whichever they are."""
        return groups * self.trunk + sum(self.heads)

    def most_groups(self, budget: float) -> int:
        """How many groups that cover every task a budget can pay for at most; T are enough.

        Every task needs a head in one group at least: the rest of the budget pays for trunks.
        """
        for number in range(len(self.tasks), 0, -1):
            if self.affords(budget, self.partition(number)):
                return number
        return 0

    @staticmethod
    def affords(budget: float, cost: float) -> bool:
        """True where the cost is within the budget, rounding aside."""
        return cost <= budget * (1 + ROUNDING)

    def of(self, tasks: Sequence[str]) -> "CostModel":
        """The prices of these tasks only, in this order.

        Raises:
            TaskvizError: a task that has no price.
        """
        return replace(
            self, tasks=tuple(tasks), heads=tuple(self.heads[self._place(t)] for t in tasks)
        )

    def words(self, cost: float, up: bool = False) -> str:
        """A cost for people, such as ``4932 parameters``.

        Args:
            up: round up, for a budget that must suffice as it is written; whole numbers are never
                shortened.
        """
        if self.unit in ("parameters", "macs"):
            number = f"{ceil(cost - 1e-6) if up else round(cost)}"
            return f"{number} {'multiply-accumulates' if self.unit == 'macs' else self.unit}"
        if up and cost > 0:
            step = 10.0 ** (floor(log10(cost)) - 3)
            cost = ceil(cost / step - 1e-6) * step
        return f"{cost:.4g} {self.unit}"

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "tasks": list(self.tasks), "heads": list(self.heads)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "CostModel":
        """The inverse of :meth:`to_json`.

        Raises:
            TaskvizError: the data are no prices.
        """
        try:
            return cls(
                unit=cost_unit(str(data["unit"])),
                tasks=tuple(str(task) for task in data["tasks"]),
                trunk=float(data["trunk"]),
                heads=tuple(float(head) for head in data["heads"]),
                fit_error=float(data.get("fit_error", 0.0)),
                spread=float(data.get("spread", 0.0)),
                notes=tuple(str(note) for note in data.get("notes", ())),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TaskvizError(
                f"These are no prices of groups ({type(error).__name__}: {error}): unit, tasks, "
                "trunk and heads are needed."
            ) from None

    def _place(self, task: str) -> int:
        if task not in self.tasks:
            raise TaskvizError(
                f"Task {task!r} has no cost in {self.unit}: the networks priced are those of "
                f"{', '.join(self.tasks)}."
            )
        return self.tasks.index(task)


def cost_unit(name: str) -> CostUnit:
    """A unit by its name.

    Raises:
        TaskvizError: there is none of that name; the valid ones are listed.
    """
    for unit in COST_UNITS:
        if unit == name:
            return unit
    raise unknown_choice("budget unit", name, COST_UNITS)


def cost_model(
    collection: TaskCollection,
    unit: str,
    options: NetworkOptions | None = None,
    *,
    device: str | torch.device = "auto",
) -> CostModel:
    """Prices of all groups of a collection's tasks.

    Args:
        collection: decides the shapes of input and heads.
        unit: one of :data:`taskviz.values.grouping.COST_UNITS`.
        options: of the networks; None: the defaults, which training has too.
        device: where latency is measured.

    Raises:
        TaskvizError: an unknown unit, or one that groups of separate tasks do not differ in.
    """
    unit = cost_unit(unit)
    if unit == "networks":
        return CostModel("networks", collection.names, 1.0, (0.0,) * len(collection.tasks))
    options = options or NetworkOptions()
    if unit == "parameters":
        parameters, _, _ = part_costs(collection, range(len(collection.tasks)), options)
        heads = tuple(map(float, parameters.heads))
        return CostModel("parameters", collection.names, float(parameters.trunk), heads)
    if collection.layout == "separate":
        raise TaskvizError(
            f"Collection {collection.name!r} is separate: a sample belongs to one task and passes "
            f"one trunk and one head however tasks are grouped, so {unit} are no budget for it; "
            "give it in networks or parameters."
        )
    if unit == "macs":
        return _macs(collection, options)
    return _latencies(collection, options, pick_device(device))


def _macs(collection: TaskCollection, options: NetworkOptions) -> CostModel:
    _, macs, not_counted = part_costs(collection, range(len(collection.tasks)), options)
    left_out = f"; not counted: {', '.join(not_counted)}" if not_counted else ""
    return CostModel(
        "macs",
        collection.names,
        float(macs.trunk),
        tuple(map(float, macs.heads)),
        notes=(f"Costs are multiply-accumulates of one sample through every group{left_out}.",),
    )


def _latencies(
    collection: TaskCollection, options: NetworkOptions, device: torch.device
) -> CostModel:
    from scipy.optimize import nnls

    total = len(collection.tasks)
    sizes = sorted({1, min(2, total), ceil(total / 2), total})
    networks = [
        build_network(collection, options, seed=0, tasks=_spread_out(n, total), device=device)
        for n in sizes
    ]
    found = measure_latency(networks, one_sample(collection, device))
    medians = np.array([one.median_ms for one in found])
    # A head never saves time: where noise says so, it costs none.
    design = np.column_stack([np.ones(len(sizes)), sizes])
    if total == 1:
        design = design[:, :1]
    fitted, _ = nnls(design, medians)
    trunk, head = float(fitted[0]), float(fitted[1]) if len(fitted) > 1 else 0.0
    miss = float(np.abs(design @ fitted - medians).max())
    spread = max(one.spread_ms for one in found)
    note = (
        f"Latency of one sample, measured on {describe_device(device)}, groups one after another: "
        f"{trunk:.3g} ms a network and {head:.3g} ms a head. The line misses the networks measured "
        f"({', '.join(map(str, sizes))} heads) by up to {miss:.2g} ms; half of the repeats lie "
        f"within ±{spread:.2g} ms."
    )
    heads = (head,) * total
    return CostModel("milliseconds", collection.names, trunk, heads, miss, spread, (note,))


def _spread_out(count: int, total: int) -> list[int]:
    """``count`` of the numbers below ``total``, evenly spread, so that heads of all kinds occur."""
    return [int(i) for i in np.linspace(0, total - 1, count).round()]


def spend(grouping: Grouping, model: CostModel, budget: float | None = None) -> Grouping:
    """The same groups with what they cost in the model's unit.

    Args:
        grouping: from anywhere; all of its networks are taken for full-size ones.
        model: prices.
        budget: in the model's unit; None: just what the groups cost.

    Raises:
        TaskvizError: a task that has no price.
    """
    costs = tuple(model(group) for group in grouping.groups)
    total = float(sum(costs))
    return replace(
        grouping,
        budget=total if budget is None else float(budget),
        cost=total,
        costs=costs,
        cost_unit=model.unit,
        notes=(*grouping.notes, *(n for n in model.notes if n not in grouping.notes)),
    )
