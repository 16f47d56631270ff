"""Outputs of a network on many rows, in pieces that fit into memory."""

from collections.abc import Sequence

import torch
from torch import Tensor

from taskviz.data.batch_inputs import BatchInputs, rows_at_once
from taskviz.engines.memory import halving
from taskviz.networks.multi_head import MultiHeadNetwork


@torch.no_grad()
def outputs_of(
    network: MultiHeadNetwork,
    inputs: BatchInputs,
    rows: Tensor,
    heads: Sequence[int] | None = None,
    *,
    most: int,
) -> list[Tensor]:
    """``(n, outputs)`` of each head on some rows, without gradients.

    Args:
        rows: ``(n,)`` numbers.
        heads: whose outputs; all by default.
        most: rows that go through the network at once, at most.
    """

    def part(first: int, last: int) -> list[Tensor]:
        found: list[Tensor] = network(inputs.index_select(0, rows[first:last]), heads)
        return found

    parts = list(halving(len(rows), rows_at_once(inputs, most), part)) or [part(0, 0)]
    return [torch.cat(own) for own in zip(*parts, strict=True)]
