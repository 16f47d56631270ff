"""Features of nodes that have none of their own: where they lie in the graph."""

import numpy as np
from numpy.typing import NDArray


def structural_features(edge_index: NDArray[np.int64], n: int, width: int) -> NDArray[np.float64]:
    """``(n, width + 1)``: log degree and a spectral embedding of the normalised adjacency.

    The embedding is read off the graph alone, never off labels. Its sign is fixed, so that equal
    graphs give equal features.

    Args:
        edge_index: ``(2, E)``; an undirected edge stands twice.
        n: nodes.
        width: eigenvectors; fewer where the graph has fewer nodes.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.linalg import eigsh

    adjacency = coo_array((np.ones(edge_index.shape[1]), tuple(edge_index)), shape=(n, n)).tocsr()
    adjacency = (adjacency + adjacency.T) / 2
    degree = np.asarray(adjacency.sum(axis=1)).ravel()
    scale = 1 / np.sqrt(np.maximum(degree, 1))
    normal = adjacency.multiply(scale[:, None]).multiply(scale[None, :]).tocsr()
    width = min(width, n - 2)
    vectors = np.zeros((n, 0))
    if width > 0:
        start = np.random.default_rng(0).normal(size=n)
        values, vectors = eigsh(normal, k=width, which="LA", v0=start)
        vectors = vectors[:, np.argsort(-values)]
        largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
        vectors = vectors * np.sign(largest) * np.sqrt(n)
    return np.column_stack([np.log1p(degree), vectors])
