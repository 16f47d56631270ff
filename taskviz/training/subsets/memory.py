"""How much memory networks in training take, and how many fit a budget."""

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from taskviz.engines.memory import memory_budget
from taskviz.networks import MultiHeadNetwork, build_network
from taskviz.networks.cost import one_sample
from taskviz.training.subsets.request import SubsetOptions
from taskviz.training.subsets.stacked_mlp import fits
from taskviz.values import TaskCollection, TaskvizError

MB = 2**20
SCORED = 256
"""Rows that are scored at once, unless batches are larger."""
# Value, gradient, two moments of Adam and the copy of the best state.
COPIES = 5
# Signal and its gradient; autograd and vmap hold intermediate ones beside them.
ACTIVATIONS, GENERIC_ACTIVATIONS = 2, 4
# Outputs, targets, losses and their product in scoring.
OUTPUTS = 5


def rows_at_once(options: SubsetOptions) -> int:
    """Rows that pass through the networks together, in training or scoring."""
    return max(options.batch_size, SCORED)


def network_bytes(collection: TaskCollection, options: SubsetOptions, itemsize: int) -> int:
    """Memory of one network in training, without the data."""
    rows = rows_at_once(options)
    network, inner = _measured(collection, options, rows)
    parameters = sum(p.numel() for p in network.parameters())
    state = network.state_dict().keys()
    buffers = sum(b.numel() for name, b in network.named_buffers() if name in state)
    inner *= ACTIVATIONS if fits(network) else GENERIC_ACTIVATIONS
    outputs = OUTPUTS * rows * sum(task.outputs for task in collection.tasks)
    return (COPIES * (parameters + buffers) + inner + outputs) * itemsize


def networks_that_fit(
    collection: TaskCollection,
    options: SubsetOptions,
    itemsize: int,
    device: torch.device | str = "cpu",
) -> int:
    """How many networks the memory budget holds at once, or what is free on the device.

    Raises:
        TaskvizError: none; says what would fit.
    """
    one, budget = network_bytes(collection, options, itemsize), options.memory_mb * MB
    if one <= budget:
        return max(1, memory_budget(options.memory_mb, device) // one)
    narrower = _largest_width(collection, options, itemsize)
    hint = f", or width to at most {narrower}" if narrower else ""
    raise TaskvizError(
        f"One subset network takes {math.ceil(one / MB)} MB in training, but memory_mb is "
        f"{options.memory_mb}: set memory_mb to at least {math.ceil(one / MB)}{hint}."
    )


def _largest_width(collection: TaskCollection, options: SubsetOptions, itemsize: int) -> int:
    low, high = 0, options.width
    while high - low > 1:
        middle = (low + high) // 2
        size = network_bytes(collection, replace(options, width=middle), itemsize)
        low, high = (middle, high) if size <= options.memory_mb * MB else (low, middle)
    return low


def _measured(
    collection: TaskCollection, options: SubsetOptions, rows: int
) -> tuple[MultiHeadNetwork, int]:
    """The network, and the numbers that its trunk's layers give out for some rows.

    Nothing is computed where the trunk's path does not depend on its data; else one sample is.
    """
    if collection.layout == "joint" and collection.modality in ("table", "image"):
        try:
            with torch.device("meta"):
                network = build_network(collection, options, seed=0, device="meta")
            sample = torch.empty((rows, *collection.samples[0].inputs.shape[1:]), device="meta")
            return network, _activations(network, sample)
        except (RuntimeError, NotImplementedError):
            # A trunk of the user's own that looks at its data.
            pass
    network = build_network(collection, options, seed=0).eval()
    tasks = range(len(collection.samples))
    counted = [
        _activations(network, network.adapt(one_sample(collection, "cpu", task), task))
        for task in tasks
    ]
    # Data sets of a separate collection pass one after another, but all wait for the step.
    return network, rows * sum(counted)


@torch.no_grad()
def _activations(network: MultiHeadNetwork, sample: Tensor) -> int:
    counted = 0

    def count(module: nn.Module, inputs: object, output: object) -> None:
        nonlocal counted
        parts = output if isinstance(output, tuple) else (output,)
        counted += sum(part.numel() for part in parts if isinstance(part, Tensor))

    leaves = [module for module in network.trunk.modules() if not list(module.children())]
    hooks = [leaf.register_forward_hook(count) for leaf in leaves]
    try:
        network.trunk(sample)
    finally:
        for hook in hooks:
            hook.remove()
    return counted
