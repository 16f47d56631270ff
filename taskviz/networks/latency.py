"""How long a network takes to answer for one sample, on the device at hand."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

WARM_UP = 5
"""Passes before the first one that counts: memory is taken, kernels are chosen and compiled."""
LEAST_REPEATS = 5


@dataclass(frozen=True)
class Latency:
    """Time of one forward pass.

    Args:
        median_ms: milliseconds, the median over the repeats.
        spread_ms: half of the distance between their first and third quartile.
        repeats: how many.
    """

    median_ms: float
    spread_ms: float
    repeats: int


def measure_latency(
    networks: Sequence[nn.Module], inputs: Tensor, *, repeats: int = 50, seconds: float = 2.0
) -> list[Latency]:
    """Time ``network(inputs)`` for each network, in evaluation mode, without gradients.

    The networks take turns, so that what else the machine does meets all of them alike.

    Args:
        networks: on the device of ``inputs``; left in the mode they were in.
        inputs: one sample (or a batch) as the networks take it.
        repeats: passes timed for each.
        seconds: no new round begins after this long, but for the first ``LEAST_REPEATS``.
    """
    modes = [network.training for network in networks]
    times: list[list[float]] = [[] for _ in networks]
    deadline = time.monotonic() + seconds
    try:
        with torch.inference_mode():
            for network in networks:
                network.eval()
                for _ in range(WARM_UP):
                    network(inputs)
            for done in range(max(repeats, LEAST_REPEATS)):
                if done >= LEAST_REPEATS and time.monotonic() > deadline:
                    break
                for network, taken in zip(networks, times, strict=True):
                    taken.append(_timed(network, inputs))
    finally:
        for network, mode in zip(networks, modes, strict=True):
            network.train(mode)
    return [_summary(taken) for taken in times]


def _timed(network: nn.Module, inputs: Tensor) -> float:
    """Seconds of one pass: all that was queued before is awaited, and the pass itself is."""
    synchronise(inputs.device)
    start = time.perf_counter()
    network(inputs)
    synchronise(inputs.device)
    return time.perf_counter() - start


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given; a CPU has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _summary(taken: Sequence[float]) -> Latency:
    low, median, high = np.percentile(np.array(taken) * 1000, [25, 50, 75])
    return Latency(float(median), float(high - low) / 2, len(taken))
