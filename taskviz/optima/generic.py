"""Any trunk, unit by unit: one forward pass, a batched vector-Jacobian product over the tasks."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from taskviz.optima.l1 import pairwise_l1


def generic_distances(
    features: Sequence[Tensor],
    cotangents: Tensor,
    parameters: Sequence[nn.Parameter],
    elements: int,
) -> Tensor:
    """``(T(T−1)/2,)`` float64 distances between the tasks' gradients on one unit.

    A weight that is used twice gets the sum of its gradients before any norm is taken.

    Args:
        features: the trunk's output ``(1, …)`` with its graph: one for all tasks, or one a task.
        cotangents: ``(T, 1, …)`` gradient of each task's loss by the trunk's output.
        parameters: those to compare over.
        elements: how many numbers of gradients may be held at once, over all tasks; where they
            are fewer than all, some parameters are done after others in further passes.
    """
    total: Tensor | None = None
    for group in parameter_groups(parameters, len(cotangents), elements):
        for rows in task_gradients(features, cotangents, group):
            found = pairwise_l1(rows)
            total = found if total is None else total + found
    assert total is not None, "a trunk with parameters that learn"
    return total


def parameter_groups(
    parameters: Sequence[nn.Parameter], tasks: int, elements: int
) -> list[list[nn.Parameter]]:
    """Runs of parameters whose gradients of all tasks fit into ``elements`` numbers."""
    groups: list[list[nn.Parameter]] = []
    room = 0
    for parameter in parameters:
        size = tasks * parameter.numel()
        if not groups or size > room:
            groups.append([])
            room = elements
        groups[-1].append(parameter)
        room -= size
    return groups


def task_gradients(
    features: Sequence[Tensor], cotangents: Tensor, parameters: Sequence[nn.Parameter]
) -> Iterator[Tensor]:
    """Yield ``(T, parameter.numel())`` for each parameter: its gradient from every task.

    Arguments as of :func:`generic_distances`; the graph is kept.
    """
    tasks = len(cotangents)
    if len(features) == 1:
        found = _batched(features[0], cotangents, parameters)
    else:
        found = _one_by_one(features, cotangents, parameters)
    for gradient, parameter in zip(found, parameters, strict=True):
        if gradient is None:
            gradient = parameter.new_zeros(tasks, parameter.numel())
        yield gradient.reshape(tasks, -1)


def _batched(
    features: Tensor, cotangents: Tensor, parameters: Sequence[nn.Parameter]
) -> Sequence[Tensor | None]:
    try:
        return torch.autograd.grad(
            features,
            parameters,
            cotangents,
            retain_graph=True,
            is_grads_batched=True,
            allow_unused=True,
        )
    except (RuntimeError, NotImplementedError):
        pass
    # An operation whose backward pass cannot be batched, or memory for some tasks only: one task
    # after another. Not within the handler, whose traceback holds the tensors of what failed.
    return _one_by_one([features] * len(cotangents), cotangents, parameters)


def _one_by_one(
    features: Sequence[Tensor], cotangents: Tensor, parameters: Sequence[nn.Parameter]
) -> Sequence[Tensor | None]:
    each = [
        torch.autograd.grad(own, parameters, cotangent, retain_graph=True, allow_unused=True)
        for own, cotangent in zip(features, cotangents, strict=True)
    ]
    return [_stack(column) for column in zip(*each, strict=True)]


def _stack(gradients: Sequence[Tensor | None]) -> Tensor | None:
    known = [gradient for gradient in gradients if gradient is not None]
    if not known:
        return None
    return torch.stack([torch.zeros_like(known[0]) if g is None else g for g in gradients])
