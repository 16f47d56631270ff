"""The machine itself as a device: known without torch, whose import a first page would wait for."""

import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

VARIABLE = "TASKVIZ_DEVICE"
"""Environment variable: what ``auto`` takes as a device."""

CARDS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""What the drivers of NVIDIA, AMD and Windows' Linux make, where there is a GPU."""

LEAST_SECONDS = 1.0
"""Between two looks at the load."""


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
    return DeviceUse(name, memory.total - memory.available, memory.total, _busy())


_LAST = {"asked": -math.inf, "busy": 0.0}


def _busy() -> float:
    """Share of the processors' time at work since it was last asked."""
    now = time.monotonic()
    # Over less, a page that is drawn twice would tell of its own drawing.
    if now - _LAST["asked"] >= LEAST_SECONDS:
        _LAST.update(asked=now, busy=psutil.cpu_percent(None) / 100)
    return _LAST["busy"]
