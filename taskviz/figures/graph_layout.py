"""Where the tasks of a graph stand: near where affinity is high, whatever the threshold shows."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from taskviz.values import AffinityMatrix

Layout = Mapping[str, tuple[float, float]]

KAMADA_KAWAI_TASKS = 40
"""Beyond this many tasks the spring layout is used: Kamada-Kawai's cost grows too fast."""
NEAREST = 6
"""Ties of a task that pull in a spring layout, its strongest: all of them together pull everything
into one heap (of 500 tasks in 20 planted families 22 % of the nearest nodes were of one family, and
97 % with six ties)."""
ITERATIONS, MANY_ITERATIONS = 50, 20
"""Of a spring layout; the second from 500 tasks on, where networkx descends by L-BFGS, whose steps
reach further."""
MANY_TASKS = 100
"""Beyond this many tasks neighbours are found by a tree."""
CLEARANCE = 0.19
"""Least distance of two nodes where there is room, in units of the layout."""


def graph_layout(matrix: AffinityMatrix, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Positions from the full weighted graph, so that they stay put while a threshold moves.

    Affinities are symmetrised and ranked; the more two tasks help each other, the nearer they
    want to stand (Kamada & Kawai, 1989; beyond 40 tasks Fruchterman & Reingold, 1991, on
    each task's strongest ties). Nodes that would cover each other are moved apart.

    Args:
        matrix: pairs without data have no wish.
        seed: of the start positions.

    Returns:
        task → (x, y), each within −1 … 1.
    """
    import networkx as nx

    size = len(matrix.tasks)
    if size == 1:
        return {matrix.tasks[0]: (0.0, 0.0)}
    start = np.random.default_rng(seed).uniform(-1, 1, (size, 2))
    wishes = _ranked(matrix)
    pos = {i: start[i] for i in range(size)}
    if size == 2:
        points = np.array([[-0.5, 0.0], [0.5, 0.0]])
    elif size <= KAMADA_KAWAI_TASKS:
        graph = nx.complete_graph(size)
        lengths = 0.25 + 0.75 * (1 - np.where(np.isnan(wishes), 0.5, wishes))
        dist = {i: {j: float(lengths[i, j]) for j in range(size)} for i in range(size)}
        placed = nx.kamada_kawai_layout(graph, dist=dist, pos=pos)
        points = np.array([placed[i] for i in range(size)])
    else:
        graph = nx.from_numpy_array(_pull(wishes))
        steps = ITERATIONS if size < 500 else MANY_ITERATIONS
        placed = nx.spring_layout(graph, pos=pos, weight="weight", iterations=steps, seed=seed)
        points = np.array([placed[i] for i in range(size)])
    points = _spread(points, CLEARANCE if size <= 30 else CLEARANCE * (30 / size) ** 0.5)
    return {task: (float(x), float(y)) for task, (x, y) in zip(matrix.tasks, points, strict=True)}


def _pull(wishes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of the springs: the strongest ties of either end."""
    # The weak half only says "not near", which a spring layout does by itself.
    pull = np.clip(np.nan_to_num(wishes) - 0.5, 0.0, None) ** 2
    strongest = np.argsort(-pull, axis=1, kind="stable")[:, :NEAREST]
    kept = np.zeros(pull.shape, dtype=bool)
    np.put_along_axis(kept, strongest, True, axis=1)
    return np.where(kept | kept.T, pull, 0.0)


def _ranked(matrix: AffinityMatrix) -> NDArray[np.float64]:
    """Rank of each pair's affinity among all, 0 … 1; ranks do not care about outliers."""
    from scipy.stats import rankdata

    size = len(matrix.tasks)
    rows, columns = np.triu_indices(size, 1)
    weights = matrix.symmetric()[rows, columns]
    known = ~np.isnan(weights)
    ranks = np.full(len(weights), np.nan)
    if known.any():
        ranks[known] = (rankdata(weights[known]) - 0.5) / known.sum()
    wishes = np.full((size, size), np.nan)
    wishes[rows, columns] = wishes[columns, rows] = ranks
    return wishes


def _spread(points: NDArray[np.float64], clearance: float) -> NDArray[np.float64]:
    """Fit into the square −1 … 1 and push apart what stands nearer than the clearance."""
    points = _fitted(points)
    if len(points) > MANY_TASKS:
        return _spread_many(points, clearance)
    for _ in range(200):
        delta = points[:, None] - points[None]
        distance = np.linalg.norm(delta, axis=2)
        np.fill_diagonal(distance, np.inf)
        if distance.min() >= clearance:
            break
        # Two nodes on one spot part along a direction of their own.
        same = distance < 1e-9
        angle = np.add.outer(np.arange(len(points)), -np.arange(len(points))) * 2.4
        delta[same] = np.stack([np.cos(angle), np.sin(angle)], axis=2)[same] * 1e-3
        distance[same] = 1e-3
        push = np.clip(clearance * 1.02 - distance, 0, None) / distance / 2
        points = np.clip(points + (delta * push[:, :, None]).sum(axis=1), -1, 1)
    return points


def _spread_many(points: NDArray[np.float64], clearance: float) -> NDArray[np.float64]:
    """The same where most pairs are far apart: only those that are near are looked at."""
    from scipy.spatial import cKDTree

    for _ in range(200):
        near = cKDTree(points).query_pairs(clearance, output_type="ndarray")
        if not len(near):
            break
        delta = points[near[:, 0]] - points[near[:, 1]]
        distance = np.linalg.norm(delta, axis=1)
        same = distance < 1e-9
        angle = 2.4 * (near[same, 0] - near[same, 1])
        delta[same] = np.column_stack([np.cos(angle), np.sin(angle)]) * 1e-3
        distance[same] = 1e-3
        push = delta * ((clearance * 1.02 - distance) / distance / 2)[:, None]
        moved = np.zeros_like(points)
        np.add.at(moved, near[:, 0], push)
        np.add.at(moved, near[:, 1], -push)
        points = np.clip(points + moved, -1, 1)
    return points


def _fitted(points: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = points.min(axis=0), points.max(axis=0)
    width = np.where(high - low > 1e-9, high - low, 1.0)
    return np.asarray((points - (low + high) / 2) / (width / 2))
