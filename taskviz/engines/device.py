"""Which device computes."""

import torch

from taskviz.values import TaskvizError


def pick_device(wanted: str | torch.device = "auto") -> torch.device:
    """The device asked for; ``auto`` takes CUDA, then MPS, then the CPU.

    Raises:
        TaskvizError: the device does not exist here.
    """
    if isinstance(wanted, torch.device):
        return wanted
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise TaskvizError(
            f"Device {wanted!r} cannot be used here: choose auto, cpu, or one that exists "
            "(cuda, cuda:0, mps)."
        ) from None
    return device


def describe_device(device: torch.device) -> str:
    """A name for people."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} ({device})"
    if device.type == "mps":
        return "Apple GPU (mps)"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'' if threads == 1 else 's'}"
