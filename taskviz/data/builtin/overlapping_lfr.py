"""Benchmark graphs with overlapping communities.

Lancichinetti and Fortunato, *Benchmarks for testing community detection algorithms on directed and
weighted graphs with overlapping communities*, Phys. Rev. E 80, 016118 (2009). networkx generates
graphs of the earlier kind only, whose communities do not overlap.
"""

import numpy as np
from numpy.typing import NDArray

from taskviz.values import TaskvizError


def overlapping_lfr(
    n: int,
    seed: int,
    *,
    degree_exponent: float = 2.0,
    size_exponent: float = 1.0,
    mean_degree: float = 16.0,
    most_degree: int = 60,
    sizes: tuple[int, int] = (120, 420),
    mixing: float = 0.25,
    overlap: float = 0.2,
    communities: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """One graph.

    Args:
        n: nodes.
        seed: equal seeds give equal graphs.
        degree_exponent: of the power law of degrees (τ₁ of the paper).
        size_exponent: of the power law of community sizes (τ₂).
        mean_degree: wanted mean of the degrees.
        most_degree: cut-off of the degrees.
        sizes: smallest and largest community.
        mixing: share of a node's edges that leave its communities (μ).
        overlap: share of nodes that belong to two communities.
        communities: how many; None: as many as their sizes come to.

    Returns:
        ``(2, E)`` undirected edges, each once; ``(n, T)`` who belongs to which community.
    """
    rng = np.random.default_rng(seed)
    degree = _power_law(rng, n, degree_exponent, most_degree, mean_degree)
    memberships = np.ones(n, dtype=np.int64)
    memberships[rng.choice(n, int(overlap * n), replace=False)] = 2
    total = int(memberships.sum())
    if communities is None:
        community = _sizes(rng, total, size_exponent, sizes)
    else:
        community = _as_many_sizes(rng, total, size_exponent, sizes, communities)
    member = _assign(rng, memberships, community)
    inner = np.round((1 - mixing) * degree / memberships).astype(np.int64)
    pairs = [
        _stubs(rng, np.flatnonzero(member[:, c]), inner[member[:, c]])
        for c in range(len(community))
    ]
    outer = np.maximum(degree - inner * memberships, 0)
    between = _stubs(rng, np.arange(n), outer)
    shared = (member[between[0]] & member[between[1]]).any(axis=1)
    pairs.append(between[:, ~shared])
    edges = np.sort(np.concatenate(pairs, axis=1), axis=0)
    return np.unique(edges[:, edges[0] != edges[1]], axis=1), member


def _power_law(
    rng: np.random.Generator, n: int, exponent: float, most: int, mean: float
) -> NDArray[np.int64]:
    """Degrees of a power law whose lower end is set so that their mean is as wanted."""
    values = np.arange(1, most + 1, dtype=np.float64)
    weights = values**-exponent

    def mean_from(least: int) -> float:
        return float((values[least:] * weights[least:]).sum() / weights[least:].sum())

    least = min(range(most - 1), key=lambda k: abs(mean_from(k) - mean))
    share = weights[least:] / weights[least:].sum()
    return rng.choice(values[least:].astype(np.int64), n, p=share)


def _sizes(
    rng: np.random.Generator, total: int, exponent: float, ends: tuple[int, int]
) -> NDArray[np.int64]:
    """Community sizes of a power law, with the sum wanted."""
    values = np.arange(ends[0], ends[1] + 1)
    share = values**-exponent
    sizes: list[int] = []
    while sum(sizes) < total:
        sizes.append(int(rng.choice(values, p=share / share.sum())))
    surplus = sum(sizes) - total
    if total - (sum(sizes) - sizes[-1]) >= ends[0]:
        sizes[-1] -= surplus
    else:
        missing = total - sum(sizes[:-1])
        sizes.pop()
        for i in range(missing):
            sizes[i % len(sizes)] += 1
    return np.array(sizes)


def _as_many_sizes(
    rng: np.random.Generator, total: int, exponent: float, ends: tuple[int, int], count: int
) -> NDArray[np.int64]:
    """So many sizes of a power law, moved one by one within their limits to the sum wanted."""
    if not ends[0] * count <= total <= ends[1] * count:
        raise TaskvizError(
            f"{count} communities of {ends[0]} to {ends[1]} nodes cannot hold {total:,} "
            f"memberships: ask for {-(-total // ends[1])} to {total // ends[0]}."
        )
    values = np.arange(ends[0], ends[1] + 1)
    share = values**-exponent
    sizes = rng.choice(values, count, p=share / share.sum()).astype(np.int64)
    while (missing := total - int(sizes.sum())) != 0:
        open_ones = np.flatnonzero(sizes < ends[1] if missing > 0 else sizes > ends[0])
        chosen = rng.choice(open_ones, min(abs(missing), len(open_ones)), replace=False)
        sizes[chosen] += np.sign(missing)
    return sizes


def _assign(
    rng: np.random.Generator, memberships: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Nodes to communities, each filled exactly and no node twice in one."""
    member = np.zeros((len(memberships), len(sizes)), dtype=bool)
    room = sizes.copy()
    # Nodes of two communities first: one place in each of the two with most room is always left.
    for node in np.lexsort((rng.random(len(memberships)), -memberships)):
        weight = room.astype(np.float64)
        count = min(int(memberships[node]), int((room > 0).sum()))
        chosen = rng.choice(len(sizes), count, replace=False, p=weight / weight.sum())
        member[node, chosen] = True
        room[chosen] -= 1
    return member


def _stubs(
    rng: np.random.Generator, nodes: NDArray[np.int64], degrees: NDArray[np.int64]
) -> NDArray[np.int64]:
    """``(2, E)`` pairs of a configuration model; loops and repeats are left to the caller."""
    stubs = rng.permutation(np.repeat(nodes, degrees))
    return stubs[: len(stubs) // 2 * 2].reshape(-1, 2).T
