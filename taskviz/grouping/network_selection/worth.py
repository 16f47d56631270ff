"""The worth of blocks of a matrix without sorting, for many tasks.

The best network on a block P has the n helpers of largest a_P (:mod:`.blocks`), and is worth the
largest of r(n) = (base + Σ n largest) / (|P| − 1 + n). In place of sorting, Dinkelbach's method
(Management Science, 1967): from any ratio r, the helpers with a_P > r are those that pay at that
price, and r of just these is no less; where it is equal, it is the largest. A few passes do.

Every unit is one task here, groups may be of any size, and of a least size of 2 at most where there
are helpers. Plain loops: they run compiled (:func:`compiled`), and as they stand in tests. Import
this module late: it loads the compiler.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from taskviz.engines.compiled import machine_code

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Terms(NamedTuple):
    """What the worth of a block depends on besides the block.

    Args:
        alone: ``(T,)`` worth of each task alone.
        floor: least size of a group.
        overlap: helpers are allowed.
        penalty: for each task that a group is short of ``floor``.
    """

    alone: Floats
    floor: int
    overlap: bool
    penalty: float


@register_jitable  # type: ignore[untyped-decorator]
def one_worth(block: Flags, given: Floats, terms: Terms) -> float:
    """Worth of one ``(T,)`` block; ``given`` is ``(T,)`` a_P(u) of every task. 0 where empty."""
    size = len(block)
    base, top, inside, last = 0.0, -np.inf, 0, 0
    for u in range(size):
        if block[u]:
            base += given[u]
            inside += 1
            last = u
        elif given[u] > top:
            top = given[u]
    if inside == 0:
        return 0.0
    if inside < terms.floor:
        best = -terms.penalty * (terms.floor - inside)
    elif inside == 1:
        best = terms.alone[last]
    else:
        best = base / (inside - 1)
    if not terms.overlap or inside == size:
        return best
    helped = (base + top) / inside
    while True:
        total, helpers = base, 0
        for u in range(size):
            if given[u] > helped and not block[u]:
                total += given[u]
                helpers += 1
        if helpers == 0:
            break
        ratio = total / (inside - 1 + helpers)
        if ratio <= helped:
            break
        helped = ratio
    return max(best, helped)


def toggled_worth(block: Flags, given: Floats, inflow: Floats, terms: Terms, out: Floats) -> None:
    """Worth of the block with each task put in or taken out; ``out`` ``(T,)`` is filled."""
    size = len(block)
    mine, theirs = block.copy(), given.copy()
    for u in range(size):
        sign = -1.0 if block[u] else 1.0
        for w in range(size):
            theirs[w] = given[w] + sign * inflow[u, w]
        mine[u] = not block[u]
        out[u] = one_worth(mine, theirs, terms)
        mine[u] = block[u]


def swap_gains(
    blocks: Flags,
    given: Floats,
    value: Floats,
    labels: NDArray[np.intp],
    inflow: Floats,
    changed: Flags,
    terms: Terms,
    out: Floats,
) -> None:
    """What exchanging two tasks between their blocks gains.

    Args:
        blocks: ``(k, T)``.
        given: ``(k, T)``.
        value: ``(k,)`` worth of each block.
        labels: ``(T,)`` block of each task.
        inflow: ``(T, T)``.
        changed: ``(k,)`` only pairs with a task in one of these blocks are computed.
        out: ``(T, T)``; entries u < v in different blocks are filled, others are left.
    """
    size = len(labels)
    mine, theirs = np.empty(size), np.empty(size)
    for u in range(size):
        for v in range(u + 1, size):
            home, away = labels[u], labels[v]
            if home == away:
                out[u, v] = -np.inf
                continue
            if not changed[home] and not changed[away]:
                continue
            for w in range(size):
                moved = inflow[v, w] - inflow[u, w]
                mine[w] = given[home, w] + moved
                theirs[w] = given[away, w] - moved
            blocks[home, u], blocks[home, v] = False, True
            blocks[away, v], blocks[away, u] = False, True
            found = one_worth(blocks[home], mine, terms) + one_worth(blocks[away], theirs, terms)
            blocks[home, u], blocks[home, v] = True, False
            blocks[away, v], blocks[away, u] = True, False
            out[u, v] = found - value[home] - value[away]


@cache
def compiled() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """:func:`toggled_worth` and :func:`swap_gains` as machine code."""
    return machine_code(toggled_worth), machine_code(swap_gains)
