"""Predicted losses of a pooled model, for the exact selection of groups."""

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.pooled_model import PooledModel
from taskviz.grouping.network_selection import GroupScores


class ModelScores(GroupScores):
    """Loss of each task in any group, by a fitted model; lower is better.

    Args:
        model: fitted to the losses of subset networks.
        tasks: names.
    """

    higher_is_better = False
    unit = "sum over tasks of the predicted loss"
    name = "pooled-surrogate"

    def __init__(self, model: PooledModel, tasks: tuple[str, ...]) -> None:
        self.tasks, self._model = tasks, model

    def losses(self, members: NDArray[np.bool_]) -> NDArray[np.float64]:
        """See :meth:`GroupScores.losses`."""
        predicted = self._model.predict(np.asarray(members, dtype=bool))
        return np.where(np.isnan(predicted), np.inf, predicted)
