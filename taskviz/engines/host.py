"""The machine itself as a device: known without torch, whose import a first page would wait for."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

VARIABLE = "TASKVIZ_DEVICE"
"""Environment variable: what ``auto`` takes as a device."""

CARDS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""What the drivers of NVIDIA, AMD and Windows' Linux make, where there is a GPU."""


@dataclass(frozen=True)
class DeviceUse:
    """How full and how busy a device is.

    Args:
        name: for people.
        used: bytes.
        whole: bytes.
        busy: share of its time at work, 0 to 1; None where it does not tell.
    """

    name: str
    used: int
    whole: int
    busy: float | None


def only_host() -> bool:
    """True where ``auto`` can be nothing but the CPU; False says nothing."""
    if os.environ.get(VARIABLE, "auto") not in ("auto", "cpu"):
        return False
    return sys.platform == "linux" and not any(Path(card).exists() for card in CARDS)


def host_use(name: str = "CPU") -> DeviceUse:
    """Memory and load of the machine now, of all that runs on it."""
    memory = psutil.virtual_memory()
    # Since it was last asked; the first time that is since the machine was started.
    busy = psutil.cpu_percent(None) / 100
    return DeviceUse(name, memory.total - memory.available, memory.total, busy)
