"""Which subsets to train."""

from collections.abc import Sequence
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from taskviz.values import TaskvizError

# Up to this many subsets are listed and drawn from; of more, repeats are drawn again.
LISTED = 4095


def all_subsets(tasks: Sequence[str], max_size: int | None = None) -> list[tuple[str, ...]]:
    """Every non-empty subset up to a size: small ones first, then in the order of ``tasks``."""
    limit = len(tasks) if max_size is None else min(max_size, len(tasks))
    return [subset for size in range(1, limit + 1) for subset in combinations(tuple(tasks), size)]


def draw_subsets(
    tasks: Sequence[str],
    count: int,
    seed: int,
    *,
    probability: float = 0.5,
    size: int | None = None,
    distinct: bool = True,
) -> list[tuple[str, ...]]:
    """Random non-empty subsets, fresh for each seed.

    Args:
        tasks: names.
        count: how many; with ``distinct`` at most as many as exist are returned.
        seed: equal seeds give equal draws.
        probability: with which each task is in, where no ``size`` is given.
        size: exact number of tasks of each subset, all such subsets equally likely.
        distinct: no subset twice within the draw.

    Raises:
        TaskvizError: no task, a negative count or seed, a size or probability out of range.
    """
    names = tuple(tasks)
    _check(names, count, seed, probability, size)
    rng = np.random.default_rng([seed, 0x5B5E7])
    available = comb(len(names), size) if size is not None else 2 ** len(names) - 1
    wanted = min(count, available) if distinct else count
    if not distinct:
        rows = [_draw(rng, len(names), probability, size) for _ in range(wanted)]
    elif size is not None and available <= LISTED:
        rows = _draw_sized(rng, len(names), wanted, size)
    elif size is None and available <= LISTED:
        rows = _draw_listed(rng, len(names), wanted, probability)
    else:
        rows = _draw_again(rng, len(names), wanted, probability, size)
    return [tuple(names[i] for i in np.flatnonzero(row)) for row in rows]


def _check(
    names: tuple[str, ...], count: int, seed: int, probability: float, size: int | None
) -> None:
    if not names:
        raise TaskvizError("Cannot draw subsets of no tasks: give at least one task.")
    if count < 0 or seed < 0:
        raise TaskvizError(
            f"Cannot draw {count} subsets with seed {seed}: both must be whole numbers from 0 on."
        )
    if size is not None and not 1 <= size <= len(names):
        raise TaskvizError(
            f"Subsets of {size} tasks cannot be drawn from {len(names)}: the size must be from 1 "
            f"to {len(names)}."
        )
    if size is None and not 0 < probability < 1:
        raise TaskvizError(
            f"The probability of a task being in a subset is {probability:g}: it must lie between "
            "0 and 1."
        )


def _draw(
    rng: np.random.Generator, total: int, probability: float, size: int | None
) -> NDArray[np.bool_]:
    row = np.zeros(total, dtype=bool)
    if size is not None:
        row[rng.choice(total, size, replace=False)] = True
        return row
    # The first task that is in, given that one is; then each later one by itself. Drawing until a
    # subset is not empty would have the same law and never end where the probability is tiny.
    first = np.exp(np.arange(total) * np.log1p(-probability))
    start = int(rng.choice(total, p=first / first.sum()))
    row[start] = True
    row[start + 1 :] = rng.random(total - start - 1) < probability
    return row


def _draw_sized(
    rng: np.random.Generator, total: int, wanted: int, size: int
) -> list[NDArray[np.bool_]]:
    subsets = list(combinations(range(total), size))
    chosen = rng.choice(len(subsets), wanted, replace=False)
    return [np.isin(np.arange(total), subsets[i]) for i in chosen]


def _draw_listed(
    rng: np.random.Generator, total: int, wanted: int, probability: float
) -> list[NDArray[np.bool_]]:
    rows = (np.arange(1, 2**total)[:, None] >> np.arange(total)) & 1 == 1
    # Drawing again after each repeat has the law of a weighted draw without replacement; Gumbel
    # keys make one: the largest are drawn, in their order.
    logits = rows.sum(axis=1) * (np.log(probability) - np.log1p(-probability))
    keys = logits + rng.gumbel(size=len(rows))
    return list(rows[np.argsort(-keys, kind="stable")[:wanted]])


def _draw_again(
    rng: np.random.Generator, total: int, wanted: int, probability: float, size: int | None
) -> list[NDArray[np.bool_]]:
    found: dict[bytes, NDArray[np.bool_]] = {}
    tries = 1000 + 50 * wanted
    while len(found) < wanted and tries:
        row = _draw(rng, total, probability, size)
        found.setdefault(row.tobytes(), row)
        tries -= 1
    if len(found) < wanted:
        raise TaskvizError(
            f"Only {len(found)} different subsets turned up where {wanted} are wanted: ask for "
            "fewer, or bring the probability nearer to 0.5."
        )
    return list(found.values())
