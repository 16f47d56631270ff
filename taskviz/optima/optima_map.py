"""A map of task-specific sample-wise optima (SCA paper, figure 3a), as a value of its own."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.data.tensors import to_tensors
from taskviz.engines import RunContext
from taskviz.networks import NetworkOptions, build_network
from taskviz.optima.all_pairs import MEMORY_MB, AllPairs, all_pair_distances
from taskviz.optima.maps import (
    MAPS,
    MapQuality,
    MapSettings,
    draw_map,
    map_quality,
    principal_axes,
    silhouette,
)
from taskviz.optima.units import draw_units, drawn_rows
from taskviz.values import TaskCollection, TaskvizError, option, option_values
from taskviz.values.storage import dumps, read_json, write_text

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OptimaOptions(NetworkOptions):
    """What the optima depend on, and how they are drawn."""

    n: int = option(50, "Optima of each task; the paper draws 50.", minimum=2, maximum=2000)
    heads: Literal["own", "tied"] = option(
        "own", "Own: every task draws its head. Tied: heads of one shape start equal."
    )
    perplexity: float = option(
        30.0, "t-SNE: about how many neighbours a point attends to.", minimum=2, maximum=500
    )
    neighbours: int = option(
        15, "UMAP: small shows fine structure, large the whole.", minimum=2, maximum=500
    )
    distances: Literal["auto", "exact", "projection"] = option(
        "auto",
        "Exact, or from a random projection with a stated error; auto projects large trunks only.",
        advanced=True,
    )
    memory_mb: int = option(
        MEMORY_MB,
        "Working memory in MB, beside network and data.",
        minimum=16,
        maximum=10**6,
        advanced=True,
    )


DRAWING = ("perplexity", "neighbours")
"""Options that change maps but no distance."""


@dataclass(frozen=True, eq=False)
class OptimaMap:
    """Optima on several planes. Immutable.

    Args:
        names: of the tasks.
        tasks: ``(N,)`` number of each point's task.
        units: ``(N,)`` number of its unit.
        rows: ``(N,)`` row of its sample, in the block of its task.
        distances: ``(N, N)`` L1 between optima, in units of the step size.
        coordinates: name of a map → ``(N, 2)``.
        quality: name of a map → its quality.
        silhouette: of the tasks in the true distances.
        sample_silhouette: of the samples; NaN where no two tasks share one.
        axes_share: how much of the whole PCA's two axes are, 0 … 1.
        way: see :class:`~taskviz.optima.all_pairs.AllPairs`.
        reason: likewise.
        error: likewise.
    """

    names: tuple[str, ...]
    tasks: NDArray[np.int64]
    units: NDArray[np.int64]
    rows: NDArray[np.int64]
    distances: Floats
    coordinates: Mapping[str, Floats]
    quality: Mapping[str, MapQuality]
    silhouette: float
    sample_silhouette: float
    axes_share: float
    way: str
    reason: str
    error: float
    collection: str = ""
    fingerprint: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def between_tasks(self) -> Floats:
        """``(T, T)`` mean distance of two tasks' optima over all pairs of samples; NaN without."""
        size = len(self.names)
        member = np.equal.outer(np.arange(size), self.tasks).astype(float)
        sums = member @ self.distances @ member.T
        counts = np.outer(member.sum(axis=1), member.sum(axis=1)) - np.diag(member.sum(axis=1))
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    def save(self, folder: Path) -> None:
        """Write ``map.json`` and ``map.safetensors``."""
        from safetensors.numpy import save_file

        arrays = {
            "tasks": self.tasks,
            "units": self.units,
            "rows": self.rows,
            "distances": self.distances,
            **{f"map_{name}": points for name, points in self.coordinates.items()},
        }
        contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        save_file(contiguous, folder / "map.safetensors")
        plain = {
            "names": list(self.names),
            "maps": list(self.coordinates),
            "quality": {k: _plain(asdict(v)) for k, v in self.quality.items()},
            "silhouette": _number(self.silhouette),
            "sample_silhouette": _number(self.sample_silhouette),
            "axes_share": self.axes_share,
            "way": self.way,
            "reason": self.reason,
            "error": self.error,
            "collection": self.collection,
            "fingerprint": self.fingerprint,
            "options": dict(self.options),
            "notes": list(self.notes),
        }
        write_text(folder / "map.json", dumps(plain))

    @classmethod
    def read(cls, folder: Path) -> "OptimaMap":
        """Read what :meth:`save` wrote."""
        from safetensors.numpy import load_file

        data = read_json(folder / "map.json", "map of optima")
        try:
            arrays = load_file(folder / "map.safetensors")
            return cls(
                tuple(data["names"]),
                arrays["tasks"],
                arrays["units"],
                arrays["rows"],
                arrays["distances"],
                {name: arrays[f"map_{name}"] for name in data["maps"]},
                {
                    name: MapQuality(
                        own["trustworthiness"], _nan(own["rank_correlation"]), own["nearest"]
                    )
                    for name, own in data["quality"].items()
                },
                _nan(data["silhouette"]),
                _nan(data["sample_silhouette"]),
                data["axes_share"],
                data["way"],
                data["reason"],
                data["error"],
                data["collection"],
                data["fingerprint"],
                data["options"],
                tuple(data["notes"]),
            )
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise TaskvizError(
                f"This map of optima cannot be read ({error}): draw it again."
            ) from None


def measure_optima(
    collection: TaskCollection, options: OptimaOptions, context: RunContext
) -> AllPairs:
    """Distances between the optima of ``n`` units under every task, at one initial state.

    Raises:
        TaskvizError: too little memory, or a loss without a finite gradient.
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
    return all_pair_distances(
        network.eval(),
        draw_units(tensors, options.n, context.seed),
        method=options.distances,
        memory_mb=options.memory_mb,
        seed=context.seed,
        progress=context.progress,
    )


def map_optima(
    collection: TaskCollection,
    options: OptimaOptions,
    context: RunContext,
    measure: Callable[[], AllPairs] | None = None,
) -> OptimaMap:
    """Every map of :data:`MAPS` with its quality.

    Args:
        measure: gives the distances, where they may be stored already.

    Raises:
        TaskvizError: fewer than 3 optima, perplexity or neighbours too large.
    """
    pairs = measure() if measure else measure_optima(collection, options, context)
    settings = MapSettings(options.perplexity, options.neighbours, context.seed)
    progress = context.progress
    progress.begin("Drawing maps", len(MAPS) + 1)
    axes, share = principal_axes(pairs.distances)
    coordinates, quality = {}, {}
    for name, (title, _) in MAPS.items():
        progress.check()
        coordinates[name] = draw_map(name, pairs.distances, settings, axes)
        quality[name] = map_quality(pairs.distances, coordinates[name])
        progress.advance(1, title)
    drawn = drawn_rows(collection, options.n, context.seed)
    blocks = np.zeros_like(pairs.tasks) if collection.layout == "joint" else pairs.tasks
    rows = np.array([drawn[b][u] for b, u in zip(blocks, pairs.units, strict=True)], dtype=np.int64)
    progress.advance(1)
    notes = []
    if len(drawn[0]) < options.n:
        notes.append(f"The training split has {len(drawn[0])} rows, fewer than n = {options.n}.")
    if pairs.error:
        notes.append(
            "Distances come from a random projection: the standard error of one is "
            f"{pairs.error:.1%} ({pairs.reason})."
        )
    return OptimaMap(
        collection.names,
        pairs.tasks,
        pairs.units,
        rows,
        pairs.distances,
        coordinates,
        quality,
        silhouette(pairs.distances, pairs.tasks),
        silhouette(pairs.distances, pairs.units) if collection.layout == "joint" else float("nan"),
        share,
        pairs.way,
        pairs.reason,
        pairs.error,
        collection.name,
        collection.fingerprint,
        {**option_values(options), "seed": context.seed},
        tuple(notes),
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {k: _number(v) if isinstance(v, float) else v for k, v in values.items()}
