"""How well a classifier tells two data sets apart: the proxy for the H-divergence."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.input_summaries import summaries, summary_kind
from taskviz.engines import RunContext
from taskviz.values import Split, TaskCollection, option


@dataclass(frozen=True)
class DiscrepancyOptions:
    """Options of :class:`Discrepancy`."""

    samples: int = option(
        2000, "Training samples of each data set the classifier sees at most.", minimum=10
    )
    penalty: float = option(
        1.0, "Strength of the classifier's L2 penalty.", minimum=0.001, maximum=1e6, advanced=True
    )


class Discrepancy(Estimator):
    """Negative proxy A-distance between the inputs of two data sets.

    The H-divergence ``2 sup_h |Pr_D[h] − Pr_D'[h]|`` is estimated by a logistic regression trained
    to tell the two training splits apart, on raw inputs scaled by their common moments; with ε its
    balanced error on the two validation splits, ``d = 2 (1 − 2ε)`` clipped to [0, 2]. A distance is
    bad news, so ``A = −d``: 0 means that the two cannot be told apart, −2 that they always can. The
    labels play no part. The standard error is binomial; the support counts held-out samples.

    Where inputs are no vectors of one length (graphs, series of different length) the classifier
    sees summaries of them (:mod:`taskviz.affinity.input_summaries`), and a note says which.

    In a joint collection all tasks share their inputs: every entry is 0, and a note says so.

    Raises:
        TaskvizError: data sets whose inputs differ in the number of features or channels.
    """

    name = "discrepancy"
    title = "Discrepancy"
    source = "Ben-David et al., Machine Learning 2010; talk, “Beyond linear regression”"
    summary = "How alike the inputs of two data sets are; for separate collections only."
    unit = "negative proxy A-distance: 0 alike, −2 always told apart"
    Options = DiscrepancyOptions

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """A classifier for each pair of data sets."""
        size = len(collection.tasks)
        if collection.layout == "joint":
            return Outcome(
                np.zeros((size, size)),
                notes=(
                    "All tasks share their inputs, so the discrepancy between any two is 0: it "
                    "says nothing about a joint collection.",
                ),
            )
        kind = summary_kind(collection)
        options = self.options
        train = [
            _inputs(collection, t, "train", options.samples, context.seed) for t in range(size)
        ]
        valid = [
            _inputs(collection, t, "valid", options.samples, context.seed) for t in range(size)
        ]
        values, error = np.zeros((2, size, size))
        support = np.diag([len(block) for block in valid]).astype(np.int64)
        context.progress.begin(f"{self.title} of {collection.name}", size * (size - 1) / 2)
        unsettled = 0
        for s in range(size):
            for t in range(s + 1, size):
                context.progress.check()
                mistakes, settled = told_apart(
                    (train[s], train[t]), (valid[s], valid[t]), options.penalty
                )
                unsettled += not settled
                counts = np.array([len(valid[s]), len(valid[t])])
                epsilon = float(mistakes.mean())
                values[s, t] = values[t, s] = -np.clip(2 * (1 - 2 * epsilon), 0, 2)
                spread = (mistakes * (1 - mistakes) / counts).sum() / 4
                error[s, t] = error[t, s] = 4 * np.sqrt(spread)
                support[s, t] = support[t, s] = counts.sum()
                context.progress.advance(1)
        notes: tuple[str, ...] = ()
        if kind:
            notes += (f"The classifier saw, of each sample: {kind}.",)
        if unsettled:
            notes += (f"{unsettled} classifiers did not converge: raise the penalty.",)
        return Outcome(values, error, support, notes=notes)


def told_apart(
    train: tuple[NDArray[np.float64], NDArray[np.float64]],
    valid: tuple[NDArray[np.float64], NDArray[np.float64]],
    penalty: float = 1.0,
) -> tuple[NDArray[np.float64], bool]:
    """Held-out error of a classifier between two sets of inputs.

    Args:
        train: two ``(n, p)``; NaN marks a missing feature.
        valid: two ``(m, p)``.

    Returns:
        Share of mistakes on each validation set, and whether the fit converged.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    both = np.concatenate(train)
    known = np.isfinite(both)
    count = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, both, 0.0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, both - centre, 0.0) ** 2).sum(axis=0) / count)
    spread = np.where(spread > 1e-12 * np.maximum(np.abs(centre), 1e-300), spread, 1.0)

    def scaled(block: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.nan_to_num((block - centre) / spread, nan=0.0, posinf=0.0, neginf=0.0))

    labels = np.repeat([0, 1], [len(train[0]), len(train[1])])
    model = LogisticRegression(C=1 / penalty, class_weight="balanced", max_iter=500)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(scaled(both), labels)
    settled = not any(issubclass(w.category, ConvergenceWarning) for w in caught)
    mistakes = [float((model.predict(scaled(valid[side])) != side).mean()) for side in (0, 1)]
    return np.array(mistakes), settled


def _inputs(
    collection: TaskCollection, task: int, split: Split, most: int, seed: int
) -> NDArray[np.float64]:
    block = collection.samples[task]
    rows = block.indices(split)
    if len(rows) > most:
        rng = np.random.default_rng([seed, 0xD15, task])
        rows = np.sort(rng.choice(rows, most, replace=False))
    shapes = {tuple(own.inputs.shape[1:]) for own in collection.samples}
    return summaries(block.inputs, rows, collection.modality, len(shapes) == 1)
