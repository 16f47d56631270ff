"""Which layers of a trunk carry the distance between two tasks."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from torch import nn

from taskviz.networks import MultiHeadNetwork
from taskviz.optima.distances import MEMORY_MB, pairwise_distances
from taskviz.optima.units import Units
from taskviz.progress import SILENT, Progress


def layer_distances_by_name(
    network: MultiHeadNetwork,
    units: Units,
    *,
    memory_mb: int = MEMORY_MB,
    progress: Progress = SILENT,
) -> dict[str, NDArray[np.float64]]:
    """Layer → ``(T, T)`` mean distance over that layer's parameters alone; NaN without a label.

    L1 distances add up over layers: the sum of all is a[s,t] of eq. 16. Every layer is compared
    with all others held fixed, so any trunk that can be compared can be taken apart. A parameter
    that two layers share counts for the first.
    """
    layers = _owners(network.trunk)
    found = {}
    progress.begin("Layer by layer", max(len(layers), 1))
    for name, own in layers.items():
        progress.check()
        with _only(network.trunk, own):
            found[name] = pairwise_distances(network, units, memory_mb=memory_mb).means
        progress.advance(1, name)
    return found


def _owners(trunk: nn.Module) -> dict[str, list[nn.Parameter]]:
    """Layers that hold parameters that learn, in the order of the trunk."""
    seen: set[int] = set()
    found: dict[str, list[nn.Parameter]] = {}
    for name, module in trunk.named_modules():
        own = [
            parameter
            for parameter in module.parameters(recurse=False)
            if parameter.requires_grad and id(parameter) not in seen
        ]
        seen.update(id(parameter) for parameter in own)
        if own:
            found[name or type(module).__name__] = own
    return found


@contextmanager
def _only(trunk: nn.Module, kept: list[nn.Parameter]) -> Iterator[None]:
    """Only these parameters learn while the context lasts."""
    before = [(parameter, parameter.requires_grad) for parameter in trunk.parameters()]
    wanted = {id(parameter) for parameter in kept}
    try:
        for parameter, _ in before:
            parameter.requires_grad_(id(parameter) in wanted)
        yield
    finally:
        for parameter, learns in before:
            parameter.requires_grad_(learns)
