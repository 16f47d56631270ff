"""Elementwise functions in whole vector registers, so that no element is computed otherwise."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

LANES = 64
"""Elements; a multiple of what a loop of torch on a CPU takes at once. What is left at the end of a
tensor it computes one by one, by functions such as ``exp`` that may differ in the last bit. In a
stack those would be the last network's elements, so its losses would hang on the stack's size."""


def in_registers(function: Callable[..., object], out: Tensor, *inputs: Tensor) -> Tensor:
    """``function(*inputs, out)``, the elements at the end computed like all others.

    Args:
        function: elementwise; writes its last argument.
        out: contiguous, like the inputs; may be one of them.
    """
    rest = out.numel() % LANES
    if rest == 0 or out.device.type != "cpu":
        function(*inputs, out)
        return out
    start = out.numel() - rest
    flat, whole = [tensor.view(-1) for tensor in inputs], out.view(-1)
    # First, since the inputs may be overwritten.
    padded = [F.pad(tensor[start:], (0, LANES - rest)) for tensor in flat]
    last = torch.empty_like(padded[0])
    function(*padded, last)
    if start:
        function(*(tensor[:start] for tensor in flat), whole[:start])
    whole[start:] = last[:rest]
    return out
