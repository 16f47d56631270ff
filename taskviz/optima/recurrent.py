"""LSTM layers, unrolled so that the signals of their gates can be had.

A layer's weights are used at every step t: the gradient of [W_ih | W_hh] is Σ_t δ_t [x_t | h_t−1]ᵀ,
with δ_t the gradient of the gates before their activation, that of each bias Σ_t δ_t. So a layer is
a linear layer that is used at as many positions as there are steps. All samples take a step
together, where the plain loop takes it for each sample and task alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

Note = Callable[[str, Tensor, Tensor], None]
"""``(layer, inputs (n, L, K), gates (n, L, 4H))``."""

SAVED = 2
"""Numbers that autograd keeps of a step, as a multiple of its gates."""


class CellLayer(nn.Module):
    """The weights of one layer of an LSTM.

    Args:
        lstm: whose.
        number: of the layer, from 0.
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor

    def __init__(self, lstm: nn.LSTM, number: int) -> None:
        super().__init__()
        # in a tuple, so that it is no part of this module
        self.owner = (lstm,)
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            self.register_parameter(name, getattr(lstm, f"{name}_l{number}"))


def cell_layers(name: str, module: nn.Module) -> dict[str, nn.Module] | None:
    """The layers of an LSTM by name; None where it does what :func:`unrolled` does not."""
    if type(module) is not nn.LSTM or module.bidirectional or module.proj_size:
        return None
    random = module.training and module.dropout > 0
    learns = all(parameter.requires_grad for parameter in module.parameters())
    if random or not (module.bias and module.batch_first and learns):
        return None
    return {f"{name}:l{k}": CellLayer(module, k) for k in range(module.num_layers)}


def cell_gradients(signals: Tensor, inputs: Tensor) -> Tensor:
    """``(n, M)`` gradients of a layer's M parameters: both weights, then the bias twice.

    Args:
        signals: ``(n, L, 4H)`` of the gates.
        inputs: ``(n, L, K)`` as noted by :func:`unrolled`.
    """
    bias = signals.sum(dim=1)
    return torch.cat([(signals.mT @ inputs).flatten(1), bias, bias], dim=1)


def unrolled(
    cells: Sequence[tuple[str, CellLayer]], note: Note, given: Any, state: Any = None
) -> tuple[Any, tuple[Tensor, Tensor]]:
    """What ``nn.LSTM.forward`` gives, from a state of zeros, step by step.

    Args:
        cells: of the layers, with their names.
        note: told of each layer's inputs and gates.
        given: ``(n, L, C)``, or packed.
        state: None.
    """
    if state is not None:
        raise NotImplementedError("an initial state")
    packed = isinstance(given, PackedSequence)
    x, lengths = pad_packed_sequence(given, batch_first=True) if packed else (given, None)
    last_hidden, last_cell = [], []
    for name, cell in cells:
        gates = F.linear(x, cell.weight_ih, cell.bias_ih + cell.bias_hh)
        hidden = memory = gates.new_zeros(len(x), cell.weight_hh.shape[1])
        before, after, memories = [], [], []
        # unbind and not gates[:, t]: the backward pass of that fills a whole tensor a step
        for step in gates.unbind(dim=1):
            before.append(hidden)
            enter, keep, new, leave = (step + hidden @ cell.weight_hh.mT).chunk(4, dim=1)
            memory = torch.sigmoid(keep) * memory + torch.sigmoid(enter) * torch.tanh(new)
            hidden = torch.sigmoid(leave) * torch.tanh(memory)
            after.append(hidden)
            memories.append(memory)
        note(name, torch.cat([x, torch.stack(before, dim=1)], dim=2).detach(), gates)
        x = torch.stack(after, dim=1)
        ends = torch.full((len(x),), x.shape[1] - 1) if lengths is None else lengths - 1
        rows = torch.arange(len(x))
        last_hidden.append(x[rows, ends])
        last_cell.append(torch.stack(memories, dim=1)[rows, ends])
    output: Any = x
    if lengths is not None:
        output = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    return output, (torch.stack(last_hidden), torch.stack(last_cell))
