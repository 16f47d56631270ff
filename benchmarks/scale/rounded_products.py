"""TF32 on a machine without it: matrix products whose factors are rounded as a GPU rounds them."""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_DROPPED = 13
"""Of the 23 bits of a float32's mantissa."""
_FACTORS = {
    torch.ops.aten.mm.default: (0, 1),
    torch.ops.aten.bmm.default: (0, 1),
    torch.ops.aten.addmm.default: (1, 2),
    torch.ops.aten.baddbmm.default: (1, 2),
}


def to_tf32(values: Tensor) -> Tensor:
    """The nearest number of 10 bits of mantissa, ties to even; what is not finite stays."""
    bits = values.contiguous().view(torch.int32)
    even = (bits >> _DROPPED) & 1
    half = (1 << (_DROPPED - 1)) - 1
    rounded = ((bits + half + even) & ~((1 << _DROPPED) - 1)).view(torch.float32)
    return torch.where(values.isfinite(), rounded, values)


class RoundedProducts(TorchDispatchMode):
    """Within it products of float32 matrices have rounded factors, and sums in float32.

    Forward and backward pass alike; not convolutions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        """Products so far."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func in _FACTORS:
            self.count += 1
            given = list(args)
            for place in _FACTORS[func]:
                if given[place].dtype == torch.float32:
                    given[place] = to_tf32(given[place])
            args = tuple(given)
        return func(*args, **(kwargs or {}))
