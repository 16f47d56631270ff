"""What the heads send back into the trunk."""

from collections.abc import Sequence

import torch
from torch import Tensor

from taskviz.networks import MultiHeadNetwork
from taskviz.optima.units import Units
from taskviz.values import TaskvizError


def feature_gradients(
    network: MultiHeadNetwork, units: Units, features: Sequence[Tensor]
) -> Tensor:
    """``(T, n, *features)``: gradient of each unit's task loss with respect to the trunk's output.

    All that a task's gradient of the shared parameters knows of the task is in here: it is the
    trunk's vector-Jacobian product with this.

    Args:
        features: the trunk's output on the units: one for all tasks (joint) or one a task.

    Raises:
        TaskvizError: a loss whose gradient is not finite.
    """
    tasks = range(len(units.tasks))
    with torch.enable_grad():
        leaves = [features[0 if units.joint else t].detach().requires_grad_(True) for t in tasks]
        # One backward pass for all heads: the leaves keep them apart.
        losses = [units.loss(t, network.heads[t](leaves[t])).sum() for t in tasks]
        found = torch.autograd.grad(torch.stack(losses).sum(), leaves)
    gradients = torch.stack(found)
    if not bool(torch.isfinite(gradients).all()):
        bad = next(t for t in tasks if not bool(torch.isfinite(found[t]).all()))
        raise TaskvizError(
            f"The loss of task {units.tasks[bad].name!r} has no finite gradient in this initial "
            "state: check the inputs and labels of this task for extreme values."
        )
    return gradients
