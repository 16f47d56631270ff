"""Collections made on the spot by a seed, as files: as large as one wants, and no download."""

from pathlib import Path

import numpy as np

from taskviz.data.builtin.overlapping_lfr import overlapping_lfr
from taskviz.data.readers.node_features import structural_features
from taskviz.values import TaskvizError

DEGREE = 40.0
"""Mean degree: 60,000 nodes then have over a million edges."""
NODES_A_TASK = 120
OVERLAP = 0.5
FEATURES = 64


def write_communities(
    path: Path,
    tasks: int = 500,
    *,
    nodes: int | None = None,
    degree: float = DEGREE,
    features: int = FEATURES,
    seed: int = 0,
) -> dict[str, int]:
    """Write a node-labelling collection: a benchmark graph, and one task a community.

    The graph is an overlapping LFR benchmark (:mod:`taskviz.data.builtin.overlapping_lfr`), half
    of whose nodes belong to two communities. Nodes have their log degree and a spectral embedding
    for features, read off the graph alone. The same arguments write the same arrays.

    Args:
        path: of the ``.npz`` file, which :func:`taskviz.load_collection` then opens.
        tasks: communities, each a binary task.
        nodes: of the graph; by default 120 a task.
        degree: mean degree.
        features: eigenvectors of the embedding.
        seed: of the graph.

    Returns:
        nodes, edges and tasks that were written.

    Raises:
        TaskvizError: numbers that do not make a graph, or a file that cannot be written.
    """
    n = NODES_A_TASK * tasks if nodes is None else nodes
    if tasks < 2 or seed < 0 or features < 1:
        raise TaskvizError(
            f"A collection of {tasks} communities with {features} features and seed {seed} cannot "
            "be made: at least 2 communities, 1 feature and a seed from 0 on are needed."
        )
    mean_size = int(n * (1 + OVERLAP)) / tasks
    sizes = max(2, int(0.5 * mean_size)), int(2.5 * mean_size)
    if not 2 <= degree <= mean_size / 2:
        raise TaskvizError(
            f"A mean degree of {degree:g} does not fit communities of {mean_size:.0f} nodes on "
            f"average: it must lie between 2 and {mean_size / 2:.0f}; or ask for more nodes."
        )
    if path.suffix.lower() != ".npz":
        raise TaskvizError(f"{path.name!r} does not end in .npz: name the file so.")
    edges, member = overlapping_lfr(
        n,
        seed,
        mean_degree=degree,
        most_degree=int(3 * degree),
        sizes=sizes,
        overlap=OVERLAP,
        communities=tasks,
    )
    both = np.concatenate([edges, edges[::-1]], axis=1).astype(np.int32)
    made = path.with_name(f".{path.stem}.part.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            made,
            features=structural_features(both, n, features).astype(np.float32),
            edge_index=both,
            community=member.astype(np.uint8),
        )
        made.replace(path)
    except OSError as error:
        made.unlink(missing_ok=True)
        raise TaskvizError(f"{path} cannot be written ({error.strerror or error}).") from None
    return {"nodes": n, "edges": edges.shape[1], "tasks": tasks}
