"""What a job can be: a spec that is checked, and the verbs that it calls.

A job is built from plain data by one of these kinds only; nothing in a spec is code or a name that
is imported.
"""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from taskviz.cache import Cache
from taskviz.jobs.evidence_kinds import AnswerSpec, EvidenceSpec, LinearisationSpec
from taskviz.jobs.grouping_kinds import StabilitySpec
from taskviz.jobs.landscape_kinds import DynamicsSpec, LandscapeSpec, OptimaSpec
from taskviz.jobs.reckon import reckon_affinity, reckon_training, used
from taskviz.jobs.spec import JobSpec, Spec, name_of, whole
from taskviz.progress import Progress
from taskviz.values import Grouping, TaskvizError, option_values, unknown_choice

if TYPE_CHECKING:
    from taskviz.values import TaskCollection


@dataclass(frozen=True)
class AffinitySpec(JobSpec):
    """Compute an affinity matrix; result ``{"affinity": key}``.

    Args:
        repeats: from 2 on the mean over so many measurements, with its reliability.
    """

    method: str = "sca"
    repeats: int = 1

    kind: ClassVar[str] = "affinity"

    def checked(self) -> Self:
        """See :meth:`JobSpec.checked`."""
        from taskviz.verbs.options import affinity_options

        whole(self.repeats, "repeats", 1, 1000)
        return replace(self, options=affinity_options(str(self.method), self.options))

    @property
    def title(self) -> str:
        """See :attr:`JobSpec.title`."""
        over = f", {self.repeats} times" if self.repeats > 1 else ""
        return f"Affinity of {name_of(self.ref)} by {self.method}{over}"

    def run(self, device: str, progress: Progress, cache: Cache) -> dict[str, Any]:
        """See :meth:`JobSpec.run`."""
        from taskviz.data import open_collection
        from taskviz.verbs import (
            affinity_key,
            compute_affinity,
            measure_reliability,
            reliability_key,
        )

        collection = open_collection(self.ref, cache)
        own = {"seed": self.seed, "device": device, **self.options}
        reckoned = reckon_affinity(collection, self.method, device, self.options, self.repeats)
        if self.repeats == 1:
            found = compute_affinity(collection, self.method, progress=progress, cache=cache, **own)
            key = affinity_key(collection, self.method, **own)
        else:
            own["repeats"] = self.repeats
            found = measure_reliability(
                collection, self.method, progress=progress, cache=cache, **own
            )
            key = reliability_key(collection, self.method, **own)
        cost = {"method": self.method, **reckoned, "seconds": found.seconds, **used(device)}
        return {"affinity": key, "cost": cost}


@dataclass(frozen=True)
class TrainingSpec(JobSpec):
    """Train a grouping, with its baselines or without; result ``{"results": {label: key}}``.

    Args:
        grouping: a :class:`Grouping` as plain data; may be empty with ``paper``.
        affinity: key of the matrix it was made from, or None; its tasks are checked.
        baselines: True trains all-together, all-separate and random groupings beside it.
        random_draws: how many random groupings.
        weighting: of the task losses.
        seeds: how many, counted up from ``seed``; None: 3 in a comparison, 1 otherwise.
        paper: True trains the SCA paper's contenders instead; without a grouping it makes two
            groups by SCA first, whose matrix is then ``affinity`` in the result.
    """

    grouping: Spec | None = None
    affinity: str | None = None
    baselines: bool = True
    random_draws: int = 3
    weighting: str = "equal"
    seeds: int | None = None
    paper: bool = False

    kind: ClassVar[str] = "training"

    def checked(self) -> Self:
        """See :meth:`JobSpec.checked`."""
        from taskviz.training.weighting import check_weighting
        from taskviz.verbs.options import training_options

        given = self.grouping if self.grouping and self.grouping.get("groups") else None
        if given is None and not self.paper:
            raise TaskvizError("A job 'training' needs a grouping: the groups to be trained.")
        whole(self.random_draws, "random_draws", 0, 100)
        check_weighting(str(self.weighting))
        several = self.baselines or self.paper
        seeds = (3 if several else 1) if self.seeds is None else self.seeds
        whole(seeds, "seeds", 1, 100)
        return replace(
            self,
            grouping={} if given is None else Grouping.from_json(given).to_json(),
            affinity=None if self.affinity is None else str(self.affinity),
            baselines=bool(self.baselines),
            paper=bool(self.paper),
            seeds=seeds,
            options=training_options(self.options),
        )

    @property
    def title(self) -> str:
        """See :attr:`JobSpec.title`."""
        name = name_of(self.ref)
        seeds = f", {self.seeds} seeds" if (self.seeds or 1) > 1 else ""
        if self.paper:
            return f"Comparison of the SCA paper on {name}{seeds}"
        count = len(Grouping.from_json(self.grouping or {}).groups)
        beside = " and its baselines" if self.baselines else ""
        return f"Training of {name}: {count} group{'s' * (count != 1)}{beside}{seeds}"

    def run(self, device: str, progress: Progress, cache: Cache) -> dict[str, Any]:
        """See :meth:`JobSpec.run`."""
        from taskviz.data import open_collection
        from taskviz.verbs import compare_groupings, record_calibration, training_key

        collection = open_collection(self.ref, cache)
        groupings, weightings, made = self._contenders(collection, device, progress, cache)
        seeds = self.seeds or 1
        reckoned = reckon_training(
            collection, groupings, self.weighting, device, self.options, seeds
        )
        start = time.perf_counter()
        results = compare_groupings(
            collection,
            groupings,
            weightings,
            self.seed,
            device,
            progress,
            cache,
            seeds=self.seeds,
            **self.options,
        )
        seconds = time.perf_counter() - start
        record_calibration(collection, results, cache)
        keys = {
            label: training_key(
                collection,
                each,
                weightings[label],
                self.seed,
                device,
                seeds=self.seeds,
                **self.options,
            )
            for label, each in groupings.items()
        }
        cost = {"method": self.weighting, **reckoned, "seconds": seconds, **used(device)}
        return {"results": keys, **made, "cost": cost}

    def _contenders(
        self, collection: "TaskCollection", device: str, progress: Progress, cache: Cache
    ) -> tuple[dict[str, Grouping], dict[str, str], dict[str, Any]]:
        """Label → grouping, label → weighting, and the key of what was computed on the way."""
        from taskviz.verbs import (
            affinity_key,
            contenders,
            paper_contenders,
            paper_grouping,
            read_affinity,
        )

        made: dict[str, Any] = {}
        if self.grouping:
            grouping = Grouping.from_json(self.grouping)
        else:
            grouping, _ = paper_grouping(
                collection, seed=self.seed, device=device, progress=progress, cache=cache
            )
            made = {"affinity": affinity_key(collection, "sca", seed=self.seed, device=device)}
        if self.paper:
            return *paper_contenders(collection, grouping, "SCA" if made else "chosen"), made
        groupings = {"chosen": grouping}
        if self.baselines:
            matrix = read_affinity(self.affinity, cache) if self.affinity else None
            groupings = contenders(
                collection, matrix, grouping, random_draws=self.random_draws, seed=self.seed
            )
        return groupings, dict.fromkeys(groupings, self.weighting), made


@dataclass(frozen=True)
class SampleSizeSpec(JobSpec):
    """Compare SCA at several sample sizes; result ``{"study": key}``.

    Args:
        repeats: pairs of samples and of initial states at each size.
    """

    repeats: int = 8

    kind: ClassVar[str] = "sample-size"

    def checked(self) -> Self:
        """See :meth:`JobSpec.checked`."""
        from taskviz.affinity.sca import SCA

        whole(self.repeats, "repeats", 2, 1000)
        return replace(self, options=option_values(SCA(**self.options).options))

    @property
    def title(self) -> str:
        """See :attr:`JobSpec.title`."""
        return f"Sample size of SCA on {name_of(self.ref)}"

    def run(self, device: str, progress: Progress, cache: Cache) -> dict[str, Any]:
        """See :meth:`JobSpec.run`."""
        from taskviz.data import open_collection
        from taskviz.verbs import sample_size_key, study_sample_size

        collection = open_collection(self.ref, cache)
        settings = {"repeats": self.repeats, "seed": self.seed, "device": device, **self.options}
        study_sample_size(collection, progress=progress, cache=cache, **settings)
        return {"study": sample_size_key(collection, **settings)}


KINDS: dict[str, type[JobSpec]] = {
    kind.kind: kind
    for kind in (
        AffinitySpec,
        TrainingSpec,
        SampleSizeSpec,
        LinearisationSpec,
        StabilitySpec,
        OptimaSpec,
        LandscapeSpec,
        DynamicsSpec,
        EvidenceSpec,
        AnswerSpec,
    )
}


def parse_spec(kind: str, spec: Spec) -> JobSpec:
    """A checked spec of a kind of job.

    Raises:
        TaskvizError: unknown kind, or what is wrong with the spec.
    """
    if kind not in KINDS:
        raise unknown_choice("kind of job", kind, KINDS)
    return KINDS[kind].parse(spec)
