"""Jobs that find out what an answer rests on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from taskviz.cache import Cache
from taskviz.jobs.spec import JobSpec, listing, name_of, number, whole
from taskviz.progress import Progress


@dataclass(frozen=True)
class EvidenceSpec(JobSpec):
    """Compare estimators with trained networks; result ``{"evidence": key}``.

    Args:
        methods: estimator names; none: the usual ones.
        seeds: of the truth.
        draws: of each estimator.
        budgets: numbers of models.
        overlap: also plans whose groups share tasks.
        groupers: also grouping methods.
    """

    methods: Sequence[str] = ()
    seeds: int = 4
    draws: int = 3
    budgets: Sequence[int] = (2, 3, 4)
    overlap: bool = True
    groupers: bool = True

    kind: ClassVar[str] = "evidence"

    def checked(self) -> Self:
        """See :meth:`JobSpec.checked`."""
        from taskviz.affinity import estimator_class
        from taskviz.verbs.options import subset_options

        for method in listing(self.methods, "methods"):
            estimator_class(str(method))
        whole(self.seeds, "seeds", 2, 1000)
        whole(self.draws, "draws", 1, 1000)
        for budget in listing(self.budgets, "budgets"):
            whole(budget, "budgets", 1, 1000)
        return replace(
            self,
            methods=list(self.methods),
            budgets=list(self.budgets),
            overlap=bool(self.overlap),
            groupers=bool(self.groupers),
            options=subset_options(self.options),
        )

    @property
    def title(self) -> str:
        """See :attr:`JobSpec.title`."""
        return f"Estimators against truth on {name_of(self.ref)}, {self.seeds} seeds"

    def run(self, device: str, progress: Progress, cache: Cache) -> dict[str, Any]:
        """See :meth:`JobSpec.run`."""
        from taskviz.data import open_collection
        from taskviz.verbs import compare_estimators, evidence_key

        collection = open_collection(self.ref, cache)
        settings: dict[str, Any] = {
            "seeds": self.seeds,
            "draws": self.draws,
            "budgets": self.budgets,
            "overlap": self.overlap,
            "groupers": self.groupers,
            "seed": self.seed,
            "device": device,
            **self.options,
        }
        compare_estimators(collection, self.methods, progress=progress, cache=cache, **settings)
        return {"evidence": evidence_key(collection, self.methods, **settings)}


@dataclass(frozen=True)
class AnswerSpec(JobSpec):
    """Ask round by round whether grouping matters; result ``{"answer": key, "affinity": key}``.

    Each round's answer is stored and its key told among the live metrics, so that a page shows it
    at once, and whoever cancels keeps it.

    Args:
        rounds: at the most.
        seconds: begin no round after so long; None: no limit.
        stop: end as soon as it is told.
        most_models: largest number of models looked at.
        overlap: let groups share tasks.
        worth: gains below this share of the loss are not worth having.
    """

    rounds: int = 5
    seconds: float | None = None
    stop: bool = False
    most_models: int = 4
    overlap: bool = False
    worth: float = 0.005

    kind: ClassVar[str] = "answer"

    def checked(self) -> Self:
        """See :meth:`JobSpec.checked`."""
        from taskviz.verbs.options import subset_options

        whole(self.rounds, "rounds", 1, 1000)
        whole(self.most_models, "most_models", 2, 40)
        seconds = None if self.seconds is None else number(self.seconds, "seconds", 1.0, 1e7)
        return replace(
            self,
            seconds=seconds,
            stop=bool(self.stop),
            overlap=bool(self.overlap),
            worth=number(self.worth, "worth", 0.0, 0.99),
            options=subset_options(self.options),
        )

    @property
    def title(self) -> str:
        """See :attr:`JobSpec.title`."""
        return f"Does grouping matter in {name_of(self.ref)}?"

    def run(self, device: str, progress: Progress, cache: Cache) -> dict[str, Any]:
        """See :meth:`JobSpec.run`."""
        from taskviz.affinity.pooled_surrogate import PooledSurrogate
        from taskviz.data import open_collection
        from taskviz.verbs import affinity_key, compute_affinity, does_grouping_matter

        collection = open_collection(self.ref, cache)
        keys: list[str] = []
        answer = does_grouping_matter(
            collection,
            rounds=self.rounds,
            seconds=self.seconds,
            stop=self.stop,
            most_models=self.most_models,
            overlap=self.overlap,
            worth=self.worth,
            seed=self.seed,
            device=device,
            progress=progress,
            cache=cache,
            on_round=lambda key, _: keys.append(key),
            **self.options,
        )
        # The matrix of the same networks, which the cache holds by now.
        own = {
            **self.options,
            "seeds": answer.rounds,
            "seed": self.seed,
            "device": device,
        }
        compute_affinity(collection, PooledSurrogate.name, cache=cache, **own)
        matrix = affinity_key(collection, PooledSurrogate.name, **own)
        return {"answer": keys[-1], "affinity": matrix}


@dataclass(frozen=True)
class LinearisationSpec(JobSpec):
    """Measure the error of the first-order expansion; result ``{"linearisation": key}``.

    Args:
        subsets: random subsets to average over.
    """

    subsets: int = 100

    kind: ClassVar[str] = "linearisation"

    def checked(self) -> Self:
        """See :meth:`JobSpec.checked`."""
        from taskviz.verbs.options import affinity_options

        whole(self.subsets, "subsets", 1, 10_000)
        return replace(self, options=affinity_options("gradient", self.options))

    @property
    def title(self) -> str:
        """See :attr:`JobSpec.title`."""
        return f"Linearisation error on {name_of(self.ref)}"

    def run(self, device: str, progress: Progress, cache: Cache) -> dict[str, Any]:
        """See :meth:`JobSpec.run`."""
        from taskviz.data import open_collection
        from taskviz.verbs import linearisation_key, study_linearisation

        collection = open_collection(self.ref, cache)
        settings = {"subsets": self.subsets, "seed": self.seed, "device": device, **self.options}
        study_linearisation(collection, progress=progress, cache=cache, **settings)
        return {"linearisation": linearisation_key(collection, **settings)}
