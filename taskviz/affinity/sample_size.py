"""How many samples SCA needs before it ranks pairs alike (SCA paper, section 6.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.affinity.agreement import rank_agreement
from taskviz.affinity.sca import affinity_from_distances
from taskviz.affinity.seeds import repeat_seed
from taskviz.data.tensors import to_tensors
from taskviz.engines import RunContext
from taskviz.networks import HeadStart, NetworkOptions, build_network, network_options
from taskviz.optima.distances import pairwise_distances
from taskviz.optima.units import Units, draw_units
from taskviz.values import AffinityMatrix, TaskCollection, TaskvizError
from taskviz.values.storage import dumps, nullable, read_json, write_text

if TYPE_CHECKING:
    import pandas as pd

SIZES = (10, 25, 50, 100, 250, 500, 1000, 2000, 4000)
"""The paper's sizes and smaller ones; those beyond half of the training split are left out."""
RISEN = 0.9
"""Agreement from which a ranking counts as settled."""


@dataclass(frozen=True, eq=False)
class SampleSizeStudy:
    """Rank agreement of SCA matrices against the number of samples. Immutable.

    Args:
        n: ``(k,)`` sample sizes.
        samples: ``(k, repeats)`` Spearman correlation of two matrices from disjoint samples and
            the same initial state: what the choice of samples does.
        inits: ``(k, repeats)`` the same of two matrices from the same samples and two initial
            states: what the choice of the initial state does. NaN where one is constant.
        options: all settings, as plain data.
    """

    n: NDArray[np.int64]
    samples: NDArray[np.float64]
    inits: NDArray[np.float64]
    collection: str = ""
    fingerprint: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_frame(self) -> "pd.DataFrame":
        """One row a size: mean and standard error over the repeats, of both agreements."""
        import pandas as pd

        columns: dict[str, Any] = {"n": self.n}
        for name, values in (("samples", self.samples), ("inits", self.inits)):
            known = np.isfinite(values).sum(axis=1)
            mean = np.nansum(values, axis=1) / np.maximum(known, 1)
            squares = np.nansum((values - mean[:, None]) ** 2, axis=1) / np.maximum(known - 1, 1)
            columns[name] = np.where(known > 0, mean, np.nan)
            columns[f"{name}_error"] = np.where(
                known > 1, np.sqrt(squares / np.maximum(known, 1)), np.nan
            )
        return pd.DataFrame(columns)

    @property
    def settled_at(self) -> int | None:
        """Least n from which two disjoint samples agree to 0.9 on average, or None."""
        means = self.to_frame()["samples"].to_numpy()
        for i, n in enumerate(self.n):
            if (means[i:] >= RISEN).all():
                return int(n)
        return None

    def save(self, path: Path | str) -> Path:
        """Write JSON, atomically."""
        data = {
            "n": self.n.tolist(),
            "samples": nullable(self.samples),
            "inits": nullable(self.inits),
            "collection": self.collection,
            "fingerprint": self.fingerprint,
            "options": dict(self.options),
            "notes": list(self.notes),
        }
        return write_text(path, dumps(data))

    @classmethod
    def read(cls, path: Path | str) -> "SampleSizeStudy":
        """Read what :meth:`save` wrote."""
        data = read_json(path, "sample-size study")
        try:
            return cls(
                np.array(data["n"], dtype=np.int64),
                np.array(data["samples"], dtype=np.float64),
                np.array(data["inits"], dtype=np.float64),
                str(data["collection"]),
                str(data["fingerprint"]),
                dict(data["options"]),
                tuple(data["notes"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TaskvizError(
                f"{Path(path).name} is no sample-size study ({type(error).__name__}: {error})."
            ) from None


def study_sample_size(
    collection: TaskCollection,
    options: NetworkOptions,
    context: RunContext,
    *,
    heads: HeadStart = "own",
    repeats: int = 8,
    sizes: Sequence[int] = SIZES,
) -> SampleSizeStudy:
    """Compare SCA matrices from disjoint samples, and from two initial states, at each size.

    Raises:
        TaskvizError: fewer than 3 tasks (SCA of two is 0 whatever the data), or a training split
            too small for two disjoint samples of the least size.
    """
    if len(collection.tasks) < 3:
        raise TaskvizError(
            f"{collection.name!r} has {len(collection.tasks)} tasks: the sample size of SCA can be "
            "studied from 3 tasks on."
        )
    dtype = torch.float64 if context.device.type == "cpu" else torch.float32
    tensors = to_tensors(collection, context.device, dtype)
    available = len(draw_units(tensors, 2 * max(sizes), context.seed))
    usable = [n for n in sorted(set(sizes)) if 2 * n <= available]
    if not usable:
        raise TaskvizError(
            f"The training split of {collection.name!r} has {available} rows: two disjoint samples "
            f"of {min(sizes)} need {2 * min(sizes)}."
        )
    found = np.full((2, len(usable), repeats), np.nan)
    context.progress.begin("Sample size", float(repeats * sum(usable) * 3))

    def matrix(units: Units, state: int) -> AffinityMatrix:
        context.progress.check()
        network = build_network(
            collection,
            options,
            seed=repeat_seed(context.seed, state),
            heads=heads,
            device=context.device,
            dtype=dtype,
        )
        distances = pairwise_distances(network.eval(), units)
        context.progress.advance(len(units), f"n = {len(units)}")
        values = affinity_from_distances(distances.means)
        return AffinityMatrix(values, collection.names, "sca", support=distances.counts)

    for repeat in range(repeats):
        drawn = draw_units(tensors, 2 * usable[-1], repeat_seed(context.seed, repeat))
        half = len(drawn) // 2
        for i, n in enumerate(usable):
            first = matrix(drawn.part(0, n), 2 * repeat)
            second = matrix(drawn.part(half, half + n), 2 * repeat)
            other = matrix(drawn.part(0, n), 2 * repeat + 1)
            table = rank_agreement([first, second, other], ["first", "second", "other"])
            found[0, i, repeat] = table.loc["first", "second"]
            found[1, i, repeat] = table.loc["first", "other"]
    left_out = [n for n in sorted(set(sizes)) if n not in usable]
    notes = (
        (
            f"Sizes from {left_out[0]} up are left out: two disjoint samples need twice as many "
            f"of the {available} training rows.",
        )
        if left_out
        else ()
    )
    settings = {
        **network_options(options),
        "heads": heads,
        "repeats": repeats,
        "seed": context.seed,
    }
    return SampleSizeStudy(
        np.array(usable, dtype=np.int64),
        found[0],
        found[1],
        collection.name,
        collection.fingerprint,
        settings,
        notes,
    )
