"""GradNorm: weights under which all tasks train at similar rates."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from taskviz.networks import MultiHeadNetwork
from taskviz.training.weighting.base import Step, Weighting

ALPHA = 1.5
"""Strength of the pull towards equal rates; the value that most studies take."""
LEARNING_RATE = 0.025
"""Of Adam on the weights (the paper's section 5.1)."""
TINY = 1e-12


class GradNorm(Weighting):
    r"""Chen et al. 2018, algorithm 1.

    With W the last shared layer: G_i = ‖∇_W w_i L_i‖₂, Ḡ their mean, r_i the loss ratio
    L_i / L_i(0) over the mean ratio. The weights follow the gradient of
    Σ_i \|G_i − Ḡ r_i^α\|₁, its target held constant; then they are renormalised to sum to T.
    Since G_i is linear in w_i, that gradient is ‖∇_W L_i‖₂ · sign(G_i − Ḡ r_i^α): no second
    derivative is needed.

    Beyond the paper: L_i(0) is the loss of the first batch with a label of the task; a task
    without one in the batch is left out of the means and keeps its weight; weights stay ≥ 0.
    """

    name: ClassVar[str] = "gradnorm"
    title: ClassVar[str] = "GradNorm"
    source: ClassVar[str] = (
        "Chen et al., GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep "
        "Multitask Networks, ICML 2018, algorithm 1"
    )
    initial: Tensor

    def __init__(self, tasks: int) -> None:
        super().__init__(tasks)
        self.weights = nn.Parameter(torch.ones(tasks))
        self.register_buffer("initial", torch.full((tasks,), torch.nan))
        self._adam = torch.optim.Adam([self.weights], lr=LEARNING_RATE)

    def learned(self) -> list[nn.Parameter]:
        """None: the weights have an optimizer of their own."""
        return []

    def backward(self, step: Step) -> None:
        """See :meth:`Weighting.backward`."""
        layer = _last_layer(step.network)
        norms = torch.stack(
            [
                torch.autograd.grad(step.scaled(loss), layer, retain_graph=True)[0].norm()
                for loss in step.losses
            ]
        )
        norms = norms if step.scale is None else norms / step.scale
        weights = self.weights.detach().clone()
        step.scaled((weights * step.losses).sum()).backward()  # type: ignore[no-untyped-call]
        present = step.present()
        if present is None:
            present = torch.ones_like(norms, dtype=torch.bool)
        self._update(step.losses.detach(), norms.detach(), present)

    def _update(self, losses: Tensor, norms: Tensor, present: Tensor) -> None:
        unseen = present & self.initial.isnan()
        self.initial = torch.where(unseen, losses, self.initial)
        before = self.weights.detach().clone()
        sizes = before * norms
        # Where every task is present, mean and masked mean are the same number.
        ratios = losses / self.initial.clamp(min=TINY)
        ratios = torch.where(present, ratios, torch.zeros_like(ratios))
        count = present.sum().clamp(min=1)
        rates = ratios / (ratios.sum() / count).clamp(min=TINY)
        mean = torch.where(present, sizes, torch.zeros_like(sizes)).sum() / count
        slope = norms * torch.sign(sizes - mean * rates**ALPHA)
        self.weights.grad = torch.where(present, slope, torch.zeros_like(slope))
        self._adam.step()
        self.weights.grad = None
        with torch.no_grad():
            moved = torch.where(present, self.weights, before).clamp(min=0)
            self.weights.copy_(moved * (self.tasks / moved.sum().clamp(min=TINY)))


def _last_layer(network: MultiHeadNetwork) -> nn.Parameter:
    """Weights of the last shared layer, as registered."""
    found = [p for p in network.trunk.parameters() if p.ndim >= 2]
    return found[-1] if found else list(network.trunk.parameters())[-1]
