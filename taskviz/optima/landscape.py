"""Densities of optima, smoothness, and the bounds beside what is measured (SCA paper, eq. 7-15)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.data.tensors import to_tensors
from taskviz.engines import RunContext
from taskviz.networks import MultiHeadNetwork, NetworkOptions, build_network
from taskviz.optima.all_pairs import shared_optimum_distances
from taskviz.optima.by_layer import layer_distances_by_name
from taskviz.optima.curvature import PROBES, Curvature, Way, largest_curvature
from taskviz.optima.density import (
    bound,
    bound_over_tasks,
    bound_over_units,
    known_tasks,
    shared_density,
    unit_bounds,
    unit_densities,
)
from taskviz.optima.distances import unit_distances
from taskviz.optima.step_losses import StepLosses, step_losses
from taskviz.optima.units import Units, draw_units
from taskviz.progress import SILENT, Progress
from taskviz.values import TaskCollection, TaskvizError, option, option_values
from taskviz.values.storage import dumps, nullable, read_json, write_text

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LandscapeOptions(NetworkOptions):
    """What the landscape is measured on."""

    n: int = option(100, "Training samples; the paper takes 100.", minimum=2, maximum=2000)
    heads: Literal["own", "tied"] = option(
        "own", "Own: every task draws its head. Tied: heads of one shape start equal."
    )
    step: float = option(
        0.0,
        "Step size η of the one gradient step; 0 searches for one that leaves almost no loss.",
        minimum=0,
        maximum=1e6,
    )
    curvature: Literal["auto", "rectified", "basis", "hutchinson"] = option(
        "auto",
        "How H is found: exactly for ReLU trunks and small ones, else by Hutchinson's estimate.",
        advanced=True,
    )
    probes: int = option(
        PROBES, "Random vectors of Hutchinson's estimate.", minimum=4, maximum=10_000, advanced=True
    )


@dataclass(frozen=True)
class Bound:
    """A bound on the loss of joint training, and what was measured.

    Args:
        equation: its number in the paper.
        formula: in letters.
        bound: its value.
        measured: the loss that it bounds.
    """

    equation: str
    formula: str
    bound: float
    measured: float

    @property
    def holds(self) -> bool:
        """Whether the loss is not above the bound, up to rounding."""
        return self.measured <= self.bound * (1 + 1e-9)

    @property
    def times(self) -> float:
        """How many times too large the bound is; NaN where nothing is left to bound."""
        return self.bound / self.measured if self.measured > 0 else float("nan")


@dataclass(frozen=True, eq=False)
class LandscapeStudy:
    """What was measured at one initial state. Immutable.

    Args:
        names: of the tasks.
        curvature: H.
        losses: before and after one step.
        densities: ``(n,)`` ψ_i (eq. 7); NaN for a unit without labels.
        known: ``(n,)`` tasks with a label in each unit.
        density: Ψ (eq. 13).
        layers: layer → ``(T, T)`` mean distance over its parameters, in units of η.
    """

    names: tuple[str, ...]
    curvature: Curvature
    losses: StepLosses
    densities: Floats
    known: NDArray[np.int64]
    density: float
    layers: Mapping[str, Floats]
    collection: str = ""
    fingerprint: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def unit_bounds(self) -> Floats:
        """``(n,)`` T³ψ_i² (theorem 4.2)."""
        return unit_bounds(self.densities, self.known)

    @property
    def unit_losses(self) -> Floats:
        """``(n,)`` J_i: mean loss of a unit's tasks at its shared optimum θ_i."""
        return _mean_of_tasks(self.losses.shared)

    @property
    def left(self) -> float:
        """Mean loss at θ_i^t; the bounds assume 0."""
        return float(np.nanmean(self.losses.own))

    @property
    def left_shared(self) -> float:
        """Mean loss of each unit at its own θ_i; eq. 14 assumes 0 there."""
        return float(np.nanmean(self.unit_losses))

    @property
    def start(self) -> float:
        """Mean loss at θ_0."""
        return float(np.nanmean(self.losses.start))

    def bounds(self) -> tuple["Bound", ...]:
        """Equations 12, 14 and 15 with the losses that they bound."""
        # A task without a label in a unit is not in its mean: units first, then their mean.
        over_units = float(np.nanmean(self.unit_losses))
        joint = float(np.nanmean(_mean_of_tasks(self.losses.joint)))
        n = int((self.known > 0).sum())
        return (
            Bound("12", "T³/n Σ ψᵢ²", bound_over_tasks(self.densities, self.known), over_units),
            Bound("14", "n³ Ψ²", bound_over_units(self.density, n), joint),
            Bound("15", "their mean", self._both(n), joint),
        )

    def to_frame(self) -> "pd.DataFrame":
        """Columns ``equation, formula, bound, measured, holds, times``, one row a bound."""
        import pandas as pd

        rows = [{**asdict(row), "holds": row.holds, "times": row.times} for row in self.bounds()]
        return pd.DataFrame(rows)

    def _both(self, n: int) -> float:
        labelled = self.known > 0
        return bound(self.densities[labelled], self.known[labelled], self.density)

    def layer_shares(self, source: int, target: int) -> dict[str, float]:
        """Layer → its share of the distance between two tasks; NaN where they never meet."""
        found = {name: float(values[source, target]) for name, values in self.layers.items()}
        whole = sum(found.values())
        return {name: value / whole if whole > 0 else np.nan for name, value in found.items()}

    def save(self, path: Path | str) -> Path:
        """Write JSON, atomically."""
        losses = self.losses
        plain = {
            "names": list(self.names),
            "curvature": asdict(self.curvature),
            "step": losses.step,
            **{key: nullable(getattr(losses, key)) for key in _LOSSES},
            "densities": nullable(self.densities),
            "known": self.known.tolist(),
            "density": self.density,
            "layers": {name: nullable(values) for name, values in self.layers.items()},
            "collection": self.collection,
            "fingerprint": self.fingerprint,
            "options": dict(self.options),
            "notes": list(self.notes),
        }
        return write_text(path, dumps(plain))

    @classmethod
    def read(cls, path: Path | str) -> "LandscapeStudy":
        """Read what :meth:`save` wrote."""
        data = read_json(path, "landscape")

        def numbers(values: Any) -> Floats:
            return np.array(values, dtype=np.float64)

        try:
            return cls(
                tuple(data["names"]),
                Curvature(**data["curvature"]),
                StepLosses(data["step"], *(numbers(data[key]) for key in _LOSSES)),
                numbers(data["densities"]),
                np.array(data["known"], dtype=np.int64),
                float(data["density"]),
                {name: numbers(values) for name, values in data["layers"].items()},
                data["collection"],
                data["fingerprint"],
                data["options"],
                tuple(data["notes"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TaskvizError(
                f"{Path(path).name} is no landscape ({type(error).__name__}: {error})."
            ) from None


_LOSSES = ("start", "own", "shared", "joint")


def study_landscape(
    collection: TaskCollection, options: LandscapeOptions, context: RunContext
) -> LandscapeStudy:
    """Measure the landscape of a collection at one initial state.

    Raises:
        TaskvizError: a loss without a finite gradient.
    """
    dtype = torch.float64 if context.device.type == "cpu" else torch.float32
    tensors = to_tensors(collection, context.device, dtype)
    network = build_network(
        collection,
        options,
        seed=context.seed,
        heads=options.heads,
        device=context.device,
        dtype=dtype,
    )
    units = draw_units(tensors, options.n, context.seed)
    return measure_landscape(
        network.eval(),
        units,
        step=options.step or None,
        curvature=options.curvature,
        probes=options.probes,
        seed=context.seed,
        progress=context.progress,
        collection=collection.name,
        fingerprint=collection.fingerprint,
        options={**option_values(options), "seed": context.seed},
        notes=()
        if len(units) == options.n
        else (f"The training split has {len(units)} rows, fewer than n = {options.n}.",),
    )


def measure_landscape(
    network: MultiHeadNetwork,
    units: Units,
    *,
    step: float | None = None,
    curvature: Way = "auto",
    probes: int = PROBES,
    seed: int = 0,
    progress: Progress = SILENT,
    **about: Any,
) -> LandscapeStudy:
    """The same for a network and units at hand.

    Args:
        step: η; None searches for one that leaves almost no loss at θ_i^t.
        about: the remaining fields of the study.
    """
    progress.begin("Landscape", 5)
    losses = step_losses(network, units, step=step, progress=progress.part(1))
    found = largest_curvature(
        network, units, way=curvature, probes=probes, seed=seed, progress=progress.part(1)
    )
    curved = max(found.value, 0.0)
    between = unit_distances(network, units, progress=progress.part(1)).numpy() * losses.step
    apart, error = shared_optimum_distances(network, units, seed=seed, progress=progress.part(1))
    if error:
        words = f"Ψ rests on a random projection: the standard error of a distance is {error:.1%}."
        about["notes"] = (*about.get("notes", ()), words)
    layers = layer_distances_by_name(network, units, progress=progress.part(1))
    return LandscapeStudy(
        tuple(task.name for task in units.tasks),
        found,
        losses,
        unit_densities(between, curved),
        known_tasks(between),
        shared_density(apart * losses.step, curved),
        layers,
        **about,
    )


def _mean_of_tasks(losses: Floats) -> Floats:
    """``(n,)`` mean over the tasks with a label; NaN without any."""
    known = np.isfinite(losses)
    count = known.sum(axis=1)
    sums = np.where(known, losses, 0.0).sum(axis=1)
    return np.where(count > 0, sums / np.maximum(count, 1), np.nan)
