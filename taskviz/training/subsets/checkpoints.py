"""Which state of each network is scored."""

import numpy as np
from numpy.typing import NDArray

from taskviz.training.subsets.request import Checkpoint


class Checkpoints:
    """Keeps the losses of the best state seen, a network or a task.

    ``network``: the state with the best mean validation loss over the network's tasks.
    ``task``: for each task the state with its own best validation loss. Measured on exhaustive
    truth, groups chosen by it captured .13 to .21 less of the reachable gain: each task's minimum
    over epochs is a noisier figure than the loss at one common state.

    A task without validation labels has no say; a network of such tasks keeps its last state.

    Args:
        membership: ``(G, T)`` bool.
        labelled: ``(T,)`` bool: the task has a label in the validation split.
        kind: ``network`` or ``task``.
    """

    def __init__(
        self, membership: NDArray[np.bool_], labelled: NDArray[np.bool_], kind: Checkpoint
    ) -> None:
        self._membership, self._kind = membership, kind
        self._scored = membership & labelled
        self._judged = self._scored
        if kind == "network":
            self._judged = np.broadcast_to(
                np.any(self._scored, axis=1, keepdims=True), membership.shape
            )
        self._best = np.full(membership.shape, np.inf)
        self.valid = np.full(membership.shape, np.nan)
        self.test = np.full(membership.shape, np.nan)

    def finite(self, losses: NDArray[np.float64]) -> NDArray[np.bool_]:
        """``(G,)``: every loss that counts is finite."""
        return np.asarray(np.all(np.isfinite(losses) | ~self._scored, axis=1))

    def offer(self, losses: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Take up the ``(G, T)`` validation losses of the present states.

        Returns:
            ``(G, T)`` bool: the test losses of the present state are wanted here. In the
            ``network`` kind every row is all true or all false.
        """
        scores = np.where(self._scored, losses, 0.0)
        if self._kind == "network":
            counts = np.maximum(self._scored.sum(axis=1, keepdims=True), 1)
            scores = np.broadcast_to(scores.sum(axis=1, keepdims=True) / counts, losses.shape)
        better = (scores < self._best) | ~self._judged
        self._best = np.where(better, scores, self._best)
        self.valid = np.where(better & self._membership, losses, self.valid)
        return better

    def tested(self, losses: NDArray[np.float64], better: NDArray[np.bool_]) -> None:
        """Take up ``(G, T)`` test losses where :meth:`offer` wanted them."""
        self.test = np.where(better & self._membership, losses, self.test)
