"""Stacked networks with any trunk, by ``torch.func.vmap``."""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from taskviz.networks import MultiHeadNetwork
from taskviz.training.subsets.columns import Columns
from taskviz.training.subsets.stack import Stack
from taskviz.training.subsets.stacked_mlp import joint_head


class StackedModule(Stack):
    """A stack of networks with an arbitrary trunk and linear heads.

    Buffers that are saved (running statistics) are stacked like parameters. A trunk that draws
    random numbers or branches on values cannot be stacked; :func:`can_stack` tells.

    Args:
        network: the initial state of every network, with the heads of all tasks.
        columns: order of the outputs.
        count: G.
    """

    def __init__(
        self,
        network: MultiHeadNetwork,
        columns: Columns,
        count: int,
        *,
        learning_rate: float,
        weight_decay: float,
    ) -> None:
        super().__init__(count, learning_rate, weight_decay)

        def stacked(value: Tensor) -> Tensor:
            wide = value.detach().expand(count, *value.shape)
            return wide.clone(memory_format=torch.contiguous_format)

        trunk = network.trunk
        self._weights = {name: stacked(value) for name, value in trunk.named_parameters()}
        state = set(trunk.state_dict())
        buffers = dict(trunk.named_buffers())
        self._buffers = {name: stacked(own) for name, own in buffers.items() if name in state}
        # What is not saved is data (a graph), the same for all networks.
        self._data = {name: own for name, own in buffers.items() if name not in state}
        self._head, self._bias = (stacked(value) for value in joint_head(network, columns))
        self.parameters = [*self._weights.values(), self._head, self._bias]
        for parameter in self.parameters:
            parameter.requires_grad_()
        self._state = [*self.parameters, *self._buffers.values()]
        self._kept = [value.detach().clone() for value in self._state]
        # The skeleton lends its code alone, so it needs no memory.
        self._skeleton = copy.deepcopy(trunk).to("meta")
        self._batched = torch.vmap(self._features, in_dims=(0, 0, None), randomness="error")
        self._outputs = self._head

    def _features(
        self, weights: Mapping[str, Tensor], buffers: Mapping[str, Tensor], inputs: Tensor
    ) -> Tensor:
        state = (dict(weights), dict(buffers), self._data)
        features: Tensor = functional_call(self._skeleton, state, inputs)
        return features

    def _run(self, inputs: Tensor) -> Tensor:
        features = self._batched(self._weights, self._buffers, inputs)
        return torch.baddbmm(self._bias, features, self._head)

    def forward(self, inputs: Tensor) -> Tensor:
        """See :meth:`Stack.forward`."""
        self._skeleton.train()
        with torch.enable_grad():
            self._outputs = self._run(inputs)
        return self._outputs.detach().clone()

    def backward(self, gradient: Tensor) -> Tensor:
        """See :meth:`Stack.backward`."""
        gradients = torch.autograd.grad(
            self._outputs, self.parameters, gradient, allow_unused=True, materialize_grads=True
        )
        # vmap hands out permuted strides, and the fused optimizer reads memory in order.
        self.gradients = [gradient.contiguous() for gradient in gradients]
        return self.gradients[-1]

    def score(self, inputs: Tensor) -> Tensor:
        """See :meth:`Stack.score`."""
        self._skeleton.eval()
        with torch.no_grad():
            return self._run(inputs)

    @torch.no_grad()
    def keep(self, which: Tensor) -> None:
        """See :meth:`Stack.keep`."""
        for kept, value in zip(self._kept, self._state, strict=True):
            kept[which] = value[which]

    @torch.no_grad()
    def restore(self) -> None:
        """See :meth:`Stack.restore`."""
        for kept, value in zip(self._kept, self._state, strict=True):
            value.copy_(kept)


def can_stack(network: MultiHeadNetwork, columns: Columns, inputs: Tensor) -> bool:
    """Whether :class:`StackedModule` can train the network; tried on a few rows.

    The outputs must be those of the network itself, and a training step must go through.
    """
    if not all(type(head) is nn.Linear and head.bias is not None for head in network.heads):
        return False
    try:
        stack = StackedModule(network, columns, 2, learning_rate=0.0, weight_decay=0.0)
        network.eval()
        with torch.no_grad():
            outputs = network(inputs)
        expected = torch.cat([outputs[number] for number in columns.places], dim=1)
        if not torch.allclose(stack.score(inputs), expected, rtol=1e-3, atol=1e-4):
            return False
        stack.backward(torch.zeros_like(stack.forward(inputs)))
        stack.update()
    except (RuntimeError, NotImplementedError, TypeError, ValueError, AssertionError):
        # What vmap has no rule for, it refuses by one of these.
        return False
    return True
