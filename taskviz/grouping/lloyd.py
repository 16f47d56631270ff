"""Lloyd's algorithm (k-means) on the rows of the affinity matrix."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.clustering import Clustering, Found, one_hot
from taskviz.grouping.objective import pair_affinity
from taskviz.values import AffinityMatrix, option

STARTS = 20


@dataclass(frozen=True)
class LloydOptions:
    """Options of :class:`Lloyd`."""

    number: Literal["budget", "auto"] = option(
        "budget",
        "budget: as many groups as the budget; auto: at most that many, by the silhouette",
    )
    singletons: Literal["keep", "join"] = option(
        "keep", "keep: a task may be alone; join: it joins the most similar group"
    )


class Lloyd(Clustering):
    """k-means on the rows of the symmetrised matrix: tasks with like relations to all others.

    A task's entry with itself is set to the largest affinity of any pair, so that members of one
    group have like rows whatever the estimator puts on its diagonal. Distances between rows do not
    change where all affinities are shifted, so negative ones need no special care.
    """

    name = "lloyd"
    title = "Lloyd's algorithm (k-means on rows)"
    source = "talk; Lloyd 1982"
    summary = "Puts tasks together that relate alike to all others."
    Options = LloydOptions

    def clusters(
        self, affinity: AffinityMatrix, numbers: Sequence[int], seed: int
    ) -> Sequence[Found]:
        """See :meth:`Clustering.clusters`."""
        rows = _rows(affinity)
        return [Found(one_hot(lloyd_labels(rows, number, seed), number)) for number in numbers]

    def preference(self, affinity: AffinityMatrix, largest: int, seed: int) -> NDArray[np.float64]:
        """Mean silhouette; 0 for one group and for T, where it is not defined."""
        from sklearn.metrics import silhouette_score

        rows = _rows(affinity)
        found = np.zeros(largest)
        for number in range(2, min(largest, len(rows) - 1) + 1):
            labels = lloyd_labels(rows, number, seed)
            distinct = len(np.unique(labels))
            if distinct == number:
                found[number - 1] = silhouette_score(rows, labels)
            else:
                found[number - 1] = -np.inf
        return found


def lloyd_labels(rows: NDArray[np.float64], number: int, seed: int) -> NDArray[np.intp]:
    """Label of each row, the best of several seeded starts."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    means = KMeans(number, n_init=STARTS, random_state=seed, algorithm="lloyd")
    with warnings.catch_warnings(), threadpool_limits(1):
        # Fewer distinct rows than clusters; the caller notes that fewer groups came out.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(means.fit_predict(rows), dtype=np.intp)


def _rows(affinity: AffinityMatrix) -> NDArray[np.float64]:
    similarity, _ = pair_affinity(affinity)
    off = ~np.eye(len(similarity), dtype=bool)
    np.fill_diagonal(similarity, similarity[off].max())
    return similarity
