"""What a network looks like, as options, and the network built from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from taskviz.networks.mlp import MLPTrunk
from taskviz.networks.multi_head import MultiHeadNetwork
from taskviz.values import Task, TaskCollection, option

HeadStart = Literal["own", "tied"]


@dataclass(frozen=True)
class NetworkOptions:
    """Options of every method that builds a network; method options inherit from it."""

    width: int = option(64, "Units of each hidden layer.", minimum=1, maximum=16384, advanced=True)
    depth: int = option(2, "Hidden layers of the trunk.", minimum=1, maximum=64, advanced=True)
    activation: Literal["relu", "tanh", "gelu"] = option(
        "relu", "Activation after each hidden layer.", advanced=True
    )


def build_network(
    collection: TaskCollection,
    options: NetworkOptions,
    *,
    seed: int,
    heads: HeadStart = "own",
    tasks: Sequence[int] | None = None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> MultiHeadNetwork:
    """A network with one head a task, in an initial state that ``seed`` alone decides.

    Trunk and heads draw from streams of their own, one a task: a network over a subset of the
    tasks (``tasks``: their numbers) starts from the same trunk and the same heads as the network
    over all of them.

    Args:
        heads: ``own``: each task draws its head; ``tied``: heads of one shape start equal.
    """
    shape = collection.samples[0].inputs.shape[1:]
    features = int(torch.Size(shape).numel())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_stream(seed, 0))
        trunk = MLPTrunk(features, (options.width,) * options.depth, options.activation)
        made = []
        for number in range(len(collection.tasks)) if tasks is None else tasks:
            torch.manual_seed(_stream(seed, 1 if heads == "tied" else 2 + number))
            made.append(_head(trunk.out_features, collection.tasks[number]))
    return MultiHeadNetwork(trunk, made).to(device=device, dtype=dtype)


def _stream(seed: int, number: int) -> int:
    return (seed * 1_000_003 + number * 7_919 + 17) % (2**63 - 1)


def _head(features: int, task: Task) -> torch.nn.Linear:
    return torch.nn.Linear(features, task.outputs)
