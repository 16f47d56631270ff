"""The smoothness H of the SCA paper: the largest diagonal entry of the Hessian of a task's loss.

For every sample and task [∇²_θ ℓ_t(x_i)]_kk ≤ H must hold over the shared parameters. Three ways:

- ``rectified``: exact and cheap where the trunk is made of linear layers and ReLUs. Moving one
  weight moves the outputs along a straight line there, so that only the loss itself bends: with
  ∇²_o ℓ = Σ_r u_r u_rᵀ the entry of weight (j, k) is Σ_r δ_rj² a_k², δ_r the signal that u_r sends
  back to the layer.
- ``basis``: exact for small trunks: one Hessian-vector product a parameter.
- ``hutchinson``: E[z ⊙ ∇²ℓ z] over random signs z estimates the diagonal. The largest of many
  noisy entries is too large on average; so the estimate only says where to look: the entries that
  seem largest are computed exactly, and the standard error of the estimate there says by how much
  another entry may be larger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from taskviz.networks import MLPTrunk, MultiHeadNetwork
from taskviz.optima.capture import in_one_piece, output_gradients, recording, regular
from taskviz.optima.layers import closed_form_layers
from taskviz.optima.units import Units, adapted, shared_parameters
from taskviz.optima.way import choose_way
from taskviz.progress import SILENT, Progress
from taskviz.values import TaskvizError

Way = Literal["auto", "rectified", "basis", "hutchinson"]
BASIS_PARAMETERS = 512
"""Shared parameters up to which one Hessian-vector product each is worth it."""
HUTCHINSON_UNITS, FEW_UNITS = 16, 4
"""Units that Hessian-vector products are taken on, at most: of a trunk of up to
:data:`LARGE_TRUNK` parameters, and of a larger one."""
LARGE_TRUNK = 200_000
PROBES = 64
LOOKED_AT = 16
"""Entries of each sample and task that Hutchinson's estimate has computed exactly."""
AT_ONCE = 1 << 24
"""Numbers of Hessian-vector products held at once."""


@dataclass(frozen=True)
class Curvature:
    """The largest diagonal entry found.

    Args:
        value: H.
        error: standard error of Hutchinson's estimate of this entry; 0 where all were computed.
        way: how it was found.
        units: samples it was looked for on.
        task: number of the task that has it.
    """

    value: float
    error: float
    way: str
    units: int
    task: int


def largest_curvature(
    network: MultiHeadNetwork,
    units: Units,
    *,
    way: Way = "auto",
    probes: int = PROBES,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Curvature:
    """H over the tasks and samples given, at the network's state.

    Args:
        way: see the module; ``auto`` takes the first that fits.
        probes: random vectors of ``hutchinson``.

    Raises:
        TaskvizError: ``rectified`` for a trunk that is not, or no label at all.
    """
    if not bool(units.known.any()):
        raise TaskvizError("There is no label to take a loss from: H needs one sample at least.")
    units = adapted(network, units)
    reason = _not_rectified(network.trunk, units)
    if way == "rectified" and reason:
        raise TaskvizError(f"Curvature 'rectified' does not fit this trunk: {reason}.")
    numbers = sum(p.numel() for p in shared_parameters(network.trunk))
    if way == "auto":
        way = "basis" if numbers <= BASIS_PARAMETERS else "hutchinson"
        way = way if reason else "rectified"
    if way == "rectified":
        progress.begin("Curvature", 1)
        found = _rectified(network, units)
        progress.advance(1)
        known = np.where(np.isnan(found), -np.inf, found)
        task = int(known.max(axis=0).argmax())
        return Curvature(float(known.max()), 0.0, "rectified", len(units), task)
    most = HUTCHINSON_UNITS if numbers <= LARGE_TRUNK else FEW_UNITS
    labelled = torch.nonzero(units.known.any(dim=1))[:most, 0]
    few = units.take(labelled)
    return _by_products(network, few, way == "basis", probes, seed, progress)


def _not_rectified(trunk: nn.Module, units: Units) -> str:
    containers, leaves = (nn.Sequential, MLPTrunk), (nn.Linear, nn.ReLU, nn.Flatten, nn.Identity)
    for name, module in trunk.named_modules():
        if type(module) not in (*containers, *leaves):
            return f"{name or 'the trunk'} ({type(module).__name__}) may bend its inputs"
    way = choose_way(trunk, units.inputs)
    return way.reason


def _rectified(network: MultiHeadNetwork, units: Units) -> NDArray[np.float64]:
    """``(n, T)`` largest diagonal entry of each sample's loss; NaN without a label."""
    trunk = network.trunk
    layers = closed_form_layers(trunk)[0]
    largest = torch.full((len(units), len(units.tasks)), torch.nan, dtype=torch.float64)
    for t in range(len(units.tasks)):
        with torch.enable_grad(), recording(layers) as traces:
            features = trunk(units.inputs_of(t))
        regular(traces, len(units))
        cotangents = _bending(network, units, features.detach(), t)
        signals = output_gradients(features, traces, cotangents)
        entries = []
        for trace, signal in zip(traces, signals, strict=True):
            layer = layers[trace.layer]
            # weights used at several positions are summed before they are squared
            delta, seen = in_one_piece(signal), trace.inputs
            if delta.dim() != 3:
                raise TaskvizError("A linear layer is used at several positions: choose 'basis'.")
            outer = (delta**2).sum(dim=0).amax(dim=1)
            weight = isinstance(layer.weight, nn.Parameter) and layer.weight.requires_grad
            bias = isinstance(layer.bias, nn.Parameter) and layer.bias.requires_grad
            inner = (seen**2).amax(dim=1) if weight else torch.zeros_like(outer)
            entries.append(outer * (inner.clamp(min=1.0) if bias else inner))
        found = torch.stack(entries).amax(dim=0).double().cpu()
        largest[:, t] = torch.where(units.known[:, t].cpu(), found, torch.nan)
    return largest.numpy()


def _bending(network: MultiHeadNetwork, units: Units, features: Tensor, t: int) -> Tensor:
    """``(C, n, features)`` what each direction in which the loss bends sends into the trunk."""
    leaf = features.clone().requires_grad_(True)
    with torch.enable_grad():
        outputs = network.heads[t](leaf)
        out = outputs.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(units.loss(t, out).sum(), out, create_graph=True)
        columns = [
            torch.autograd.grad(slope[:, c].sum(), out, retain_graph=True)[0]
            if slope.requires_grad
            else torch.zeros_like(out)
            for c in range(out.shape[1])
        ]
        values, vectors = torch.linalg.eigh(torch.stack(columns, dim=1))
        roots = vectors * values.clamp(min=0).sqrt()[:, None, :]
        found = [
            torch.autograd.grad(outputs, leaf, roots[:, :, r], retain_graph=True)[0]
            for r in range(out.shape[1])
        ]
    return torch.stack(found).detach()


def _by_products(
    network: MultiHeadNetwork, units: Units, exact: bool, probes: int, seed: int, progress: Progress
) -> Curvature:
    """Hessian-vector products of every sample's loss, with a basis or with random signs."""
    shared = shared_parameters(network.trunk)
    numbers = sum(p.numel() for p in shared)
    generator = torch.Generator().manual_seed(seed)
    best = Curvature(-np.inf, 0.0, "basis" if exact else "hutchinson", len(units), 0)
    progress.begin("Curvature", len(units) * len(units.tasks))
    for i in range(len(units)):
        unit = units.part(i, i + 1)
        for t in range(len(units.tasks)):
            progress.check()
            progress.advance(1)
            if not bool(unit.known[0, t]):
                continue
            with torch.enable_grad():
                loss = unit.loss(t, network.heads[t](network.trunk(unit.inputs_of(t)))).sum()
                slopes = torch.autograd.grad(loss, shared, create_graph=True, allow_unused=True)
            if exact:
                diagonal = _products(slopes, shared, torch.eye(numbers)).diagonal()
                if float(diagonal.max()) > best.value:
                    best = Curvature(float(diagonal.max()), 0.0, "basis", len(units), t)
                continue
            signs = torch.randint(0, 2, (probes, numbers), generator=generator) * 2.0 - 1.0
            estimates = signs.double() * _products(slopes, shared, signs)
            looked = estimates.mean(dim=0).topk(min(LOOKED_AT, numbers)).indices
            basis = torch.zeros(len(looked), numbers)
            basis[torch.arange(len(looked)), looked] = 1.0
            exact_ones = _products(slopes, shared, basis)[torch.arange(len(looked)), looked]
            top = int(exact_ones.argmax())
            if float(exact_ones[top]) > best.value:
                error = float(estimates[:, looked[top]].std()) / probes**0.5
                best = Curvature(float(exact_ones[top]), error, "hutchinson", len(units), t)
    return best


def _products(
    slopes: Sequence[Tensor | None], shared: Sequence[nn.Parameter], vectors: Tensor
) -> Tensor:
    """``(R, M)`` float64 Hessian-vector products on the host."""
    alive = [
        (g, p) for g, p in zip(slopes, shared, strict=True) if g is not None and g.requires_grad
    ]
    if not alive:
        return torch.zeros(vectors.shape, dtype=torch.float64)
    sizes = [p.numel() for p in shared]
    step = max(1, AT_ONCE // vectors.shape[1])
    rows = []
    for part in torch.split(vectors, step):
        pieces = dict(zip(map(id, shared), torch.split(part, sizes, dim=1), strict=True))
        given = [pieces[id(p)].to(g).view(len(part), *g.shape) for g, p in alive]
        found = _batched([g for g, _ in alive], shared, given)
        flat = [
            p.new_zeros(len(part), p.numel()) if h is None else h.reshape(len(part), -1)
            for h, p in zip(found, shared, strict=True)
        ]
        rows.append(torch.cat(flat, dim=1).double().cpu())
    return torch.cat(rows)


def _batched(
    slopes: list[Tensor], shared: Sequence[nn.Parameter], vectors: list[Tensor]
) -> Sequence[Tensor | None]:
    try:
        return torch.autograd.grad(
            slopes, shared, vectors, retain_graph=True, is_grads_batched=True, allow_unused=True
        )
    except (RuntimeError, NotImplementedError):
        # An operation whose backward pass cannot be batched: one vector after another.
        each = [
            torch.autograd.grad(slopes, shared, own, retain_graph=True, allow_unused=True)
            for own in zip(*vectors, strict=True)
        ]
        return [
            torch.stack([h for h in column if h is not None]) if column[0] is not None else None
            for column in zip(*each, strict=True)
        ]
