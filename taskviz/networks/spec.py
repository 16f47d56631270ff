"""What a network looks like, as options, and the network built from them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from taskviz.data.tensors import Scaling, input_moments
from taskviz.networks.adapters import (
    ChannelAdapter,
    GraphAdapter,
    ImageAdapter,
    NodeAdapter,
    VectorAdapter,
)
from taskviz.networks.gcn import NodeGraph
from taskviz.networks.multi_head import MultiHeadNetwork
from taskviz.networks.trunks import (
    TRUNKS,
    TrunkInput,
    build_trunk,
    choose_trunk,
    features_of,
    network_names,
    own_trunk,
)
from taskviz.networks.weights import load_weights, weights_digest
from taskviz.values import GraphNodes, Samples, Task, TaskCollection, TaskvizError, option

HeadStart = Literal["own", "tied"]
GRAPHS_HELD = 8
"""Graphs whose edges are kept normalised, and their propagated features."""
_GRAPHS: dict[tuple[str, bytes, bytes], NodeGraph] = {}


@dataclass(frozen=True)
class NetworkOptions:
    """Options of every method that builds a network; method options inherit from it."""

    width: int = option(
        64,
        "Units of each hidden layer; of a ResNet, channels after its last stage.",
        minimum=1,
        maximum=16384,
        advanced=True,
    )
    depth: int = option(
        2,
        "Hidden layers of the trunk; blocks a stage of a ResNet (bottleneck: 3 is ResNet-50's "
        "3-4-6-3), steps of message passing, hops on a graph.",
        minimum=1,
        maximum=64,
        advanced=True,
    )
    activation: Literal["relu", "tanh", "gelu"] = option(
        "relu", "Activation after each hidden layer.", advanced=True
    )
    network: str = option(
        "auto",
        "Kind of trunk; auto: MLP for tables, ResNet for images, LSTM for series, NNConv for "
        "molecules, GCN for nodes.",
        advanced=True,
        choices=network_names,
    )
    norm: Literal["group", "batch"] = option(
        "group",
        "Normalisation of a ResNet; batch ties the samples of a batch together.",
        advanced=True,
    )
    weights: str = option(
        "",
        "File of weights (.safetensors) that the trunk starts from, named as in the trunk.",
        advanced=True,
        screen=False,
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
    scaling: Scaling | None = None,
) -> MultiHeadNetwork:
    """A network with one head a task, in an initial state that ``seed`` alone decides.

    Trunk, heads and adapters draw from streams of their own, one a task: a network over a subset of
    the tasks (``tasks``: their numbers) starts from the same trunk and the same heads as the
    network over all of them. Adapters are there where the data sets of a separate collection differ
    in what the trunk sees of their shape.

    Args:
        heads: ``own``: each task draws its head; ``tied``: heads of one shape start equal.
        scaling: of a graph's node features; by default measured on the training split.

    Raises:
        TaskvizError: a network that does not take such data, or weights that do not fit.
    """
    plan = _plan(collection, options, scaling)
    numbers = range(len(collection.tasks)) if tasks is None else tasks
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed: that seeds every device, and writes down the stack each time.
        torch.default_generator.manual_seed(_stream(seed, 0))
        trunk = build_trunk(plan.kind, plan.given, options)
        if options.weights:
            load_weights(trunk, options.weights)
        features = features_of(trunk, plan.given)
        made, adapters = [], []
        for number in numbers:
            torch.default_generator.manual_seed(_stream(seed, 1 if heads == "tied" else 2 + number))
            made.append(_head(features, collection.tasks[number]))
            if plan.adapted:
                torch.default_generator.manual_seed(_stream(seed, 1_000_003 + number))
                adapters.append(_adapter(plan, options, collection.samples[number], number))
    return MultiHeadNetwork(trunk, made, adapters).to(device=device, dtype=dtype)


def network_options(options: NetworkOptions) -> dict[str, Any]:
    """The part of some options that describes the network."""
    return {name: getattr(options, name) for name in NetworkOptions.__dataclass_fields__}


def trunk_key(options: object) -> dict[str, str]:
    """What decides a network beside its options: code of an own trunk, content of a weight file.

    Part of every cache key; empty where there is neither.
    """
    if not isinstance(options, NetworkOptions):
        return {}
    found = {}
    own = own_trunk(options.network)
    if own is not None:
        found["trunk"] = own.fingerprint
    if options.weights:
        found["weights"] = weights_digest(options.weights)
    return found


def network_kind(collection: TaskCollection, options: NetworkOptions) -> str:
    """What option ``network`` comes to for a collection: a key of the registry, or an own name."""
    return _plan(collection, options, None).kind


@dataclass(frozen=True)
class _Plan:
    """How the parts of a network fit together.

    Args:
        kind: a key of the registry, or of an own trunk.
        given: what the trunk is built for.
        adapted: whether each task has an adapter.
        graphs: of the tasks, where each has a graph of its own.
    """

    kind: str
    given: TrunkInput
    adapted: bool = False
    graphs: tuple[NodeGraph, ...] = ()


def _plan(collection: TaskCollection, options: NetworkOptions, scaling: Scaling | None) -> _Plan:
    modality = collection.modality
    shapes = [tuple(block.inputs.shape[1:]) for block in collection.samples]
    joint = collection.layout == "joint"
    graphs: tuple[NodeGraph, ...] = ()
    if modality == "nodes":
        graphs = tuple(
            _node_graph(block, scaling, number) for number, block in enumerate(collection.samples)
        )
    nodes = len(graphs[0].features) if graphs and joint else 0
    kind = options.network
    if own_trunk(kind) is None:
        kind = choose_trunk(kind, modality, len(shapes[0]), nodes=nodes)
    if joint:
        return _Plan(kind, TrunkInput(modality, shapes[0], graphs[0] if graphs else None))
    if modality == "nodes":
        # Own trunks too see the features that a task's adapter makes of its own graph.
        return _Plan(kind, TrunkInput("table", (options.width,)), True, graphs)
    axes = {len(shape) for shape in shapes}
    if len(axes) > 1:
        raise TaskvizError(
            f"The data sets of {collection.name!r} have samples of {sorted(axes)} axes: one "
            "network needs the same number in all of them."
        )
    given, adapted = _common(TrunkInput(modality, shapes[0]), shapes, kind, options)
    return _Plan(kind, given, adapted)


def _common(
    given: TrunkInput, shapes: list[tuple[int, ...]], kind: str, options: NetworkOptions
) -> tuple[TrunkInput, bool]:
    """What the trunk of several data sets is built for, and whether they need adapters."""
    same = len(set(shapes)) == 1
    if same:
        return given, False
    widest = tuple(max(sizes) for sizes in zip(*shapes, strict=True))
    if kind in ("lstm", "crnn") and given.modality == "series":
        # Their length may differ; the channels must be the same.
        inner = {shape[:-1] for shape in shapes}
        return replace(given, shape=widest), len(inner) > 1
    if given.modality == "graph":
        return replace(given, shape=widest), True
    if given.modality == "image" and kind != "mlp":
        smallest = tuple(min(sizes) for sizes in zip(*shapes, strict=True))
        return replace(given, shape=(widest[0], *smallest[1:])), True
    if given.modality == "series" and kind not in TRUNKS:
        inner = {shape[:-1] for shape in shapes}
        return replace(given, shape=widest), len(inner) > 1
    return TrunkInput("table", (options.width,)), True


def _adapter(plan: _Plan, options: NetworkOptions, block: Samples, number: int) -> nn.Module:
    before, after = tuple(block.inputs.shape[1:]), plan.given.shape
    if plan.graphs:
        return NodeAdapter(plan.graphs[number], options.depth, after[0])
    if plan.given.modality == "graph":
        return GraphAdapter(before, after)
    if plan.given.modality == "image":
        return ImageAdapter(before, after)
    if plan.given.modality == "series":
        return ChannelAdapter(before[:-1], after[:-1])
    return VectorAdapter(torch.Size(before).numel(), after[0])


def _node_graph(block: Samples, scaling: Scaling | None, number: int) -> NodeGraph:
    graph = block.inputs
    assert isinstance(graph, GraphNodes), "nodes come with their graph"
    if scaling is None:
        centre, scale = input_moments(block, "nodes")
    else:
        centre, scale = scaling.input_centre[number], scaling.input_scale[number]
    key = graph.fingerprint, np.asarray(centre).tobytes(), np.asarray(scale).tobytes()
    held = _GRAPHS.pop(key, None)
    if held is None:
        features = (np.asarray(graph.features, dtype=np.float64) - centre) / scale
        features = np.nan_to_num(features, nan=0.0, posinf=0.0, neginf=0.0)
        edges = torch.from_numpy(graph.edge_index.copy())
        held = NodeGraph(torch.from_numpy(features), edges)
    _GRAPHS[key] = held
    while len(_GRAPHS) > GRAPHS_HELD:
        _GRAPHS.pop(next(iter(_GRAPHS)), None)
    return held.alike()


def _stream(seed: int, number: int) -> int:
    return (seed * 1_000_003 + number * 7_919 + 17) % (2**63 - 1)


def _head(features: int, task: Task) -> torch.nn.Linear:
    return torch.nn.Linear(features, task.outputs)
