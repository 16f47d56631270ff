"""The slow and obvious way: one backward pass a unit and task. What every faster way must equal."""

from collections.abc import Iterator

import torch
from torch import Tensor

from taskviz.networks import MultiHeadNetwork
from taskviz.optima.units import Units, shared_parameters


def plain_gradients(network: MultiHeadNetwork, units: Units) -> Iterator[Tensor]:
    """Yield ``(T, M)`` for each unit: ∇_θ ℓ_t of every task, shared parameters end to end.

    ``θ_i^t = θ_0 − η ∇_θ ℓ_t`` (SCA paper, eq. 5), so differences of optima are −η times
    differences of these rows.
    """
    shared = shared_parameters(network.trunk)
    for i in range(len(units)):
        unit = units.part(i, i + 1)
        rows = []
        for t in range(len(units.tasks)):
            features = network.trunk(network.adapt(unit.inputs_of(t), t))
            output = network.heads[t](features)
            found = torch.autograd.grad(unit.loss(t, output).sum(), shared, allow_unused=True)
            pieces = [
                (torch.zeros_like(p) if g is None else g).flatten()
                for p, g in zip(shared, found, strict=True)
            ]
            rows.append(torch.cat(pieces))
        yield torch.stack(rows)


def plain_distances(network: MultiHeadNetwork, units: Units) -> Tensor:
    """``(n, T, T)`` float64 ‖∇ℓ_s − ∇ℓ_t‖₁ of every unit and pair; missing labels count as 0."""
    tasks = len(units.tasks)
    host = torch.zeros(len(units), tasks, tasks, dtype=torch.float64)
    for i, rows in enumerate(plain_gradients(network, units)):
        for s in range(tasks):
            for t in range(s + 1, tasks):
                distance = (rows[s] - rows[t]).abs().sum()
                host[i, s, t] = host[i, t, s] = float(distance)
    return host
