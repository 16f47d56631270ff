"""Which device computes."""

import os

import torch

from taskviz.engines.host import VARIABLE, DeviceUse, host_use
from taskviz.values import TaskvizError


def pick_device(wanted: str | torch.device = "auto") -> torch.device:
    """The device asked for; ``auto`` takes CUDA, then MPS, then the CPU.

    The environment variable ``TASKVIZ_DEVICE`` says what ``auto`` takes instead: of several GPUs
    the one that is free for this.

    Raises:
        TaskvizError: the device does not exist here.
    """
    if isinstance(wanted, torch.device):
        return wanted
    named = os.environ.get(VARIABLE, "auto") if wanted == "auto" else wanted
    if named == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(named)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise TaskvizError(
            f"Device {named!r}{f' (of {VARIABLE})' if wanted == 'auto' else ''} cannot be used "
            f"here: choose {' or '.join(['auto', *device_names()])}."
        ) from None
    return device


def device_names() -> list[str]:
    """Every device that exists here."""
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    apple = ["mps"] if torch.backends.mps.is_available() else []
    return ["cpu", *(f"cuda:{number}" for number in range(cards)), *apple]


def device_use(device: torch.device) -> DeviceUse:
    """Memory and load of a device now, of all that runs on it."""
    name = describe_device(device)
    if device.type == "cuda":
        free, whole = torch.cuda.mem_get_info(device)
        try:
            busy = torch.cuda.utilization(device) / 100
        except (RuntimeError, ModuleNotFoundError):
            # Without NVIDIA's management library nobody can tell.
            busy = None
        return DeviceUse(name, whole - free, whole, busy)
    if device.type == "mps":
        used = torch.mps.driver_allocated_memory()
        return DeviceUse(name, used, torch.mps.recommended_max_memory(), None)
    return host_use(name)


def describe_device(device: torch.device) -> str:
    """A name for people."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} ({device})"
    if device.type == "mps":
        return "Apple GPU (mps)"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'' if threads == 1 else 's'}"
