"""Random groupings: the baseline that every method must beat."""

import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from taskviz.grouping.base import Affinity, Grouper
from taskviz.grouping.budget import whole_models
from taskviz.grouping.objective import serve
from taskviz.values import Grouping, option, option_values


@dataclass(frozen=True)
class RandomOptions:
    """Options of :class:`RandomGrouping`."""

    singletons: Literal["keep", "join"] = option(
        "keep",
        "keep: a task may be alone; join: every group has two tasks at least (unless the budget "
        "affords a network a task)",
    )


class RandomGrouping(Grouper):
    """Uniform over all partitions into k = ⌊b⌋ non-empty groups.

    That is the same as giving every task one of k labels at random and keeping only the draws in
    which no label is unused, but exact and without rejection: the last task is placed with the
    probabilities that the counts of partitions (Stirling numbers of the second kind) demand, then
    the one before it, and so on.
    """

    name = "random"
    title = "Random"
    source = "SCA paper, section 5; talk: baseline"
    summary = "Tasks thrown into groups by chance: what every method must beat."
    needs_integer_budget = False
    Options = RandomOptions

    def group(self, affinity: Affinity, budget: float, seed: int = 0) -> Grouping:
        """See :meth:`Grouper.group`; of ``affinity`` only the task names are used."""
        start = time.perf_counter()
        size = len(affinity.tasks)
        k = whole_models(budget, size, self.name)
        notes: list[str] = []
        no_singletons = self.options.singletons == "join" and k < size and size > 1
        if no_singletons and 2 * k > size:
            k = size // 2
            notes.append(f"{size} tasks make at most {k} groups of two or more.")
        rng = np.random.default_rng(seed)
        parts = random_partition(size, k, rng, smallest=2 if no_singletons else 1)
        groups = [[affinity.tasks[i] for i in part] for part in parts]
        return Grouping.of(
            groups,
            budget=budget,
            serving=serve(affinity, groups),
            method=self.name,
            options=option_values(self.options),
            seed=seed,
            seconds=time.perf_counter() - start,
            objective="none: drawn at random",
            notes=tuple(notes),
        )


def random_partition(
    size: int, k: int, rng: np.random.Generator, smallest: Literal[1, 2] = 1
) -> list[list[int]]:
    """A partition of ``range(size)`` into ``k`` groups of ``smallest`` or more, all equally likely.

    Groups come in the order of their lowest member.
    """
    count = _partition_counts(size, k, smallest)
    # From the last element down: does it found a group (alone, or with one partner where
    # singletons are barred) or join one of the k groups of the rest?
    remaining, groups_left = list(range(size)), k
    founded: list[list[int]] = []
    joining: list[int] = []
    while remaining:
        n = len(remaining)
        joins = groups_left * count[n - 1][groups_left]
        # Exact integers: their ratio is a float however large they are.
        if rng.random() < joins / count[n][groups_left]:
            joining.append(remaining.pop())
            founded.append([])
            continue
        group = [remaining.pop()]
        if smallest == 2:
            group.append(remaining.pop(int(rng.integers(len(remaining)))))
        founded.append(group)
        groups_left -= 1
    # Unwind: an element that joins picks among the groups that exist among the lower ones.
    groups: list[list[int]] = []
    for group in reversed(founded):
        if group:
            groups.append(group)
        else:
            groups[int(rng.integers(len(groups)))].append(joining.pop())
    return sorted(sorted(group) for group in groups)


def _partition_counts(size: int, k: int, smallest: int) -> list[list[Any]]:
    """``counts[n][j]``: partitions of n things into j groups of at least ``smallest`` (1 or 2)."""
    counts = [[0] * (k + 1) for _ in range(size + 1)]
    counts[0][0] = 1
    for n in range(1, size + 1):
        for j in range(1, k + 1):
            alone = counts[n - 1][j - 1]
            if smallest == 2:
                alone = (n - 1) * counts[n - 2][j - 1] if n > 1 else 0
            counts[n][j] = j * counts[n - 1][j] + alone
    return counts
