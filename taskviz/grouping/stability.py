"""How far a grouping would change if its affinity were measured again."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping import make_grouper
from taskviz.grouping.base import Affinity
from taskviz.grouping.draw_batches import DrawBatches, sizes
from taskviz.grouping.group_costs import CostModel
from taskviz.grouping.objective import (
    Singletons,
    density,
    higher_is_better,
    selection_score,
)
from taskviz.grouping.resampling import Resample, resampler
from taskviz.grouping.within_budget import group_within
from taskviz.progress import SILENT, Progress
from taskviz.values import AffinityMatrix, Grouping, TaskvizError
from taskviz.values.storage import dumps, read_json, write_text

LEVEL = 0.95
"""Of the interval of score differences that must hold 0 for a tie."""

V = TypeVar("V")
Key = frozenset[tuple[frozenset[str], float]]


@dataclass(frozen=True)
class Rival:
    """A grouping that some draw brought up.

    Args:
        grouping: as it was found on that draw.
        share: of the draws that ended with it.
        difference: its score minus the chosen grouping's, mean over fresh draws; positive is
            better, whatever the sense of the score.
        interval: of that difference over the draws, 95 %.
        tie: the interval holds 0: within the noise, neither is better.
    """

    grouping: Grouping
    share: float
    difference: float
    interval: tuple[float, float]
    tie: bool


@dataclass(frozen=True, eq=False)
class Stability:
    """What redrawing an affinity within its noise does to a grouping.

    Args:
        chosen: the grouping of the affinity as it was measured.
        share: of the draws that ended with exactly that grouping.
        tasks: names.
        together: ``(T, T)`` share of the draws in which two tasks are in a common group.
        rivals: other groupings, the most frequent first.
        draws: how many draws gave a grouping.
        notes: how the draws were made, and what failed.
    """

    chosen: Grouping
    share: float
    tasks: tuple[str, ...]
    together: NDArray[np.float64]
    rivals: tuple[Rival, ...]
    draws: int
    notes: tuple[str, ...] = ()

    @property
    def ties(self) -> tuple[Rival, ...]:
        """Rivals that the noise does not tell from the chosen grouping."""
        return tuple(rival for rival in self.rivals if rival.tie)

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "chosen": self.chosen.to_json(),
            "share": self.share,
            "tasks": list(self.tasks),
            "together": self.together.tolist(),
            "rivals": [
                {
                    "grouping": rival.grouping.to_json(),
                    "share": rival.share,
                    "difference": rival.difference,
                    "interval": list(rival.interval),
                    "tie": rival.tie,
                }
                for rival in self.rivals
            ],
            "draws": self.draws,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Stability":
        """The inverse of :meth:`to_json`."""
        return cls(
            chosen=Grouping.from_json(data["chosen"]),
            share=float(data["share"]),
            tasks=tuple(data["tasks"]),
            together=np.array(data["together"], dtype=np.float64),
            rivals=tuple(
                Rival(
                    Grouping.from_json(rival["grouping"]),
                    float(rival["share"]),
                    float(rival["difference"]),
                    (float(rival["interval"][0]), float(rival["interval"][1])),
                    bool(rival["tie"]),
                )
                for rival in data["rivals"]
            ),
            draws=int(data["draws"]),
            notes=tuple(data["notes"]),
        )

    def save(self, path: Path | str) -> Path:
        """Write JSON, atomically."""
        return write_text(path, dumps(self.to_json()))

    @classmethod
    def read(cls, path: Path | str) -> "Stability":
        """Read what :meth:`save` wrote."""
        return cls.from_json(read_json(path, "stability"))


def stability(
    affinity: Affinity,
    method: str,
    budget: float,
    *,
    draws: int = 100,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    noise: float | None = None,
    resample: Resample | None = None,
    rivals: int = 10,
    grouper_seed: int = 0,
    chosen: Grouping | None = None,
    costs: CostModel | None = None,
    how: str = "",
    batches: DrawBatches | None = None,
    progress: Progress = SILENT,
) -> Stability:
    """Group the affinity, group ``draws`` redrawn ones, and compare.

    Args:
        affinity: what was measured.
        method: grouper name; it must score its groupings.
        budget: inference budget.
        draws: redrawn affinities.
        seed: of the draws; the grouper's own stays the same, so that only the affinity changes.
        options: the grouper's.
        noise: standard deviation of an entry of a matrix, in place of its standard errors.
        resample: draws an affinity; by default :func:`resampler` decides. What an estimator
            offers (:meth:`taskviz.affinity.base.Estimator.redraws`) is passed here.
        rivals: how many other groupings to compare.
        grouper_seed: of the method.
        chosen: the grouping whose return is counted, such as one edited by hand; None: what the
            method makes of the affinity as it was measured.
        costs: prices of groups, where the budget is not in networks.
        how: a sentence that says how ``resample`` draws.
        batches: carries the draws out, and may keep them.
        progress: told of each draw, of each twice: once grouped, once for the comparison.

    Raises:
        TaskvizError: no noise is known, the method has no score, or no draw could be grouped.
    """
    if draws < 2:
        raise TaskvizError(f"Stability was asked for {draws} draws: 2 are needed at least.")
    given = dict(options or {})
    grouper = make_grouper(method, **given)

    def group(drawn: Affinity) -> Grouping:
        if costs is not None:
            return group_within(drawn, method, budget, costs, seed=grouper_seed, **given)
        return grouper.group(drawn, budget, grouper_seed)

    proposed = group(affinity)
    if proposed.score is None:
        raise TaskvizError(
            f"Grouping method {method!r} looks at no affinity, so noise in it changes nothing."
        )
    chosen = proposed if chosen is None else chosen
    if resample is None:
        resample, how = resampler(affinity, noise)
    again = resample
    notes = (how,) if how else ()
    kept = batches or DrawBatches()
    progress.begin("Stability", 2 * draws)
    counts: Counter[Key] = Counter()
    example: dict[Key, Grouping] = {_key(chosen): chosen}
    together = np.zeros((len(affinity.tasks),) * 2)
    failed = 0

    def grouped(drawn: Affinity) -> Grouping | None:
        try:
            return replace(group(drawn), seconds=0.0)
        except TaskvizError:
            # A redrawn table may lack the networks that a cover needs.
            return None

    def batch(stage: int, number: int, each: Callable[[Affinity], V], size: int) -> list[V]:
        rng = np.random.default_rng([seed, stage, number])
        found = []
        for _ in range(size):
            progress.check()
            found.append(each(again(rng)))
        return found

    for number, size in enumerate(sizes(draws)):
        progress.check()
        for found in kept.groupings(number, size, partial(batch, 0, number, grouped, size)):
            if found is None:
                failed += 1
                continue
            counts[_key(found)] += 1
            example.setdefault(_key(found), found)
            together += _common(found, affinity.tasks)
        progress.advance(size)
    done = draws - failed
    if not done:
        raise TaskvizError(
            f"None of {draws} redrawn affinities could be grouped: each lacks what a cover of all "
            "tasks needs."
        )
    if failed:
        notes = (*notes, f"{failed} of {draws} draws could not be grouped and were left out.")
    ranked = [key for key, _ in counts.most_common() if key != _key(chosen)][:rivals]
    fresh: list[Affinity] = []
    for number, size in enumerate(sizes(draws)):
        progress.check()
        if ranked:
            fresh += kept.affinities(number, size, partial(batch, 1, number, _as_drawn, size))
        progress.advance(size)
    singletons: Singletons = (
        given["singletons"] if given.get("singletons") in ("zero", "diagonal") else "undefined"
    )
    base = _scores(fresh, chosen, singletons)
    compared = []
    for key in ranked:
        differences = _scores(fresh, example[key], singletons) - base
        known = differences[~np.isnan(differences)]
        # None known: no fresh draw has the networks of both, so there is nothing to compare.
        if len(known):
            compared.append(_rival(example[key], counts[key] / done, known))
    return Stability(
        chosen=chosen,
        share=counts[_key(chosen)] / done,
        tasks=affinity.tasks,
        together=together / done,
        rivals=tuple(compared),
        draws=done,
        notes=notes,
    )


def _as_drawn(affinity: Affinity) -> Affinity:
    return affinity


def _key(grouping: Grouping) -> Key:
    # Prices follow from the members; only networks of a table can differ in size beside them.
    sized = grouping.costs and grouping.cost_unit == "networks"
    costs = grouping.costs if sized else (1.0,) * len(grouping.groups)
    return frozenset(zip(map(frozenset, grouping.groups), costs, strict=True))


def _common(grouping: Grouping, tasks: tuple[str, ...]) -> NDArray[np.float64]:
    member = np.array([[task in group for task in tasks] for group in grouping.groups])
    return np.asarray((member.T.astype(np.int64) @ member) > 0, dtype=np.float64)


def _scores(
    draws: list[Affinity], grouping: Grouping, singletons: Singletons
) -> NDArray[np.float64]:
    """Score on each draw, higher is better; NaN where a draw does not know the groups."""
    found = np.full(len(draws), np.nan)
    for i, affinity in enumerate(draws):
        if grouping.objective.startswith("density") and isinstance(affinity, AffinityMatrix):
            found[i] = density(affinity, grouping.groups)
            continue
        try:
            sizes = grouping.costs if grouping.cost_unit == "networks" else ()
            score = selection_score(affinity, grouping.groups, singletons, sizes or None)
        except TaskvizError:
            continue
        found[i] = score if higher_is_better(affinity) else -score
    return found


def _rival(grouping: Grouping, share: float, differences: NDArray[np.float64]) -> Rival:
    tail = (1 - LEVEL) / 2
    low, high = (float(q) for q in np.quantile(differences, [tail, 1 - tail]))
    return Rival(grouping, share, float(differences.mean()), (low, high), low <= 0.0 <= high)
