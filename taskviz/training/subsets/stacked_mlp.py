"""Stacked fully connected networks, forward and backward by hand in batched products."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from taskviz.networks import MLPTrunk, MultiHeadNetwork
from taskviz.training.subsets.columns import Columns
from taskviz.training.subsets.registers import in_registers
from taskviz.training.subsets.stack import Stack

# Elements; keeps the end of the flat parameter vector on a whole vector register.
ALIGN = 64


@dataclass(frozen=True)
class Activation:
    """In place, and the gradient through it.

    Args:
        apply: ``apply(x, out)``.
        back: ``back(gradient, saved)``, in place on ``gradient``.
        saves_input: ``saved`` is the input of the activation, else its output.
    """

    apply: Callable[[Tensor, Tensor], Tensor]
    back: Callable[[Tensor, Tensor], Tensor]
    saves_input: bool = False


_aten = torch.ops.aten


def _tanh(x: Tensor, out: Tensor) -> None:
    torch.tanh(x, out=out)


def _tanh_backward(gradient: Tensor, y: Tensor, out: Tensor) -> None:
    _aten.tanh_backward.grad_input(gradient, y, grad_input=out)


def _gelu(x: Tensor, out: Tensor) -> None:
    _aten.gelu.out(x, out=out)


def _gelu_backward(gradient: Tensor, x: Tensor, out: Tensor) -> None:
    _aten.gelu_backward.grad_input(gradient, x, grad_input=out)


ACTIVATIONS: dict[type[nn.Module], Activation] = {
    nn.ReLU: Activation(
        lambda x, out: torch.clamp(x, min=0, out=out) if x is not out else torch.relu_(x),
        lambda g, y: _aten.threshold_backward.grad_input(g, y, 0, grad_input=g),
    ),
    nn.Tanh: Activation(
        lambda x, out: in_registers(_tanh, out, x),
        lambda g, y: in_registers(_tanh_backward, g, g, y),
    ),
    nn.GELU: Activation(
        lambda x, out: in_registers(_gelu, out, x),
        lambda g, x: in_registers(_gelu_backward, g, g, x),
        saves_input=True,
    ),
}


@dataclass(eq=False)
class _Layer:
    """``(G, in, out)`` weight and ``(G, 1, out)`` bias with their gradients and kept copies."""

    weight: Tensor
    bias: Tensor
    weight_gradient: Tensor
    bias_gradient: Tensor
    kept_weight: Tensor
    kept_bias: Tensor

    def __post_init__(self) -> None:
        self.transposed = self.weight.transpose(1, 2)


@dataclass(eq=False)
class _Step:
    """Buffers of one layer for one number of rows, all ``(G, n, out)``.

    Args:
        product: input of the activation.
        signal: its output; the same memory where the activation needs its output alone.
        transposed: ``signal`` as ``(G, out, n)``.
        slope: gradient of ``signal``, then of ``product``.
    """

    product: Tensor
    signal: Tensor
    transposed: Tensor
    slope: Tensor


class StackedMLP(Stack):
    """A stack of :class:`~taskviz.networks.MLPTrunk` networks with linear heads.

    All parameters are views into one flat vector, so that an update is one call.

    Args:
        network: the initial state of every network, with the heads of all tasks.
        columns: order of the outputs.
        count: G.
        rows: largest batch, in training and in evaluation.
    """

    def __init__(
        self,
        network: MultiHeadNetwork,
        columns: Columns,
        count: int,
        rows: int,
        *,
        learning_rate: float,
        weight_decay: float,
    ) -> None:
        super().__init__(count, learning_rate, weight_decay)
        trunk, head = linear_layers(network, columns)
        self._activation = ACTIVATIONS[type(_layers(network)[1])]
        sizes = [w.numel() + b.numel() for w, b in (*trunk, head)]
        like = head[0]
        length = -(-count * sum(sizes) // ALIGN) * ALIGN
        flat, gradient, kept = (like.new_zeros(length) for _ in range(3))
        self.parameters, self.gradients = [flat], [gradient]
        self._layers: list[_Layer] = []
        at = 0
        for weight, bias in (*trunk, head):
            views = []
            for source in (weight, bias):
                shape, stop = (count, *source.shape), at + count * source.numel()
                value, slope, copy = (v[at:stop].view(shape) for v in (flat, gradient, kept))
                value.copy_(source)
                views.append((value, slope, copy))
                at = stop
            (w, dw, kw), (b, db, kb) = views
            self._layers.append(_Layer(w, b, dw, db, kw, kb))
        self._widths = [layer.weight.shape[2] for layer in self._layers]
        self._signals = [like.new_empty(count * rows * width) for width in self._widths]
        self._products = self._signals
        if self._activation.saves_input:
            self._products = [torch.empty_like(buffer) for buffer in self._signals]
        self._slopes = [torch.empty_like(buffer) for buffer in self._signals[:-1]]
        self._slopes.append(self._signals[-1])
        self._ones = like.new_ones(1, 1, rows).expand(count, 1, rows)
        self._views_of: dict[int, list[_Step]] = {}
        self._input = like

    def forward(self, inputs: Tensor) -> Tensor:
        """See :meth:`Stack.forward`."""
        steps = self._views(len(inputs))
        self._input = signal = inputs.flatten(1).expand(self.count, len(inputs), -1)
        for layer, step in zip(self._layers[:-1], steps, strict=False):
            torch.baddbmm(layer.bias, signal, layer.weight, out=step.product)
            signal = self._activation.apply(step.product, step.signal)
        head = self._layers[-1]
        return torch.baddbmm(head.bias, signal, head.weight, out=steps[-1].signal)

    score = forward

    def backward(self, gradient: Tensor) -> Tensor:
        """See :meth:`Stack.backward`."""
        n = gradient.shape[1]
        steps, ones = self._views(n), self._ones[..., :n]
        for number in range(len(self._layers) - 1, -1, -1):
            layer = self._layers[number]
            below = steps[number - 1].transposed if number else self._input.transpose(1, 2)
            torch.bmm(below, gradient, out=layer.weight_gradient)
            torch.bmm(ones, gradient, out=layer.bias_gradient)
            if number:
                step = steps[number - 1]
                slope = torch.bmm(gradient, layer.transposed, out=step.slope)
                saved = step.product if self._activation.saves_input else step.signal
                gradient = self._activation.back(slope, saved)
        return self._layers[-1].bias_gradient

    def keep(self, which: Tensor) -> None:
        """See :meth:`Stack.keep`."""
        rows = torch.nonzero(which)[:, 0]
        for layer in self._layers:
            layer.kept_weight[rows] = layer.weight[rows]
            layer.kept_bias[rows] = layer.bias[rows]

    def restore(self) -> None:
        """See :meth:`Stack.restore`."""
        for layer in self._layers:
            layer.weight.copy_(layer.kept_weight)
            layer.bias.copy_(layer.kept_bias)

    def _views(self, rows: int) -> list[_Step]:
        if rows not in self._views_of:
            self._views_of[rows] = []
            for number, width in enumerate(self._widths):
                shape = self.count, rows, width
                product, signal, slope = (
                    buffers[number][: self.count * rows * width].view(shape)
                    for buffers in (self._products, self._signals, self._slopes)
                )
                self._views_of[rows].append(_Step(product, signal, signal.transpose(1, 2), slope))
        return self._views_of[rows]


def fits(network: MultiHeadNetwork) -> bool:
    """Whether the network is one that :class:`StackedMLP` can stack."""
    layers = _layers(network)
    kinds = {type(layer) for layer in layers[1::2]}
    return (
        len(layers) > 0
        and all(type(layer) is nn.Linear for layer in (*layers[::2], *network.heads))
        and len(layers[::2]) == len(layers[1::2])
        and len(kinds) == 1
        and kinds <= set(ACTIVATIONS)
    )


def _layers(network: MultiHeadNetwork) -> list[nn.Module]:
    trunk = network.trunk
    return list(trunk.layers) if type(trunk) is MLPTrunk else []


def linear_layers(
    network: MultiHeadNetwork, columns: Columns
) -> tuple[list[tuple[Tensor, Tensor]], tuple[Tensor, Tensor]]:
    """``(in, out)`` weight and ``(1, out)`` bias of each trunk layer, and of the joint head."""
    trunk = [
        (layer.weight.detach().T, layer.bias.detach()[None])
        for layer in _layers(network)
        if isinstance(layer, nn.Linear)
    ]
    return trunk, joint_head(network, columns)


def joint_head(network: MultiHeadNetwork, columns: Columns) -> tuple[Tensor, Tensor]:
    """``(features, K)`` weight and ``(1, K)`` bias of all linear heads side by side."""
    heads = [network.get_submodule(f"heads.{number}") for number in columns.places]
    weights, biases = zip(*(head.parameters() for head in heads), strict=True)
    return torch.cat(weights).detach().T, torch.cat(biases).detach()[None]
