"""Half precision of the forward pass, on CUDA."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

DEVICES = ("cuda",)
"""Types of device on which half precision is used."""


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
        if precision == "full" or device.type not in DEVICES:
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


def precision_note(precision: str, device: torch.device) -> str | None:
    """A sentence where half precision was asked for and is not used."""
    if precision == "full" or device.type in DEVICES:
        return None
    return f"Half precision ({precision}) is used on CUDA only: this was trained in full precision."
