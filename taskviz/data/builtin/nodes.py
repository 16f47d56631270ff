"""Nodes of graphs: Zachary's karate club, and benchmark graphs with known communities."""

import numpy as np
from numpy.typing import NDArray

from taskviz.data.builtin.overlapping_lfr import overlapping_lfr
from taskviz.data.contents import Block, Contents
from taskviz.data.readers.node_features import structural_features
from taskviz.values import GraphNodes, Task

LFR_SIZE = 2000
LFR_SEED = 7


def karate() -> Contents:
    """34 members of a club; who sided with the instructor, and who knows its two leaders."""
    import networkx as nx

    graph = nx.karate_club_graph()
    edges = np.array(graph.edges, dtype=np.int64).T
    club = np.array([graph.nodes[i]["club"] != "Mr. Hi" for i in graph], dtype=np.float64)
    # Knowing a leader is read off the graph, so their edges are not among the inputs.
    targets = {
        "sides with the officer": club,
        "knows the instructor": _neighbours(edges, 0, 34),
        "knows the officer": _neighbours(edges, 33, 34),
    }
    kept = edges[:, ~np.isin(edges, (0, 33)).any(axis=0)]
    both = np.concatenate([kept, kept[::-1]], axis=1)
    nodes = GraphNodes(structural_features(both, 34, 8), both)
    tasks = tuple(Task(name, "binary", ("no", "yes")) for name in targets)
    return Contents("nodes", (Block(nodes, tasks, targets),))


def lfr() -> Contents:
    """A benchmark graph whose nodes belong to one or two communities; one binary task each."""
    edges, member = overlapping_lfr(LFR_SIZE, LFR_SEED)
    names = tuple(f"community {i + 1}" for i in range(member.shape[1]))
    tasks = tuple(Task(name, "binary", ("outside", "member")) for name in names)
    targets = {name: member[:, i].astype(np.float64) for i, name in enumerate(names)}
    both = np.concatenate([edges, edges[::-1]], axis=1)
    nodes = GraphNodes(structural_features(both, LFR_SIZE, 32), both)
    return Contents("nodes", (Block(nodes, tasks, targets),))


def _neighbours(edges: NDArray[np.int64], node: int, n: int) -> NDArray[np.float64]:
    known = np.zeros(n)
    known[edges[1, edges[0] == node]] = 1
    known[edges[0, edges[1] == node]] = 1
    known[node] = np.nan
    return known
