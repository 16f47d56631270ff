"""Many starts and kicks around :class:`BlockSearch`, and all good networks met on the way."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.blocks import BlockSearch, BlockWorth

KICK_SHARES = (0.05, 0.1, 0.2)
"""Share of the units that a kick throws."""
RANDOM_STARTS = 3
LEAST_KICKS = 20
MOST_KICKS = 60
KICKS_TIMES_UNITS = 3000


def explore(
    worth: BlockWorth,
    number: int,
    seed: int,
    check: Callable[[], None],
    expired: Callable[[], bool],
    known: Sequence[NDArray[np.intp]] = (),
    effort: float = 1.0,
) -> tuple[NDArray[np.intp], list[NDArray[np.bool_]]]:
    """Labels of the best partition found, and the networks of every local optimum.

    Starts from average linkage, from the ``known`` ones, and at random; from the best, throws some
    of the units into other blocks and descends again, a number of times that falls with the number
    of tasks. Swaps are tried only at the end: they cost more than all moves.

    Args:
        worth: values of blocks.
        number: blocks there may be.
        seed: of starts and kicks.
        check: called often; may raise.
        expired: True ends the search at the next start or kick.
        known: labels to start from, besides.
        effort: multiplies the number of kicks; below 1 there are no random starts.
    """
    units = len(worth.units)
    number = min(number, units)
    rng = np.random.default_rng(seed)
    given = [linkage_labels(worth, number), *(k for k in known if k.max() < number)]
    kicks = int(effort * min(max(KICKS_TIMES_UNITS // units, LEAST_KICKS), MOST_KICKS))
    starts = len(given) + (RANDOM_STARTS if effort >= 1 else 0)
    search = BlockSearch(worth, given[0], number, check)
    pool: list[NDArray[np.bool_]] = []
    best: tuple[float, NDArray[np.intp]] | None = None
    for turn in range(starts + kicks + 1):
        last = turn == starts + kicks
        if best is not None and expired():
            break
        if best is not None and last:
            search.restart(best[1])
        elif best is not None and turn >= starts:
            labels = best[1].copy()
            share = rng.choice(KICK_SHARES)
            thrown = rng.choice(units, size=min(units, max(2, int(share * units))), replace=False)
            labels[thrown] = rng.integers(number, size=len(thrown))
            search.restart(labels)
        elif turn >= len(given):
            search.restart(rng.permutation(np.resize(np.arange(number), units)))
        elif turn > 0:
            search.restart(given[turn])
        search.descend(swaps=last, expired=expired)
        pool.append(worth.networks(search.blocks[search.blocks.any(axis=1)]))
        if best is None or search.total > best[0]:
            best = (search.total, search.labels.copy())
    assert best is not None
    return best[1], pool


def linkage_labels(worth: BlockWorth, number: int) -> NDArray[np.intp]:
    """Units merged by average similarity until ``number`` blocks are left."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    units = len(worth.units)
    if units <= number:
        return np.arange(units)
    between = worth.inflow @ worth.of_unit.T
    mean = (between + between.T) / (2 * np.outer(worth.size, worth.size))
    distance = mean.max() - mean
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="average")
    labels = fcluster(tree, number, criterion="maxclust") - 1
    return np.asarray(labels, dtype=np.intp)
