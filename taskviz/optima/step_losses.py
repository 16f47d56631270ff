"""Losses at the optima that one gradient step reaches, of which the SCA paper's bounds speak."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from taskviz.engines.memory import halving
from taskviz.networks import MultiHeadNetwork
from taskviz.optima.units import Units, adapted, shared_parameters
from taskviz.progress import SILENT, Progress

Floats = NDArray[np.float64]
SEARCHED = 16
"""Units on which the step is chosen, at most."""
NEARLY = 0.01
"""Share of the starting loss that counts as zero loss."""
COARSE: tuple[float, ...] = tuple(10.0 ** float(power) for power in np.linspace(-3, 3, 13))


@dataclass(frozen=True, eq=False)
class StepLosses:
    """Losses before and after one step of size η.

    Args:
        step: η.
        start: ``(n, T)`` ℓ_t(x_i) at θ_0; NaN without a label.
        own: ``(n, T)`` at θ_i^t, the step of this task on this sample; the bounds assume 0.
        shared: ``(n, T)`` at θ_i = mean_t θ_i^t.
        joint: ``(n, T)`` at θ = mean_i θ_i.
    """

    step: float
    start: Floats
    own: Floats
    shared: Floats
    joint: Floats


def step_losses(
    network: MultiHeadNetwork,
    units: Units,
    *,
    step: float | None = None,
    progress: Progress = SILENT,
) -> StepLosses:
    """Measure them; heads stay as they are.

    Args:
        step: η; None takes the least that leaves almost no loss at θ_i^t, or the least loss.
    """
    shared = shared_parameters(network.trunk)
    units = adapted(network, units)
    chosen = _best_step(network, units) if step is None else step
    shape = len(units), len(units.tasks)
    found = [np.full(shape, np.nan) for _ in range(4)]
    start, own, middle, joint = found
    total = [torch.zeros_like(p) for p in shared]
    labelled = 0
    progress.begin("Losses at the optima", len(units))
    for i in range(len(units)):
        progress.check()
        unit = units.part(i, i + 1)
        known = torch.nonzero(unit.known[0])[:, 0].tolist()
        if not known:
            progress.advance(1)
            continue
        labelled += 1
        mean = [torch.zeros_like(p) for p in shared]
        for t in known:
            start[i, t], slope = _slope(network, unit, t, shared)
            with _moved(shared, slope, chosen):
                own[i, t] = _loss(network, unit, t)
            for kept, more in zip(mean, slope, strict=True):
                kept += more / len(known)
        with _moved(shared, mean, chosen):
            for t in known:
                middle[i, t] = _loss(network, unit, t)
        for kept, more in zip(total, mean, strict=True):
            kept += more
        progress.advance(1)
    with _moved(shared, [own_sum / max(labelled, 1) for own_sum in total], chosen), torch.no_grad():
        mask = units.known.cpu().numpy()
        for t in range(len(units.tasks)):

            def losses(first: int, last: int, t: int = t) -> Tensor:
                part = units.part(first, last)
                outputs = network.heads[t](network.trunk(part.inputs_of(t)))
                return part.loss(t, outputs).double().cpu()

            measured = torch.cat(list(halving(len(units), len(units), losses)))
            joint[:, t] = np.where(mask[:, t], measured, np.nan)
    return StepLosses(chosen, *found)


def _best_step(network: MultiHeadNetwork, units: Units) -> float:
    """The least η that leaves at most 1 % of the loss at the task-specific optima of a few units.

    The paper's bounds assume that one step reaches zero loss. A cross-entropy only comes near it,
    the nearer the larger the step, and bounds grow with η²: so not more than this. Where no step
    comes so near, the one that leaves the least.
    """
    shared = shared_parameters(network.trunk)
    part = units.part(0, SEARCHED)
    start, slopes = [], []
    for i in range(len(part)):
        unit = part.part(i, i + 1)
        for t in torch.nonzero(unit.known[0])[:, 0].tolist():
            loss, slope = _slope(network, unit, t, shared)
            start.append(loss)
            slopes.append((unit, t, slope))
    enough = NEARLY * float(np.mean(start)) if start else 0.0
    tried: dict[float, float] = {}

    def left(step: float) -> float:
        if step not in tried:
            losses = []
            for unit, t, slope in slopes:
                with _moved(shared, slope, step):
                    losses.append(_loss(network, unit, t))
            mean = float(np.mean(losses)) if losses else 0.0
            tried[step] = mean if np.isfinite(mean) else np.inf
        return tried[step]

    ratio: float = COARSE[1] / COARSE[0]
    best = next((step for step in COARSE if left(step) <= enough), None)
    if best is not None:
        for _ in range(3):
            ratio = float(ratio**0.5)
            if left(best / ratio) <= enough:
                best /= ratio
        return best
    least: float = min(tried, key=left)
    for _ in range(3):
        # halve the distance to both neighbours, on the scale of logarithms
        ratio = float(ratio**0.5)
        least = min((least / ratio, least, least * ratio), key=left)
    return least


def _slope(
    network: MultiHeadNetwork, unit: Units, t: int, shared: Sequence[nn.Parameter]
) -> tuple[float, list[Tensor]]:
    with torch.enable_grad():
        loss = unit.loss(t, network.heads[t](network.trunk(unit.inputs_of(t)))).sum()
        found = torch.autograd.grad(loss, shared, allow_unused=True)
    pieces = [torch.zeros_like(p) if g is None else g for g, p in zip(found, shared, strict=True)]
    return float(loss.detach()), pieces


@torch.no_grad()
def _loss(network: MultiHeadNetwork, unit: Units, t: int) -> float:
    return float(unit.loss(t, network.heads[t](network.trunk(unit.inputs_of(t)))).sum())


@contextmanager
def _moved(shared: Sequence[nn.Parameter], slope: Sequence[Tensor], step: float) -> Iterator[None]:
    """The network one step of size ``step`` further, put back bit by bit on leaving."""
    before = [parameter.detach().clone() for parameter in shared]
    try:
        with torch.no_grad():
            for parameter, gradient in zip(shared, slope, strict=True):
                parameter.sub_(gradient, alpha=step)
        yield
    finally:
        with torch.no_grad():
            for parameter, kept in zip(shared, before, strict=True):
                parameter.copy_(kept)
