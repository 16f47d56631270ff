"""Search for a good selection from a matrix, for any number of tasks.

As in ``dynamic``, a selection is a partition into blocks, each served by a network on the block and
some helpers. For mean affinities the helpers of a block P are found at once: with
a_P(u) = Σ_{t∈P, t≠u} A[u,t], a network of n tasks that serves P is worth

    (1/(n−1)) (Σ_{u∈P} a_P(u) + Σ_{helpers u} a_P(u)),

so for each n the helpers of largest a_P are best. The search moves and swaps tasks between blocks,
with the values of all moves kept and only those of the two blocks that changed computed anew.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.constraints import Constraints
from taskviz.grouping.network_selection.quick_moves import QuickMoves
from taskviz.grouping.network_selection.scores import MatrixScores

NEVER = -1e300
COMPILED_FROM = 64
"""Tasks from which simple blocks are searched by compiled loops."""


class BlockWorth:
    """Worth of blocks and the networks that attain it, for tasks tied into units.

    Args:
        scores: the matrix; an unmeasured entry is taken as its target's mean here.
        constraints: which groups are allowed.
    """

    def __init__(self, scores: MatrixScores, constraints: Constraints) -> None:
        self.tasks = scores.tasks
        self.scores, self.constraints = scores, constraints
        count = scores.known.sum(axis=0)
        mean = scores.filled.sum(axis=0) / np.maximum(count, 1)
        self.affinity = np.where(scores.known, scores.values, mean[None, :])
        np.fill_diagonal(self.affinity, 0.0)
        self.units = constraints.units(self.tasks)
        self.of_unit = np.zeros((len(self.units), len(self.tasks)))
        for i, unit in enumerate(self.units):
            self.of_unit[i, unit] = 1.0
        self.size = self.of_unit.sum(axis=1)
        self.loose = len(self.units) == len(self.tasks)
        # inflow[i, u]: what task u gives to the tasks of unit i.
        self.inflow = self.of_unit @ self.affinity.T
        apart = self.of_unit @ constraints.apart_matrix(self.tasks) @ self.of_unit.T
        self.apart = apart > 0
        # With apart pairs among helpers, the one of the higher a_P stays.
        self.pairs = np.argwhere(np.triu(self.apart))
        largest = constraints.largest
        self.largest = float(len(self.tasks) if largest is None else largest)
        # What a violated rule costs: more than any grouping is worth, and the more the further it
        # is from being met, so that the search finds its way back.
        self.scale = max(float(np.abs(self.affinity).max()), float(np.abs(scores.alone).max()))
        self.scale = self.scale or 1.0
        self.penalty = 1e3 * len(self.tasks) * self.scale
        self.simple = self._simple()

    def _simple(self) -> bool:
        """Whether compiled loops may do: many tasks, each a unit of its own, of free sizes."""
        limits = self.constraints
        free = self.loose and not len(self.pairs) and self.largest >= len(self.tasks)
        # Below, compiling takes longer than it saves.
        many = len(self.tasks) >= COMPILED_FROM
        return many and free and (limits.floor <= 2 or not limits.overlap)

    def of(self, blocks: NDArray[np.bool_], given: NDArray[np.float64]) -> NDArray[np.float64]:
        """``(m,)`` worth of ``(m, units)`` blocks; ``given`` is ``blocks @ inflow``."""
        worth, _, _ = self._best(blocks, given, ordered=False)
        return worth

    def labels_of(self, groups: NDArray[np.bool_]) -> NDArray[np.intp]:
        """For each unit the first of these ``(k, T)`` groups that holds it."""
        held = (self.of_unit @ groups.T.astype(np.float64)) > 0
        return np.asarray(held.argmax(axis=1))

    def networks(self, blocks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """``(m, T)`` members of the best network of each block."""
        _, order, helpers = self._best(blocks, blocks @ self.inflow, ordered=True)
        chosen = blocks.copy()
        for i, count in enumerate(helpers):
            chosen[i, order[i, :count]] = True
        return (chosen @ self.of_unit) > 0

    def _best(
        self, blocks: NDArray[np.bool_], given: NDArray[np.float64], ordered: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
        """Worth, units by falling gain, and how many of those help."""
        value = given if self.loose else given @ self.of_unit.T
        inside = blocks @ self.size
        base = np.where(blocks, value, 0.0).sum(axis=1)
        floor = self.constraints.floor
        excess = np.maximum(inside - self.largest, 0)
        if len(self.pairs):
            excess = excess + (blocks & (blocks @ self.apart)).sum(axis=1)
        legal = (excess == 0) & (inside > 0)
        alone = inside == 1
        ratio = base / np.maximum(inside - 1, 1)
        if alone.any():
            ratio[alone] = blocks[alone] @ (self.of_unit @ self.scores.alone)
        excess = excess + np.maximum(floor - inside, 0)
        no_help = np.where(excess == 0, ratio, -self.penalty * excess)
        if not self.constraints.overlap:
            none = np.zeros((len(blocks), 0), dtype=np.intp)
            return no_help, none, np.zeros(len(blocks), dtype=np.intp)
        rate = value / self.size if not self.loose else value.copy()
        rate[blocks] = -np.inf
        if len(self.pairs):
            rate[(blocks @ self.apart) & ~blocks] = -np.inf
            for first, second in self.pairs:
                worse = np.where(rate[:, first] >= rate[:, second], second, first)
                rows = np.arange(len(blocks))
                rate[rows, worse] = -np.inf
        if self.loose and not ordered:
            # Only the worth is asked for and every unit is one task: sorted values suffice.
            order = np.zeros((len(blocks), 0), dtype=np.intp)
            gain = -np.sort(-rate, axis=1)
            usable = gain > -np.inf
            size = usable.astype(np.float64)
        else:
            order = np.argsort(-rate, axis=1, kind="stable")
            usable = np.take_along_axis(rate, order, axis=1) > -np.inf
            size = np.where(usable, self.size[order], 0.0)
            gain = np.take_along_axis(value, order, axis=1)
        gain = np.where(usable, gain, 0.0)
        total = inside[:, None] + np.cumsum(size, axis=1)
        helped = (base[:, None] + np.cumsum(gain, axis=1)) / np.maximum(total - 1, 1)
        allowed = usable & (total >= floor) & (total <= self.largest) & legal[:, None]
        helped = np.where(allowed, helped, NEVER)
        place = helped.argmax(axis=1)
        best = np.take_along_axis(helped, place[:, None], axis=1)[:, 0]
        better = best > no_help
        return np.where(better, best, no_help), order, np.where(better, place + 1, 0)


class BlockSearch:
    """Local search over partitions of the units into at most ``number`` blocks.

    Args:
        worth: values of blocks.
        labels: ``(units,)`` block of each unit at the start.
        number: blocks there may be.
        check: called before every step; may raise.
    """

    def __init__(
        self,
        worth: BlockWorth,
        labels: NDArray[np.intp],
        number: int,
        check: Callable[[], None],
    ) -> None:
        self.worth, self.number, self._check = worth, number, check
        self.units = np.arange(len(labels))
        self._quick = QuickMoves(worth) if worth.simple else None
        self.restart(labels)

    def restart(self, labels: NDArray[np.intp]) -> None:
        """Begin again from these blocks."""
        self.labels = labels.copy()
        self.blocks = np.arange(self.number)[:, None] == self.labels[None, :]
        self.given = self.blocks @ self.worth.inflow
        self.value = self._worth(self.blocks, self.given)
        self.without = np.zeros(len(labels))
        self.extended = np.zeros((len(labels), self.number))
        for block in range(self.number):
            self._refresh(block)
        if self._quick is not None:
            self._quick.forget()

    @property
    def total(self) -> float:
        """Sum of the blocks' worth."""
        return float(self.value.sum())

    def descend(self, swaps: bool = True, expired: Callable[[], bool] = lambda: False) -> None:
        """Make the best move until none improves; then, if asked to, the best swap, and so on.

        Args:
            expired: no swap is looked for where this is True.
        """
        while True:
            self._check()
            gain = (
                self.without[:, None]
                - self.value[self.labels][:, None]
                + self.extended
                - self.value[None, :]
            )
            gain[self.units, self.labels] = 0.0
            unit, block = np.unravel_index(int(gain.argmax()), gain.shape)
            if gain[unit, block] > self._least_gain():
                self._move(int(unit), int(block))
            elif not swaps or expired() or not self._swap():
                return

    def _move(self, unit: int, block: int) -> None:
        old = int(self.labels[unit])
        self.labels[unit] = block
        for changed in (old, block):
            self.blocks[changed] = self.labels == changed
            self.given[changed] = self.blocks[changed] @ self.worth.inflow
            self.value[changed] = self._worth(
                self.blocks[changed][None], self.given[changed][None]
            )[0]
        self._refresh(old)
        self._refresh(block)
        if self._quick is not None:
            self._quick.changed[[old, block]] = True

    def _refresh(self, block: int) -> None:
        """What each unit's entering or leaving this block would make of it."""
        inside = self.blocks[block]
        if self._quick is not None:
            value = self._quick.toggled(inside, self.given[block])
            self.without[inside] = value[inside]
            self.extended[~inside, block] = value[~inside]
            return
        toggled = np.repeat(self.blocks[block][None], len(self.labels), axis=0)
        toggled[self.units, self.units] ^= True
        sign = np.where(self.blocks[block], -1.0, 1.0)
        given = self.given[block][None] + sign[:, None] * self.worth.inflow
        value = self._worth(toggled, given)
        self.without[inside] = value[inside]
        self.extended[~inside, block] = value[~inside]

    def _swap(self) -> bool:
        """The best exchange of two units between the blocks most likely to gain; True if made."""
        if self._quick is not None:
            first, second, gain = self._quick.best_swap(self)
            if gain <= self._least_gain():
                return False
            self._exchange(first, second)
            return True
        best: tuple[float, int, int] = (self._least_gain(), -1, -1)
        inflow = self.worth.inflow
        for unit in self.units:
            self._check()
            own = int(self.labels[unit])
            others = self.units[self.labels != own]
            if not len(others):
                return False
            # own − unit + other, and other's block − other + unit.
            mine = np.repeat(self.blocks[own][None], len(others), axis=0)
            mine[:, unit] = False
            mine[np.arange(len(others)), others] = True
            given = self.given[own][None] - inflow[unit][None] + inflow[others]
            theirs = self.blocks[self.labels[others]].copy()
            theirs[np.arange(len(others)), others] = False
            theirs[:, unit] = True
            given_theirs = self.given[self.labels[others]] - inflow[others] + inflow[unit][None]
            gains = (
                self._worth(mine, given)
                + self._worth(theirs, given_theirs)
                - self.value[own]
                - self.value[self.labels[others]]
            )
            place = int(gains.argmax())
            if gains[place] > best[0]:
                best = (float(gains[place]), int(unit), int(others[place]))
        if best[1] < 0:
            return False
        self._exchange(best[1], best[2])
        return True

    def _exchange(self, first: int, second: int) -> None:
        home, away = int(self.labels[first]), int(self.labels[second])
        self._move(first, away)
        self._move(second, home)

    def _worth(self, blocks: NDArray[np.bool_], given: NDArray[np.float64]) -> NDArray[np.float64]:
        found = self.worth.of(blocks, given)
        # An empty block needs no network.
        return np.where(blocks.any(axis=1), found, 0.0)

    def _least_gain(self) -> float:
        return 1e-10 * self.worth.scale
