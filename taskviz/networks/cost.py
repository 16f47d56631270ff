"""What one group's network costs at inference: parameters, multiply-accumulates, latency."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from taskviz.data.batch_inputs import graph_rows
from taskviz.networks.latency import measure_latency
from taskviz.networks.macs import count_macs
from taskviz.networks.multi_head import MultiHeadNetwork
from taskviz.networks.spec import NetworkOptions, build_network
from taskviz.values import GraphNodes, Graphs, TaskCollection


@dataclass(frozen=True)
class NetworkCost:
    """Cost of one network with one head a task.

    Args:
        parameters: numbers in trunk and heads.
        macs: multiply-accumulates of one sample through trunk and all heads.
        latency_ms: median milliseconds of that pass on the device, or None where not measured.
        latency_error: half of the interquartile range of the repeats, milliseconds.
        not_counted: what ``macs`` leaves out; see :class:`taskviz.networks.macs.MacCount`.
    """

    parameters: int
    macs: int
    latency_ms: float | None = None
    latency_error: float | None = None
    not_counted: tuple[str, ...] = ()


@dataclass(frozen=True)
class PartCosts:
    """The same count, split: what is shared, and what each head adds.

    Args:
        trunk: of the trunk.
        heads: of each head, in the order of the tasks asked for.
    """

    trunk: int
    heads: tuple[int, ...]

    @property
    def total(self) -> int:
        """Of the whole network."""
        return self.trunk + sum(self.heads)


def network_cost(
    collection: TaskCollection,
    tasks: Sequence[int],
    options: NetworkOptions,
    *,
    device: torch.device | str,
    measure: bool = True,
) -> NetworkCost:
    """Cost of the network of one group, counted and timed on the network itself.

    Args:
        collection: decides the shapes of input and heads.
        tasks: numbers of the group's tasks.
        options: of the network.
        device: where the latency of a batch of one is measured; counts do not depend on it.
        measure: False leaves latency out.
    """
    parameters, macs, not_counted = part_costs(collection, tasks, options)
    latency_ms = latency_error = None
    if measure:
        network = _built(collection, tasks, options, device)
        (latency,) = measure_latency([network], one_sample(collection, device))
        latency_ms, latency_error = latency.median_ms, latency.spread_ms
    return NetworkCost(parameters.total, macs.total, latency_ms, latency_error, not_counted)


def part_costs(
    collection: TaskCollection, tasks: Sequence[int], options: NetworkOptions
) -> tuple[PartCosts, PartCosts, tuple[str, ...]]:
    """Parameters and multiply-accumulates by part, and what the latter leave out.

    Of a separate collection every sample passes the trunk and one head: the trunk's part is that of
    the data set that costs most, and an adapter belongs to its task.
    """
    network = _built(collection, tasks, options, "cpu")
    heads = range(len(network.heads))
    own = tuple(
        sum(parameter.numel() for parameter in network.own_parameters(number)) for number in heads
    )
    if collection.layout == "joint":
        counted = count_macs(network, one_sample(collection, "cpu"))
        macs = tuple(counted.below(f"heads.{number}") for number in heads)
        trunk, left_out = counted.total - sum(macs), counted.not_counted
    else:
        passes = [
            count_macs(_OneTask(network, place), one_sample(collection, "cpu", number))
            for place, number in enumerate(tasks)
        ]
        trunks = [counted.below("network.trunk") for counted in passes]
        macs = tuple(c.total - t for c, t in zip(passes, trunks, strict=True))
        trunk = max(trunks)
        left_out = tuple(dict.fromkeys(name for c in passes for name in c.not_counted))
    # Whatever is in no head or adapter is shared.
    parameters = sum(p.numel() for p in network.parameters())
    return PartCosts(parameters - sum(own), own), PartCosts(trunk, macs), left_out


class _OneTask(nn.Module):
    """A network as one task alone uses it."""

    def __init__(self, network: MultiHeadNetwork, place: int) -> None:
        super().__init__()
        self.network, self.place = network, place

    def forward(self, inputs: Tensor) -> list[Tensor]:
        """The task's output."""
        return self.network(inputs, [self.place])  # type: ignore[no-any-return]


def one_sample(collection: TaskCollection, device: torch.device | str, block: int = 0) -> Tensor:
    """``(1, *shape)`` float32: the first input, missing features as 0; zeros where there is none.

    What it holds changes no cost of the networks here, but for its shape; of graphs the one of
    median size is taken.
    """
    inputs = collection.samples[block].inputs
    if isinstance(inputs, Graphs):
        sizes = np.diff(inputs.node_pointer)
        middle = int(np.argsort(sizes, kind="stable")[(len(sizes) - 1) // 2])
        return graph_rows(inputs[[middle]], torch.float32).nan_to_num().to(device)
    if isinstance(inputs, GraphNodes):
        return torch.zeros(1, 1, device=device)
    first = inputs[:1] if len(inputs) else np.zeros((1, *inputs.shape[1:]))
    return torch.from_numpy(np.nan_to_num(first).astype(np.float32)).to(device)


def _built(
    collection: TaskCollection,
    tasks: Sequence[int],
    options: NetworkOptions,
    device: torch.device | str,
) -> MultiHeadNetwork:
    return build_network(collection, options, seed=0, tasks=tasks, device=device)
