"""The network itself at the parameters that a linear fit gives, to score fits by."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.affinity.joint_training import JointTraining
from taskviz.affinity.linearisation import Projection, outputs_at
from taskviz.affinity.pooled_fits import TaskSamples


class RealNetwork:
    """Validation losses of the network itself at ``θ* + P w / √d``."""

    def __init__(
        self,
        run: JointTraining,
        parameters: dict[str, Tensor],
        projection: Projection,
        rows: list[Tensor],
        valid: list[TaskSamples | None],
    ) -> None:
        self.run, self.parameters, self.projection = run, parameters, projection
        self.rows, self.valid = rows, valid

    @torch.no_grad()
    def losses(self, weights: Tensor, membership: Tensor) -> NDArray[np.float64]:
        """``(m, T)``; NaN outside."""
        found = np.full(tuple(membership.shape), np.nan)
        for row, moved in enumerate(self.projection.combine(weights)):
            place = {name: value + moved[name] for name, value in self.parameters.items()}
            for task in torch.nonzero(membership[row])[:, 0].tolist():
                sample, rows = self.valid[task], self.rows[task]
                if sample is not None:
                    inputs = self.run.data.inputs_of(task)[rows]
                    outputs = outputs_at(self.run.network, place, inputs, [task])
                    found[row, task] = float(sample.losses_of(outputs[..., None])[0])
        return found
