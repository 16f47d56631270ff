"""The registry of trunks: what each is for, and how it is built."""

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from taskviz.data.batch_inputs import NODE
from taskviz.networks.crnn import CRNNTrunk
from taskviz.networks.gcn import GCNTrunk, NodeGraph, PropagatedTrunk, propagated
from taskviz.networks.lstm import LSTMTrunk
from taskviz.networks.mlp import MLPTrunk
from taskviz.networks.nnconv import NNConvTrunk
from taskviz.networks.resnet import SMALL, ResNetTrunk
from taskviz.values import Modality, TaskvizError, unknown_choice

if TYPE_CHECKING:
    from taskviz.networks.spec import NetworkOptions

GCN_NODES = 5000
"""Nodes up to which ``auto`` convolves over the whole graph at every step."""


@dataclass(frozen=True)
class TrunkInput:
    """What a trunk is built for.

    Args:
        modality: of the collection.
        shape: of one sample: ``(features,)``, ``(channels, height, width)``, ``(channels,
            length)``, ``(channels, frequencies, length)``, features of ``(nodes, edges)``.
        graph: of nodes.
    """

    modality: Modality
    shape: tuple[int, ...]
    graph: NodeGraph | None = None


Build = Callable[[TrunkInput, "NetworkOptions"], nn.Module]


@dataclass(frozen=True)
class Trunk:
    """One kind of trunk.

    Args:
        title: for people.
        modalities: that it takes; of a series also the number of axes of a sample.
        build: makes one; it has ``out_features``.
    """

    title: str
    modalities: tuple[tuple[Modality, int], ...]
    build: Build


class FilledMLPTrunk(MLPTrunk):
    """An MLP on the steps of a series of one length; padding is 0, the mean."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Features of a batch."""
        return super().forward(inputs.nan_to_num(0.0))


def _mlp(given: TrunkInput, options: "NetworkOptions") -> nn.Module:
    kind = FilledMLPTrunk if given.modality == "series" else MLPTrunk
    return kind(torch.Size(given.shape).numel(), _widths(options), options.activation)


def _resnet(given: TrunkInput, options: "NetworkOptions") -> nn.Module:
    blocks = (options.depth,) * 4
    small = min(given.shape[1:]) < SMALL
    return ResNetTrunk(given.shape[0], options.width, blocks, norm=options.norm, small=small)


def _bottleneck(given: TrunkInput, options: "NetworkOptions") -> nn.Module:
    depth = options.depth
    return ResNetTrunk(
        given.shape[0],
        options.width,
        (depth, depth + 1, 2 * depth, depth),
        bottleneck=True,
        norm=options.norm,
        small=min(given.shape[1:]) < SMALL,
    )


def _lstm(given: TrunkInput, options: "NetworkOptions") -> nn.Module:
    return LSTMTrunk(given.shape[0], options.width, options.depth)


def _crnn(given: TrunkInput, options: "NetworkOptions") -> nn.Module:
    frequencies = given.shape[1] if len(given.shape) == 3 else None
    return CRNNTrunk(given.shape[0], frequencies, options.width, options.depth)


def _nnconv(given: TrunkInput, options: "NetworkOptions") -> nn.Module:
    nodes, edges = given.shape
    return NNConvTrunk(nodes, edges, options.width, options.depth)


def _gcn(given: TrunkInput, options: "NetworkOptions") -> nn.Module:
    assert given.graph is not None, "nodes come with their graph"
    return GCNTrunk(given.graph, _widths(options), options.activation)


def _sgc(given: TrunkInput, options: "NetworkOptions") -> nn.Module:
    if given.graph is None:
        # Each task propagates over a graph of its own, in its adapter.
        return _mlp(given, options)
    features = propagated(given.graph, options.depth)
    inner = MLPTrunk(features.shape[1], _widths(options), options.activation)
    return PropagatedTrunk(features, inner)


def _widths(options: "NetworkOptions") -> tuple[int, ...]:
    return (options.width,) * options.depth


TRUNKS: dict[str, Trunk] = {
    "mlp": Trunk("Fully connected", (("table", 1), ("image", 3), ("series", 2)), _mlp),
    "resnet": Trunk("ResNet, basic blocks", (("image", 3), ("series", 3)), _resnet),
    "resnet-bottleneck": Trunk(
        "ResNet, bottleneck blocks", (("image", 3), ("series", 3)), _bottleneck
    ),
    "lstm": Trunk("LSTM, packed", (("series", 2),), _lstm),
    "crnn": Trunk("Convolutions, then LSTM", (("series", 2), ("series", 3), ("image", 3)), _crnn),
    "nnconv": Trunk("NNConv message passing", (("graph", 2),), _nnconv),
    "gcn": Trunk("Graph convolutions", (("nodes", 1),), _gcn),
    "sgc": Trunk("Propagated features, then MLP", (("nodes", 1),), _sgc),
}

_AUTO: dict[tuple[Modality, int], str] = {
    ("table", 1): "mlp",
    ("image", 3): "resnet",
    ("series", 2): "lstm",
    ("series", 3): "crnn",
    ("graph", 2): "nnconv",
}


@dataclass(frozen=True)
class OwnTrunk:
    """A trunk of the user's own.

    Args:
        factory: ``shape`` of one sample → module ``(n, *shape)`` → ``(n, features)``.
        fingerprint: of its code and structure; part of every cache key.
    """

    factory: Callable[[tuple[int, ...]], nn.Module]
    fingerprint: str


_OWN: dict[str, OwnTrunk] = {}


def register_trunk(name: str, factory: Callable[[tuple[int, ...]], nn.Module]) -> None:
    """Make a module of one's own usable as ``network=name``, in this process.

    Args:
        name: new, or that of an earlier registration, which is replaced.
        factory: a module class or function: the shape of one sample → a module from ``(n,
            *shape)`` to ``(n, features)``; of graphs from rows of :func:`graph_rows`, given the
            features of ``(nodes, edges)``; of nodes from propagated features. It must draw its
            initial state from torch's global generator. An attribute ``out_features`` is taken at
            its word; else a blank sample tells.

    Raises:
        TaskvizError: the name of a built-in network.
    """
    if name in TRUNKS or name == "auto":
        raise TaskvizError(f"{name!r} is a built-in network: choose another name for your own.")
    try:
        code = inspect.getsource(factory)
    except (OSError, TypeError):
        # Typed into a console: there is nothing to compare but the name.
        code = repr(factory)
    _OWN[name] = OwnTrunk(factory, hashlib.sha256(code.encode()).hexdigest())


def network_names() -> tuple[str, ...]:
    """What option ``network`` may be: ``auto``, the built-in trunks, and those registered."""
    return ("auto", *TRUNKS, *_OWN)


def build_trunk(kind: str, given: TrunkInput, options: "NetworkOptions") -> nn.Module:
    """The trunk of :func:`choose_trunk`, or one of the user's own."""
    own = _OWN.get(kind)
    if own is None:
        return TRUNKS[kind].build(given, options)
    if given.graph is None:
        return own.factory(given.shape)
    features = propagated(given.graph, options.depth)
    return PropagatedTrunk(features, own.factory(tuple(features.shape[1:])))


def own_trunk(name: str) -> OwnTrunk | None:
    """A registered trunk."""
    return _OWN.get(name)


def choose_trunk(name: str, modality: Modality, axes: int, *, nodes: int = 0) -> str:
    """The built-in trunk behind a name, checked against the data.

    Args:
        name: of option ``network``; ``auto`` takes what fits the modality.
        modality: of the collection.
        axes: of one sample.
        nodes: of the graph; 0 where each task has a graph of its own.

    Raises:
        TaskvizError: an unknown network, or one that does not take such data.
    """
    if name == "auto":
        if modality == "nodes":
            return "gcn" if 0 < nodes <= GCN_NODES else "sgc"
        # Whatever else is flat enough for an MLP: scalars, tables of tables.
        return _AUTO.get((modality, axes), "mlp")
    if name not in TRUNKS:
        raise unknown_choice("network", name, network_names())
    fits = {number for kind, number in TRUNKS[name].modalities if kind == modality}
    if axes not in fits and not (name == "mlp" and modality == "table"):
        able = [key for key, trunk in TRUNKS.items() if (modality, axes) in trunk.modalities]
        raise TaskvizError(
            f"Network {name!r} does not take {modality} data of {axes} "
            f"{'axis' if axes == 1 else 'axes'} a sample: choose {' or '.join(['auto', *able])}."
        )
    if name == "gcn" and not nodes:
        raise TaskvizError(
            "Network 'gcn' needs one graph for all tasks, but each task here has a graph of its "
            "own: choose sgc."
        )
    return name


def features_of(trunk: nn.Module, given: TrunkInput) -> int:
    """Width of a trunk's output: its ``out_features``, else measured on two blank samples.

    Raises:
        TaskvizError: an output that is not ``(n, features)``.
    """
    known = getattr(trunk, "out_features", None)
    if isinstance(known, int):
        return known
    if isinstance(trunk, PropagatedTrunk):
        return features_of(trunk.inner, TrunkInput("table", (trunk.propagated.shape[1],)))
    training, sample = trunk.training, _blank(given)
    with torch.no_grad():
        output = trunk.eval()(sample)
    trunk.train(training)
    if not isinstance(output, Tensor) or output.dim() != 2 or len(output) != len(sample):
        raise TaskvizError(
            f"The trunk {type(trunk).__name__} turns a batch of {len(sample)} into "
            f"{tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__}: "
            "(n, features) is needed."
        )
    return output.shape[1]


def _blank(given: TrunkInput) -> Tensor:
    if given.modality == "graph":
        sample = torch.zeros(2, 1, 1 + max(given.shape[0], 2 + given.shape[1]))
        sample[..., 0] = NODE
        return sample
    return torch.zeros(2, *given.shape)
