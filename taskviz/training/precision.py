"""Half precision of the forward pass, and TF32 products, on CUDA."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

DEVICES = ("cuda",)
"""Types of device on which less than full precision is used."""


@dataclass(frozen=True, eq=False)
class HalfPrecision:
    """Autocast, and for float16 a gradient scaler that keeps small gradients from vanishing.

    Args:
        dtype: of the forward pass; weights and losses stay in full precision.
        device: where.
        scaler: of float16.
    """

    dtype: torch.dtype
    device: torch.device
    scaler: torch.amp.GradScaler | None

    @classmethod
    def of(cls, precision: str, device: torch.device) -> "HalfPrecision | None":
        """None for full precision, and on a device where half precision is not used."""
        if precision not in ("bf16", "fp16") or device.type not in DEVICES:
            return None
        if precision == "bf16":
            return cls(torch.bfloat16, device, None)
        return cls(torch.float16, device, torch.amp.GradScaler(device.type))

    def autocast(self) -> AbstractContextManager[Any]:
        """Within it operations that bear it run in half precision."""
        return torch.autocast(self.device.type, dtype=self.dtype)

    @property
    def scale(self) -> Tensor | None:
        """What losses are multiplied by before they are differentiated."""
        if self.scaler is None:
            return None
        one = torch.ones((), device=self.device)
        scaled: Tensor = self.scaler.scale(one)
        return scaled

    def unscale(self, optimizer: torch.optim.Optimizer) -> None:
        """Bring gradients back to their size, to be clipped."""
        if self.scaler is not None:
            self.scaler.unscale_(optimizer)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """A step, skipped where a float16 gradient overflowed."""
        if self.scaler is None:
            optimizer.step()
        else:
            self.scaler.step(optimizer)
            self.scaler.update()

    def state(self) -> dict[str, Any]:
        """Of the scaler."""
        return {} if self.scaler is None else self.scaler.state_dict()

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        if self.scaler is not None and state:
            self.scaler.load_state_dict(state)


@contextmanager
def products_in(precision: str, device: torch.device) -> Iterator[None]:
    """How products of single-precision matrices are computed on CUDA while the context lasts.

    ``tf32`` rounds their factors to 10 bits of mantissa (8 bits of exponent, as in float32) and
    sums in float32; any other precision leaves them whole. That is PyTorch's own default for
    matrices, but not for convolutions and recurrent layers. What was set before is set again.
    """
    if device.type not in DEVICES:
        yield
        return
    tf32 = precision == "tf32"
    # The older of PyTorch's two interfaces: its compiler still asks it, and refuses both at once.
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def precision_note(precision: str, device: torch.device) -> str | None:
    """A sentence where less than full precision was asked for and is not used."""
    if precision == "full":
        return None
    what = "TF32" if precision == "tf32" else f"Half precision ({precision})"
    if device.type not in DEVICES:
        return f"{what} is used on CUDA only: this was trained in full precision."
    if precision == "tf32" and device.type == "cuda" and not _has_tf32(device):
        return (
            "TF32 needs a GPU of compute capability 8.0 (Ampere) or newer: this was trained in "
            "full precision."
        )
    return None


def _has_tf32(device: torch.device) -> bool:
    with torch.cuda.device(device):
        return bool(torch.cuda.is_tf32_supported())
