"""Trunks and heads."""

from taskviz.networks.cost import NetworkCost, network_cost
from taskviz.networks.mlp import MLPTrunk
from taskviz.networks.multi_head import MultiHeadNetwork
from taskviz.networks.spec import HeadStart, NetworkOptions, build_network

__all__ = [
    "HeadStart",
    "MLPTrunk",
    "MultiHeadNetwork",
    "NetworkCost",
    "NetworkOptions",
    "build_network",
    "network_cost",
]
