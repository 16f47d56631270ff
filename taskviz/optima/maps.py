"""Points on a plane from their distances, and how far such a map can be trusted."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from taskviz.values import TaskvizError, unknown_choice

Floats = NDArray[np.float64]
NEAREST = 15
"""Neighbours that trustworthiness looks at, at most."""
PAIRS = 2_000_000
"""Pairs that the rank correlation of distances rests on, at most."""


@dataclass(frozen=True)
class MapSettings:
    """What a map depends on besides the distances.

    Args:
        perplexity: of t-SNE, about how many neighbours a point attends to.
        neighbours: of UMAP.
        seed: of both.
    """

    perplexity: float = 30.0
    neighbours: int = 15
    seed: int = 0


@dataclass(frozen=True)
class MapQuality:
    """How well a map shows the distances.

    Args:
        trustworthiness: 1 where no point has neighbours on the map that are far away in truth
            (Venna & Kaski, 2001); over ``nearest`` neighbours.
        rank_correlation: Spearman correlation of distances on the map with the true ones.
        nearest: see above.
    """

    trustworthiness: float
    rank_correlation: float
    nearest: int


def principal_axes(distances: Floats) -> tuple[Floats, float]:
    """Classical scaling: PCA of the points, as far as their distances are Euclidean ones.

    L1 distances are not quite: the doubly centred −D²/2 then has negative eigenvalues too.

    Returns:
        ``(N, 2)`` coordinates, and how much of the whole the two axes are: their squared
        eigenvalues against all squared eigenvalues (Mardia, 1978), 0 … 1.
    """
    from scipy.linalg import eigh

    squares = distances**2
    means = squares.mean(axis=0)
    gram = -0.5 * (squares - means - means[:, None] + means.mean())
    count = len(gram)
    values, vectors = eigh(gram, subset_by_index=[count - 2, count - 1])
    top = np.maximum(values[::-1], 0.0)
    axes = vectors[:, ::-1] * np.sqrt(top)
    # a sign of its own for each axis, whatever LAPACK chose
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    whole = float((gram**2).sum()) or 1.0
    return axes * np.where(signs == 0, 1.0, signs), float((top**2).sum()) / whole


def _pca(distances: Floats, axes: Floats, settings: MapSettings) -> Floats:
    return axes


def _tsne(distances: Floats, axes: Floats, settings: MapSettings) -> Floats:
    from sklearn.manifold import TSNE

    if settings.perplexity >= len(distances):
        raise TaskvizError(
            f"Perplexity is {settings.perplexity:g}, but there are {len(distances)} optima: it "
            f"must be below their number."
        )
    # Distances are scaled, so that a start of size 1e-4 is small whatever their unit.
    scale = distances.max() or 1.0
    found = TSNE(
        metric="precomputed",
        init=_small(axes),
        perplexity=settings.perplexity,
        random_state=settings.seed,
        n_jobs=1,
    ).fit_transform(distances / scale)
    return np.asarray(found, dtype=np.float64)


def _umap(distances: Floats, axes: Floats, settings: MapSettings) -> Floats:
    if settings.neighbours >= len(distances):
        raise TaskvizError(
            f"Neighbours is {settings.neighbours}, but there are {len(distances)} optima: it must "
            "be below their number."
        )
    with warnings.catch_warnings():
        # It warns that maps of distances cannot be inverted, and that a seed means one thread.
        warnings.simplefilter("ignore")
        import umap

        start = _small(axes) * 1e5
        found = umap.UMAP(
            metric="precomputed",
            n_neighbors=settings.neighbours,
            init=start.astype(np.float32),
            random_state=settings.seed,
            n_jobs=1,
        ).fit_transform(distances)
    return np.asarray(found, dtype=np.float64)


def _small(axes: Floats) -> Floats:
    """Spread 1e-4 along the first axis; points that coincide are moved apart a little."""
    spread = axes[:, 0].std() or 1.0
    moved = axes / spread
    moved = moved + 1e-3 * np.random.default_rng(0).standard_normal(moved.shape)
    return np.asarray(moved * 1e-4)


MAPS: Final[dict[str, tuple[str, Callable[[Floats, Floats, MapSettings], Floats]]]] = {
    "tsne": ("t-SNE", _tsne),
    "umap": ("UMAP", _umap),
    "pca": ("PCA", _pca),
}
"""Name → title and function."""


def draw_map(
    kind: str, distances: Floats, settings: MapSettings, axes: Floats | None = None
) -> Floats:
    """``(N, 2)`` coordinates of N points, seeded.

    t-SNE and UMAP see the distances themselves and start from the principal axes; PCA is classical
    scaling of the distances.

    Args:
        kind: a key of :data:`MAPS`.
        distances: ``(N, N)``.
        axes: coordinates of :func:`principal_axes`, where they are known already.

    Raises:
        TaskvizError: unknown kind, fewer than 3 points, perplexity or neighbours too large.
    """
    if kind not in MAPS:
        raise unknown_choice("map", kind, MAPS)
    if len(distances) < 3:
        raise TaskvizError(f"A map needs 3 optima at least; there are {len(distances)}.")
    start = principal_axes(distances)[0] if axes is None else axes
    return MAPS[kind][1](distances, start, settings)


def map_quality(distances: Floats, coordinates: Floats) -> MapQuality:
    """Trustworthiness of a map, and how well its distances rank the true ones.

    Args:
        distances: ``(N, N)`` true.
        coordinates: ``(N, 2)``.
    """
    from scipy.stats import spearmanr
    from sklearn.manifold import trustworthiness

    points = len(distances)
    nearest = max(1, min(NEAREST, (points - 1) // 2))
    trust = trustworthiness(distances, coordinates, n_neighbors=nearest, metric="precomputed")
    first, second = np.triu_indices(points, 1)
    if len(first) > PAIRS:
        kept = np.random.default_rng(0).choice(len(first), PAIRS, replace=False)
        first, second = first[kept], second[kept]
    true = distances[first, second]
    shown = np.linalg.norm(coordinates[first] - coordinates[second], axis=1)
    varied = np.ptp(true) > 0 and np.ptp(shown) > 0
    rank = float(spearmanr(true, shown).statistic) if varied else float("nan")
    return MapQuality(float(trust), rank, nearest)


def silhouette(distances: Floats, groups: NDArray[np.int64]) -> float:
    """Mean silhouette of groups of points (Rousseeuw, 1987): near 1 where groups stand apart, near
    0 where they mix, below 0 where points are nearer to another group; NaN for a single group.
    """
    from sklearn.metrics import silhouette_score

    if not 2 <= len(np.unique(groups)) < len(groups):
        return float("nan")
    return float(silhouette_score(distances, groups, metric="precomputed"))
