"""Many starts and kicks around :class:`BlockSearch`, and all good networks met on the way."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.blocks import BlockSearch, BlockWorth

KICK_SHARES = (0.05, 0.1, 0.2)
"""Share of the units that a kick throws."""


def explore(
    worth: BlockWorth,
    number: int,
    seed: int,
    check: Callable[[], None],
    expired: Callable[[], bool],
    legal: NDArray[np.intp] | None = None,
    starts: int = 3,
    kicks: int | None = None,
) -> tuple[NDArray[np.intp], list[NDArray[np.bool_]]]:
    """Labels of the best partition found, and the networks of every local optimum.

    Starts from average linkage, from ``legal`` where given, and else at random; from the best,
    ``kicks`` times throws some of the units into other blocks and descends again.

    Args:
        worth: values of blocks.
        number: blocks there may be.
        seed: of starts and kicks.
        check: called often; may raise.
        expired: True ends the search at the next start or kick.
        legal: labels known to keep to the rules, with at most ``number`` blocks.
        starts: local searches from scratch.
        kicks: local searches from a disturbed best; more by default where overlap is forbidden,
            since they are faster there and get stuck sooner.
    """
    units = len(worth.units)
    number = min(number, units)
    if kicks is None:
        kicks = 12 if worth.constraints.overlap else 48
    rng = np.random.default_rng(seed)
    search = BlockSearch(worth, linkage_labels(worth, number), number, check)
    pool: list[NDArray[np.bool_]] = []
    best: tuple[float, NDArray[np.intp]] | None = None
    for turn in range(starts + kicks):
        if best is not None and expired():
            break
        if turn >= starts and best is not None:
            labels = best[1].copy()
            share = rng.choice(KICK_SHARES)
            thrown = rng.choice(units, size=min(units, max(2, int(share * units))), replace=False)
            labels[thrown] = rng.integers(number, size=len(thrown))
            search.restart(labels)
        elif turn == 1 and legal is not None and legal.max() < number:
            search.restart(legal)
        elif turn > 0:
            search.restart(rng.permutation(np.resize(np.arange(number), units)))
        search.descend()
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
