"""First-order expansion of a network's outputs in its parameters."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, jvp

from taskviz.engines.memory import halving
from taskviz.networks import MultiHeadNetwork
from taskviz.progress import SILENT, Progress

Parameters = Mapping[str, Tensor]
CHUNK = 1024
"""Samples that go through the network at once, at most."""
ACTIVATIONS = 1 << 24
"""Activations that go through the network at once."""
HELD = 1 << 24
"""Entries of a projection that are kept rather than drawn again."""


@dataclass(frozen=True)
class Projection:
    """``P/√d`` with P of ±1, a column at a time: it need never be there as a whole.

    Each direction derives from ``seed`` and its number alone. Where the parameters are no more than
    d, nothing is projected: the directions are the coordinates, and d is their number.

    Args:
        shapes: parameter name → shape.
        dimension: d.
        seed: of the signs.
    """

    shapes: Mapping[str, torch.Size]
    dimension: int
    seed: int

    @classmethod
    def of(cls, parameters: Parameters, dimension: int, seed: int) -> "Projection":
        """For these parameters; d at most their number."""
        shapes = {name: value.shape for name, value in parameters.items()}
        total = sum(value.numel() for value in parameters.values())
        return cls(shapes, min(dimension, total), seed)

    @property
    def total(self) -> int:
        """Number of parameters."""
        return sum(shape.numel() for shape in self.shapes.values())

    @property
    def exact(self) -> bool:
        """Nothing is projected away."""
        return self.dimension == self.total

    def flat(self, number: int) -> Tensor:
        """``(total,)`` float32 direction on the host."""
        if self.exact:
            return torch.nn.functional.one_hot(torch.tensor(number), self.total).float()
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + number) % (2**63 - 1))
        signs = torch.randint(0, 2, (self.total,), generator=generator, dtype=torch.int8)
        return torch.div(2 * signs.float() - 1, self.dimension**0.5)

    def direction(self, number: int, like: Tensor) -> dict[str, Tensor]:
        """One direction as parameters, of the type and on the device of ``like``."""
        return self.split(self.flat(number).to(device=like.device, dtype=like.dtype))

    def split(self, flat: Tensor) -> dict[str, Tensor]:
        """``(…, total)`` → name → ``(…, *shape)``."""
        sizes = [shape.numel() for shape in self.shapes.values()]
        pieces = torch.split(flat, sizes, dim=-1)
        lead = flat.shape[:-1]
        return {
            name: piece.reshape(*lead, *shape)
            for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }

    def combine(self, weights: Tensor) -> Iterator[dict[str, Tensor]]:
        """``P w / √d`` for each of ``(m, d)`` weights, as parameters."""
        if self.exact:
            for row in weights:
                yield self.split(row)
            return
        block = max(1, HELD // self.total)
        for rows in torch.split(weights, block):
            sums = rows.new_zeros(len(rows), self.total)
            for start in range(0, self.dimension, block):
                numbers = range(start, min(start + block, self.dimension))
                part = torch.stack([self.flat(number) for number in numbers])
                sums += rows[:, numbers.start : numbers.stop] @ part.to(rows)
            for row in sums:
                yield self.split(row)


def outputs_at(
    network: MultiHeadNetwork, parameters: Parameters, inputs: Tensor, heads: Sequence[int]
) -> Tensor:
    """``(n, outputs)`` of several heads side by side, with some parameters replaced."""
    found: list[Tensor] = functional_call(network, dict(parameters), (inputs, heads))
    return torch.cat(found, dim=1)


def projected_gradients(
    network: MultiHeadNetwork,
    parameters: Parameters,
    inputs: Tensor,
    heads: Sequence[int],
    projection: Projection,
    progress: Progress = SILENT,
) -> tuple[Tensor, Tensor]:
    """Outputs, and the gradient of each output of each sample in the projected space.

    The projected gradient is the derivative of the outputs along each direction, which one pass a
    direction gives for all samples, tasks and outputs at once: no gradient is ever formed.

    Args:
        network: in evaluation mode.
        parameters: those that may move, by name; others stay.
        inputs: ``(n, *shape)``.
        heads: whose outputs.

    Returns:
        ``(n, outputs)`` and ``(n, outputs, d)``.
    """
    like = next(iter(parameters.values()))
    progress.begin("Projected gradients", projection.dimension * len(inputs))

    def project(first: int, last: int) -> tuple[Tensor, Tensor]:
        base, slope = derivative_along(network, parameters, inputs[first:last], heads)
        features = base.new_empty(*base.shape, projection.dimension)
        for number in range(projection.dimension):
            progress.check()
            features[..., number] = slope(projection.direction(number, like))
            progress.advance(last - first)
        return base, features

    size = _chunk(network, parameters, inputs, heads)
    found = list(halving(len(inputs), size, project))
    return torch.cat([base for base, _ in found]), torch.cat([rows for _, rows in found])


def derivative_along(
    network: MultiHeadNetwork, parameters: Parameters, inputs: Tensor, heads: Sequence[int]
) -> tuple[Tensor, Callable[[Parameters], Tensor]]:
    """Outputs, and their derivative along any direction of the parameters.

    The backward pass Jᵀv is linear in v, so differentiating it by v along u gives J u; its graph is
    built once for all directions. A network with an operation that cannot be differentiated twice
    takes forward mode.
    """
    place = dict(parameters)

    def outputs(moved: dict[str, Tensor]) -> Tensor:
        return outputs_at(network, moved, inputs, heads)

    leaves = {name: value.detach().clone().requires_grad_() for name, value in place.items()}
    found = outputs(leaves)
    dummy = torch.zeros_like(found, requires_grad=True)
    back = torch.autograd.grad(
        found, list(leaves.values()), dummy, create_graph=True, allow_unused=True
    )
    used = {name: g for name, g in zip(leaves, back, strict=True) if g is not None}

    def twice(direction: Parameters) -> Tensor:
        (slope,) = torch.autograd.grad(
            list(used.values()), dummy, [direction[name] for name in used], retain_graph=True
        )
        return slope.detach()

    def forward(direction: Parameters) -> Tensor:
        slope: Tensor = jvp(outputs, (place,), (dict(direction),))[1]
        return slope.detach()

    try:
        twice(place)
    except (NotImplementedError, RuntimeError):
        return found.detach(), forward
    return found.detach(), twice


def _chunk(
    network: MultiHeadNetwork, parameters: Parameters, inputs: Tensor, heads: Sequence[int]
) -> int:
    """Samples whose activations, kept for the passes, stay within :data:`ACTIVATIONS`."""
    count = 0

    def tally(_module: nn.Module, _inputs: Any, output: Any) -> None:
        nonlocal count
        count += output.numel() if isinstance(output, Tensor) else 0

    leaves = [module for module in network.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(tally) for module in leaves]
    try:
        with torch.no_grad():
            outputs_at(network, parameters, inputs[:1], heads)
    finally:
        for hook in hooks:
            hook.remove()
    return max(1, min(CHUNK, ACTIVATIONS // max(count, 1)))
