"""Sample-wise convergence-based affinity (SCA)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.affinity.base import Estimator, Outcome
from taskviz.data.tensors import to_tensors
from taskviz.engines import RunContext
from taskviz.networks import NetworkOptions, build_network
from taskviz.optima.distances import pairwise_distances
from taskviz.optima.units import draw_units
from taskviz.values import TaskCollection, option


@dataclass(frozen=True)
class SCAOptions(NetworkOptions):
    """Options of :class:`SCA`; the defaults are the published setting."""

    n: int = option(100, "Training samples to compare gradients on.", minimum=1, maximum=10**7)
    inits: int = option(
        1,
        "Initial states to average over; 2 or more give a standard error.",
        minimum=1,
        maximum=1000,
    )
    heads: Literal["own", "tied"] = option(
        "own", "Own: every task draws its head. Tied: heads of one shape start equal."
    )


class SCA(Estimator):
    """How near one gradient step on a sample brings two tasks to the same shared parameters.

    a[s,t] = (1/n) Σ_i ‖θ_i^s − θ_i^t‖₁ and A[s,t] = 1 − a[s,t] / max_u a[s,u].
    """

    name = "sca"
    title = "SCA"
    source = "Thakur et al., Efficient Task Grouping Through Sample-wise Optimisation, eq. 16-17"
    summary = "Compares one gradient step of each task on the same samples; trains nothing."
    unit = "1 − L1 distance of the tasks' sample-wise optima, as a share of the row's largest"
    Options = SCAOptions

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """See :class:`SCA`."""
        options: SCAOptions = self.options
        dtype = torch.float32 if context.device.type == "mps" else torch.float64
        tensors = to_tensors(collection, context.device, dtype)
        units = draw_units(tensors, options.n, context.seed)
        notes = []
        if len(units) < options.n:
            notes.append(
                f"The training split has {len(units)} rows, fewer than n = {options.n}: "
                "all of them were used."
            )
        context.progress.begin("SCA", options.inits)
        matrices = []
        for k in range(options.inits):
            network = build_network(
                collection,
                options,
                seed=init_seed(context.seed, k),
                heads=options.heads,
                device=context.device,
                dtype=dtype,
            )
            distances = pairwise_distances(network, units, progress=context.progress.part(1.0))
            matrices.append(affinity_from_distances(distances.means))
        values = np.mean(matrices, axis=0)
        error = None
        if options.inits > 1:
            error = np.std(matrices, axis=0, ddof=1) / np.sqrt(options.inits)
        return Outcome(values, error, distances.counts, notes=tuple(notes))


def init_seed(seed: int, k: int) -> int:
    """Seed of initial state number ``k``; the first is ``seed`` itself."""
    if k == 0:
        return seed
    return int(np.random.SeedSequence([seed, k]).generate_state(1, np.uint64)[0] >> 1)


def affinity_from_distances(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """``A[s,t] = 1 − a[s,t] / max_u a[s,u]`` (eq. 17); 1 in a row of zeros, NaN where a is NaN."""
    known = ~np.isnan(means)
    largest = np.max(np.where(known, means, 0.0), axis=1, keepdims=True)
    return np.asarray(1.0 - means / np.where(largest > 0, largest, 1.0))
