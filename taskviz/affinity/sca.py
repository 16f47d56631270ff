"""Sample-wise convergence-based affinity (SCA)."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.joint_training import JointOptions, JointTraining
from taskviz.affinity.redraws import Redraws, drawn, kept_draws, redraws_of_mean
from taskviz.affinity.seeds import repeat_seed
from taskviz.affinity.support import mean_and_error, missing_notes
from taskviz.data.tensors import to_tensors
from taskviz.engines import RunContext
from taskviz.networks import MultiHeadNetwork, build_network
from taskviz.optima.distances import (
    MEMORY_MB,
    PairwiseDistances,
    gradient_norms,
    pairwise_distances,
)
from taskviz.optima.units import Units, draw_units
from taskviz.progress import Progress
from taskviz.values import TaskCollection, option

BLOCKS = 20
"""Of the samples, whose sums are kept where there is one initial state."""


@dataclass(frozen=True)
class SCAOptions(JointOptions):
    """Options of :class:`SCA`; the defaults are the published setting."""

    n: int = option(100, "Training samples to compare gradients on.", minimum=1, maximum=10**7)
    inits: int = option(
        1, "Initial states to average over; from 2 on with an error.", minimum=1, maximum=1000
    )
    heads: Literal["own", "tied"] = option(
        "own", "Own: every task draws its head. Tied: heads of one shape start equal."
    )
    warmup: float = option(
        0.0,
        "Share of one joint training that goes before; 0.1 takes a tenth of its epochs.",
        minimum=0,
        maximum=1,
    )
    normalise: bool = option(
        False, "Divide each task's gradients by their mean L1 norm over the samples."
    )
    channels: float = option(
        1.0,
        "Share of each convolution's output channels to compare; below 1 faster, with an error.",
        minimum=0.001,
        maximum=1,
        advanced=True,
    )
    memory_mb: int = option(
        MEMORY_MB,
        "Working memory in MB, beside network and data.",
        minimum=1,
        maximum=10**7,
        advanced=True,
    )
    epochs: int = option(
        60,
        "Epochs of the joint training that the warm-up is a share of.",
        minimum=1,
        maximum=100_000,
        advanced=True,
    )


class SCA(Estimator):
    """How near one gradient step on a sample takes two tasks to the same shared parameters.

    One step from the initial state on sample i takes task t to θ_i^t = θ_0 − η ∇ℓ_t (eq. 5). Then
    a[s,t] = (1/n) Σ_i ‖θ_i^s − θ_i^t‖₁ over the shared parameters (eq. 16), and
    A[s,t] = 1 − a[s,t] / max_u a[s,u] (eq. 17). η cancels. In a joint collection both tasks see
    the same sample; of separate data sets the i-th unit holds one sample each.

    A sample counts for a pair where both labels are known; ``support`` is how many do. With
    ``inits`` above 1, A is averaged over initial states on the same samples, and the standard error
    is the one between initial states. ``normalise`` divides every task's gradients by
    (1/n) Σ_i ‖∇ℓ_t‖₁. A row in which no task differs has affinity 1 throughout.

    With random heads of their own the distance is dominated by the heads and not by the tasks:
    matrices from two initial states hardly correlate. ``heads="tied"``, ``warmup`` and ``inits``
    are there for that; the published setting stays the default.

    Gradients are float64 on a CPU, where float32 misses entries near 0 by more than 1e-6 of their
    value; float32 on other devices.
    """

    name = "sca"
    title = "SCA"
    source = (
        "Thakur et al., Efficient Task Grouping Through Sample-wise Optimisation Landscape "
        "Analysis, eq. 1-6, 16 and 17"
    )
    summary = "Compares one gradient step of each task on the same samples; trains nothing."
    unit = "1 − L1 distance of the tasks' sample-wise optima, as a share of the row's largest"
    version = 2
    by_sample = True
    Options = SCAOptions

    def networks_needed(self, tasks: int) -> int:
        """None; with a warm-up one joint training an initial state, most of it left out."""
        options: SCAOptions = self.options
        return options.inits if options.warmup > 0 else 0

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """See :class:`SCA`."""
        options: SCAOptions = self.options
        dtype = torch.float64 if context.device.type == "cpu" else torch.float32
        tensors = to_tensors(collection, context.device, dtype)
        units = draw_units(tensors, options.n, context.seed)
        context.progress.begin("SCA", options.inits)
        distances = []
        for k in range(options.inits):
            network = self._network(collection, context, k, dtype)
            share = 0.5 if options.warmup > 0 else 1.0
            distances.append(self._distances(network, units, k, context, share))
        draws = [affinity_from_distances(d.means) for d in distances]
        values, error, _ = mean_and_error(draws)
        support = distances[0].counts
        missing = missing_notes(support, "sample with both labels")
        return Outcome(
            values,
            error if options.inits > 1 else None,
            support,
            networks_trained=self.networks_needed(len(collection.tasks)),
            notes=(*self._notes(collection, units), *missing, *_sampling_notes(distances)),
            state={
                "distances": np.mean([d.means for d in distances], axis=0),
                **(kept_draws(draws) or _blocks_of(distances)),
            },
        )

    def redraws(self) -> Redraws | None:
        """Initial states drawn; of one, the samples in blocks."""
        if "draws" in self.state_:
            return redraws_of_mean(self.state_["draws"], "initial states")
        if "block_sums" not in self.state_:
            return None
        sums, counts = self.state_["block_sums"], self.state_["block_counts"]

        def measure(rng: np.random.Generator) -> Outcome:
            picked = drawn(rng, len(sums))
            count = counts[picked].sum(axis=0)
            means = np.where(count > 0, sums[picked].sum(axis=0) / np.maximum(count, 1), np.nan)
            return Outcome(affinity_from_distances(means), None, count, state={"distances": means})

        return Redraws(
            f"The samples are drawn again, with replacement, in {len(sums)} blocks; the initial "
            "state stays the same, so that noise from there is left out.",
            measure,
        )

    def _network(
        self, collection: TaskCollection, context: RunContext, k: int, dtype: torch.dtype
    ) -> MultiHeadNetwork:
        options: SCAOptions = self.options
        seed = repeat_seed(context.seed, k)
        network = build_network(
            collection, options, seed=seed, heads=options.heads, device=context.device, dtype=dtype
        )
        if options.warmup > 0:
            own = replace(context, seed=seed, progress=context.progress.part(0.5))
            training = JointTraining(collection, options, own, dtype)
            training.network.load_state_dict(network.state_dict())
            steps = round(options.warmup * training.total_steps)
            own.progress.begin("Warming up", steps)
            for step in training.steps(own):
                # a step is taken when the next one is asked for
                if step.number > steps:
                    break
            network = training.network
        return network.eval()

    def _distances(
        self, network: MultiHeadNetwork, units: Units, k: int, context: RunContext, share: float
    ) -> PairwiseDistances:
        options: SCAOptions = self.options
        progress: Progress = context.progress.part(share)
        scales = None
        if options.normalise:
            progress = context.progress.part(share / 2)
            before = context.progress.part(share / 2)
            norms = gradient_norms(network, units, memory_mb=options.memory_mb, progress=before)
            scales = [1.0 / norm if norm > 0 else 1.0 for norm in norms.tolist()]
        return pairwise_distances(
            network,
            units,
            memory_mb=options.memory_mb,
            channels=options.channels,
            seed=repeat_seed(context.seed, k),
            scales=scales,
            blocks=BLOCKS if options.inits == 1 else 1,
            progress=progress,
        )

    def _notes(self, collection: TaskCollection, units: Units) -> tuple[str, ...]:
        notes = []
        if len(units) < self.options.n:
            where = "The training split" if units.joint else "The smallest training split"
            notes.append(
                f"{where} has {len(units)} rows, fewer than n = {self.options.n}: all were used."
            )
        if len(collection.tasks) == 2:
            notes.append(
                "With two tasks SCA is 0 between them whatever the data, since every row is scaled "
                "by its largest distance: choose another method or more tasks."
            )
        return tuple(notes)


def affinity_from_distances(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """``A[s,t] = 1 − a[s,t] / max_u a[s,u]`` (eq. 17); 1 in a row of zeros, NaN where a is NaN."""
    known = ~np.isnan(means)
    largest = np.max(np.where(known, means, 0.0), axis=1, keepdims=True)
    return np.asarray(1.0 - means / np.where(largest > 0, largest, 1.0))


def _blocks_of(distances: list[PairwiseDistances]) -> dict[str, NDArray[Any]]:
    first = distances[0]
    if len(distances) > 1 or len(first.block_sums) < 2:
        return {}
    sums = kept_draws(first.block_sums, "block_sums")
    return {**sums, "block_counts": first.block_counts} if sums else {}


def _sampling_notes(distances: list[PairwiseDistances]) -> tuple[str, ...]:
    if not any(d.variance.any() for d in distances):
        return ()
    shares = [d.sampling_error[d.sums > 0] / d.means[d.sums > 0] for d in distances]
    typical = float(np.median(np.concatenate(shares)))
    return (
        "Convolutions were compared on a sample of their output channels: the standard error of a "
        f"distance is {typical:.1%} (median over pairs).",
    )
