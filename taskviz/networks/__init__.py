"""Trunks and heads."""

from taskviz.networks.cost import NetworkCost, network_cost
from taskviz.networks.mlp import MLPTrunk
from taskviz.networks.multi_head import MultiHeadNetwork
from taskviz.networks.outputs import outputs_of
from taskviz.networks.spec import (
    HeadStart,
    NetworkOptions,
    build_network,
    network_kind,
    network_options,
    trunk_key,
)
from taskviz.networks.trunks import TRUNKS, network_names, register_trunk

__all__ = [
    "TRUNKS",
    "HeadStart",
    "MLPTrunk",
    "MultiHeadNetwork",
    "NetworkCost",
    "NetworkOptions",
    "build_network",
    "network_cost",
    "network_kind",
    "network_names",
    "network_options",
    "outputs_of",
    "register_trunk",
    "trunk_key",
]
