"""Graph-attention embedding and Gaussian mixture: the SCA paper's grouping."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.clustering import Clustering, Found, Memberships, SingletonRule, one_hot, tidy
from taskviz.grouping.gat import GatSettings, embed_tasks
from taskviz.grouping.objective import density_of, pair_affinity
from taskviz.values import AffinityMatrix, option

REGULARISATION = 0.1
"""Added to the variances of embeddings of variance 1: without it components shrink onto single
tasks and every responsibility is 0 or 1."""


@dataclass(frozen=True)
class GatGmmOptions:
    """Options of :class:`GatGmm`."""

    number: Literal["budget", "auto"] = option(
        "budget",
        "budget: as many groups as the budget; auto: at most that many, by the Bayesian "
        "information criterion",
    )
    threshold: float = option(
        0.25,
        "a task whose responsibility for a further group reaches this belongs to it too; 1: never",
        minimum=0.01,
        maximum=1.0,
    )
    singletons: Literal["join", "keep"] = option(
        "join", "join: a task left alone joins the most similar group; keep: it stays alone"
    )
    restarts: int = option(
        3, "embeddings tried; the densest grouping is kept", minimum=1, maximum=100
    )
    hidden: int = option(
        32, "width of the hidden attention layer", minimum=1, maximum=1024, advanced=True
    )
    dimensions: int = option(8, "width of the embedding", minimum=1, maximum=256, advanced=True)
    epochs: int = option(
        100, "training steps of the autoencoder", minimum=1, maximum=10_000, advanced=True
    )
    learning_rate: float = option(0.01, "of Adam", minimum=1e-6, maximum=1.0, advanced=True)
    diagonal: Literal["largest", "own"] = option(
        "largest",
        "what a task's features say of itself: the largest affinity of any pair, or the matrix's "
        "own diagonal (the paper to the letter)",
        advanced=True,
    )


class GatGmm(Clustering):
    """Tasks as nodes of a graph, embedded by graph attention, clustered by a Gaussian mixture.

    SCA paper, section 4.2.2, equations 18–21: a graph-attention autoencoder learns without labels
    to rebuild the rows of the affinity matrix; a mixture with b components on the embeddings gives
    soft memberships, so that groups may overlap; a task left alone joins the nearest group.

    Ours where the paper is silent: affinities enter as z-scores, so that their scale and sign do
    not matter; edge weights enter the attention; of several seeded restarts the grouping of
    highest density is kept.

    Example:
        >>> import numpy as np
        >>> from taskviz.values import AffinityMatrix
        >>> a = AffinityMatrix(np.kron(np.eye(2), np.ones((2, 2))), tuple("abcd"), "example")
        >>> GatGmm().group(a, 2).groups
        (('a', 'b'), ('c', 'd'))
    """

    name = "gat-gmm"
    title = "Graph attention + Gaussian mixture"
    source = "SCA paper, section 4.2.2, eq. 18–21"
    summary = "Learns an embedding of the tasks and clusters it softly; groups may overlap."
    Options = GatGmmOptions

    def clusters(
        self, affinity: AffinityMatrix, numbers: Sequence[int], seed: int
    ) -> Sequence[Found]:
        """See :meth:`Clustering.clusters`; embeds once for all numbers."""
        if not numbers:
            return []
        from threadpoolctl import threadpool_limits

        options = self.options
        similarity, _ = pair_affinity(affinity)
        # Matrices this small only lose time to threads.
        with threadpool_limits(1):
            embeddings = self._embeddings(affinity, seed)
            found = []
            for number in numbers:
                self.progress.check()
                tries = [
                    mixture_memberships(embedding, number, options.threshold, own)
                    for own, embedding in embeddings
                ]
                # By the hard groups: density counts a task once for each group it is in.
                _, soft = max(
                    tries, key=lambda pair: _density(pair[0], similarity, options.singletons)
                )
                found.append(Found(soft))
        return found

    def preference(self, affinity: AffinityMatrix, largest: int, seed: int) -> NDArray[np.float64]:
        """Minus the Bayesian information criterion of the mixture, the mean over restarts.

        A mixture with a component a task always fits, so T groups are never preferred.
        """
        from threadpoolctl import threadpool_limits

        size = len(affinity.tasks)
        found = np.full(largest, -np.inf)
        found[0] = 0.0
        with threadpool_limits(1):
            embeddings = self._embeddings(affinity, seed)
            for number in range(1, min(largest, size - 1) + 1):
                bic = [fit_mixture(scaled, number, own).bic(scaled) for own, scaled in embeddings]
                found[number - 1] = -np.mean(bic)
        return found

    def _embeddings(
        self, affinity: AffinityMatrix, seed: int
    ) -> list[tuple[int, NDArray[np.float64]]]:
        """A seed and the embedding trained from it, scaled to variance 1, for each restart."""
        similarity, _ = pair_affinity(affinity)
        features = _features(affinity, similarity)
        options = self.options
        settings = GatSettings(
            hidden=options.hidden,
            dimensions=options.dimensions,
            epochs=options.epochs,
            learning_rate=options.learning_rate,
            diagonal=options.diagonal,
        )
        seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(options.restarts)]
        return [(own, _scaled(embed_tasks(features, similarity, settings, own))) for own in seeds]


def fit_mixture(scaled: NDArray[np.float64], number: int, seed: int) -> Any:
    """A Gaussian mixture with diagonal covariances on an embedding of variance 1."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(
        number, covariance_type="diag", reg_covar=REGULARISATION, n_init=3, random_state=seed
    )
    with warnings.catch_warnings():
        # Tasks with equal embeddings give fewer clusters than asked for; the caller notes that.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(scaled)


def mixture_memberships(
    scaled: NDArray[np.float64], number: int, threshold: float, seed: int
) -> tuple[Memberships, Memberships]:
    """Hard and soft groups of the mixture.

    Hard: a task belongs to its likeliest component. Soft: also to every other whose responsibility
    for it reaches ``threshold``, unless that is 1.
    """
    responsibility = fit_mixture(scaled, number, seed).predict_proba(scaled)
    hard = one_hot(responsibility.argmax(axis=1), number)
    soft = hard | (responsibility >= threshold).T if threshold < 1 else hard
    # A component that is nobody's likeliest is no group.
    lives = hard.any(axis=1)
    return hard[lives], soft[lives]


def _scaled(embedding: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = embedding - embedding.mean(axis=0)
    spread = centred.std(axis=0)
    return np.asarray(centred / np.where(spread > 1e-9, spread, 1.0))


def _density(groups: Memberships, similarity: NDArray[np.float64], rule: SingletonRule) -> float:
    cleaned = tidy(groups, similarity, rule)
    return density_of(similarity, [np.flatnonzero(row) for row in cleaned])


def _features(affinity: AffinityMatrix, similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of the matrix; an entry without data is taken from the symmetric, completed one."""
    features = np.where(np.isnan(affinity.values), similarity, affinity.values)
    return np.asarray(features, dtype=np.float64)
