"""Exact selection for few tasks by dynamic programming over sets of served tasks.

A selection serves each task by one network, so it is a partition of the tasks into *blocks*, each
served by a network trained on the block and possibly on helpers besides. With w_c(P) the least
Σ_{t∈P} loss of t in S over the networks S ⊇ P of cost c (S = P where overlap is forbidden), the
least loss of serving M at cost ≤ q is

    f(M, q) = min over c and P ⊆ M that holds the first task of M of  w_c(P) + f(M∖P, q − c),

which is exact, gives every budget at once, and takes some 3^T steps for both tables. Costs must be
whole multiples of one unit.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import gcd, lcm
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.candidates import Candidates

CHUNK = 1 << 20
"""Entries worked on at once; bounds memory and the time between two checks."""
MOST_LEVELS = 64
MOST_UNITS = 100_000
MOST_TASKS = 16

N = TypeVar("N", np.int64, np.float64)


def cost_levels(cost: NDArray[np.float64]) -> tuple[NDArray[np.int64], float] | None:
    """Costs as whole multiples of one unit, and the unit; None where they are not."""
    if not len(cost):
        return np.zeros(0, dtype=np.int64), 1.0
    values, inverse = np.unique(cost, return_inverse=True)
    if len(values) > MOST_LEVELS:
        return None
    exact = [Fraction(float(value)).limit_denominator(1000) for value in values]
    common = lcm(*(value.denominator for value in exact))
    whole = [int(value * common) for value in exact]
    divisor = gcd(*whole)
    if not divisor or max(whole) // divisor > MOST_UNITS:
        return None
    unit = divisor / common
    levels = np.array([value // divisor for value in whole], dtype=np.int64)
    if not np.allclose(levels * unit, values, rtol=1e-12, atol=0.0):
        return None
    return levels[inverse], unit


class DynamicSelection:
    """f and w of the module docstring, filled up to a largest budget.

    Args:
        candidates: groups that may be chosen.
        overlap: False: the groups must be a partition.
        levels: ``(m,)`` whole cost of each candidate.
        budget: largest budget, in levels.
        check: called often; may raise.
    """

    def __init__(
        self,
        candidates: Candidates,
        overlap: bool,
        levels: NDArray[np.int64],
        budget: int,
        check: Callable[[], None],
    ) -> None:
        self.size = candidates.members.shape[1]
        self.full = (1 << self.size) - 1
        self._check = check
        used = [int(level) for level in np.unique(levels) if level <= budget]
        # More than every task its own dearest network is never worth paying.
        self.budget = min(budget, self.size * max(used, default=0))
        self.values: dict[int, NDArray[np.float64]] = {}
        self.rows: dict[int, NDArray[np.intp]] = {}
        for level in used:
            rows = np.flatnonzero(levels == level)
            self.values[level], self.rows[level] = self._blocks(candidates, rows, overlap)
        self.least = self._fill()

    def best(self, budget: int) -> tuple[float, NDArray[np.intp]]:
        """Least loss within ``budget`` levels and the rows chosen; inf and none where infeasible.

        Of equally good selections the cheapest.
        """
        q = min(budget, self.budget)
        loss = float(self.least[self.full, q]) if q >= 0 else float("inf")
        if not np.isfinite(loss):
            return float("inf"), np.zeros(0, dtype=np.intp)
        enough = self.least[self.full, : q + 1] <= loss + 1e-12 * max(1.0, abs(loss))
        q = int(np.flatnonzero(enough)[0])
        chosen: list[int] = []
        mask = self.full
        while mask:
            level, block = self._step(mask, q)
            chosen.append(int(self.rows[level][block]))
            mask, q = mask ^ block, q - level
        return loss, np.unique(np.array(chosen, dtype=np.intp))

    def least_budget(self) -> int | None:
        """Fewest levels that serve every task, within the largest budget."""
        feasible = np.flatnonzero(np.isfinite(self.least[self.full]))
        return int(feasible[0]) if len(feasible) else None

    def _blocks(
        self, candidates: Candidates, rows: NDArray[np.intp], overlap: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """w and the candidate that attains it, for every block, over these candidates."""
        value = np.full(self.full + 1, np.inf)
        row_of = np.full(self.full + 1, -1, dtype=np.intp)
        count = candidates.members[rows].sum(axis=1)
        for size in np.unique(count):
            same = rows[count == size]
            step = max(1, CHUNK >> int(size)) if overlap else CHUNK
            for start in range(0, len(same), step):
                self._check()
                part = same[start : start + step]
                inside = _positions(candidates.members[part], int(size))
                losses = np.take_along_axis(candidates.losses[part], inside, axis=1)
                bits = np.left_shift(1, inside)
                if overlap:
                    masks, sums = _subset_sums(bits), _subset_sums(losses)
                else:
                    masks = bits.sum(axis=1, keepdims=True)
                    sums = losses.sum(axis=1, keepdims=True)
                np.minimum.at(value, masks, sums)
                hit = (sums == value[masks]) & np.isfinite(sums)
                owner = np.broadcast_to(part[:, None], masks.shape)
                row_of[masks[hit]] = owner[hit]
        value[0] = np.inf
        return value, row_of

    def _fill(self) -> NDArray[np.float64]:
        least = np.full((self.full + 1, self.budget + 1), np.inf)
        least[0] = 0.0
        masks = np.arange(self.full + 1)
        bits = (masks[:, None] >> np.arange(self.size)) & 1 == 1
        count = bits.sum(axis=1)
        for size in range(1, self.size + 1):
            same = masks[count == size]
            step = max(1, CHUNK // ((self.budget + 1) << (size - 1)))
            for start in range(0, len(same), step):
                self._check()
                part = same[start : start + step]
                inside = np.left_shift(1, _positions(bits[part], size))
                blocks = inside[:, :1] | _subset_sums(inside[:, 1:])
                rest = least[part[:, None] ^ blocks]
                for level, value in self.values.items():
                    within = self.budget + 1 - level
                    if within > 0:
                        reached = (value[blocks][:, :, None] + rest[:, :, :within]).min(axis=1)
                        least[part, level:] = np.minimum(least[part, level:], reached)
        return least

    def _step(self, mask: int, q: int) -> tuple[int, int]:
        """The level and block that attain f(mask, q)."""
        others = np.array(list(_bits(mask))[1:], dtype=np.int64)
        blocks = (mask & -mask) | _subset_sums(others[None, :])[0]
        best: tuple[float, int, int] = (np.inf, -1, -1)
        for level, value in self.values.items():
            if level <= q:
                total = value[blocks] + self.least[mask ^ blocks, q - level]
                place = int(total.argmin())
                best = min(best, (float(total[place]), level, int(blocks[place])))
        return best[1], best[2]


def _positions(members: NDArray[np.bool_], size: int) -> NDArray[np.int64]:
    """``(m, size)`` places of the True entries of rows that have ``size`` of them."""
    return np.nonzero(members)[1].reshape(len(members), size).astype(np.int64)


def _subset_sums(values: NDArray[N]) -> NDArray[N]:
    """``(m, n)`` → ``(m, 2^n)``: sums over all subsets of each row, the empty one first."""
    sums = np.zeros((len(values), 1), dtype=values.dtype)
    for j in range(values.shape[1]):
        sums = np.concatenate([sums, sums + values[:, j : j + 1]], axis=1)
    return sums


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low
        mask ^= low
