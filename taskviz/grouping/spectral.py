"""Spectral clustering of tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.clustering import Clustering, Found, one_hot
from taskviz.grouping.lloyd import lloyd_labels
from taskviz.grouping.objective import pair_affinity
from taskviz.values import AffinityMatrix, option


@dataclass(frozen=True)
class SpectralOptions:
    """Options of :class:`Spectral`."""

    number: Literal["budget", "auto"] = option(
        "budget",
        "budget: as many groups as the budget; auto: at most that many, by the largest gap between "
        "eigenvalues",
    )
    negative: Literal["shift", "clip"] = option(
        "shift",
        "a graph has no negative edges: shift all affinities so that the least is 0, or clip "
        "negative ones, so that tasks that harm each other are not connected at all",
    )
    singletons: Literal["keep", "join"] = option(
        "keep", "keep: a task may be alone; join: it joins the most similar group"
    )


class Spectral(Clustering):
    """k-means on the eigenvectors of the normalised graph Laplacian (Ng, Jordan, Weiss).

    The graph's weights are the symmetrised affinities, made non-negative as ``negative`` says, no
    self-loops. L = I − D^(−1/2) W D^(−1/2); the rows of its k lowest eigenvectors, scaled to length
    1, are clustered. A dense eigensolver, so that nothing is random but the seeded k-means.
    """

    name = "spectral"
    title = "Spectral clustering"
    source = "talk; Ng, Jordan and Weiss 2001"
    summary = "Cuts the task graph where its edges are weakest."
    Options = SpectralOptions

    def clusters(
        self, affinity: AffinityMatrix, numbers: Sequence[int], seed: int
    ) -> Sequence[Found]:
        """See :meth:`Clustering.clusters`."""
        _, vectors, notes = self._spectrum(affinity)
        found = []
        for number in numbers:
            rows = vectors[:, :number]
            length = np.linalg.norm(rows, axis=1, keepdims=True)
            labels = lloyd_labels(rows / np.where(length > 0, length, 1.0), number, seed)
            found.append(Found(one_hot(labels, number), notes))
        return found

    def preference(self, affinity: AffinityMatrix, largest: int, seed: int) -> NDArray[np.float64]:
        """The gap λ_{k+1} − λ_k: k groups with little between them leave k small eigenvalues."""
        values, _, _ = self._spectrum(affinity)
        gaps = np.full(largest, -np.inf)
        known = np.diff(values)[:largest]
        gaps[: len(known)] = known
        return gaps

    def _spectrum(
        self, affinity: AffinityMatrix
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]:
        similarity, _ = pair_affinity(affinity)
        off = ~np.eye(len(similarity), dtype=bool)
        notes: tuple[str, ...] = ()
        if self.options.negative == "shift":
            weights = np.where(off, similarity - similarity[off].min(), 0.0)
        else:
            weights = np.where(off, np.maximum(similarity, 0.0), 0.0)
            if not weights.any():
                notes = ("No affinity is positive, so clipping leaves a graph without edges.",)
        degree = weights.sum(axis=1)
        scale = np.where(degree > 0, 1.0 / np.sqrt(np.where(degree > 0, degree, 1.0)), 0.0)
        laplacian = np.eye(len(weights)) - scale[:, None] * weights * scale[None, :]
        values, vectors = np.linalg.eigh((laplacian + laplacian.T) / 2)
        return values, vectors, notes
