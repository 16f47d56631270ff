"""A Ray cluster of one node against one of two."""

import json
import os
import sys
import time
from typing import Any

from benchmarks.scale.child import in_child
from benchmarks.scale.must import MUST


def run_ray(quick: bool) -> dict[str, Any]:
    """One node against two; each cluster in a process of its own."""
    networks = 8 if quick else 64
    times = {n: in_child("ray", str(n), str(networks), "0" if quick else "1") for n in (1, 2)}
    return {
        "networks": networks,
        "one_node": times[1],
        "two_nodes": times[2],
        "ratio": times[1]["seconds"] / times[2]["seconds"],
        "must_reach": MUST["ray"],
        "load": os.getloadavg()[0],
    }


def measure_ray(nodes: int, networks: int, long: bool) -> dict[str, Any]:
    """Subset trainings on a cluster of so many nodes of one processor."""
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    import ray
    import torch
    from ray.cluster_utils import Cluster

    import taskviz as tv
    from taskviz.engines import RunContext
    from taskviz.engines.ray import RayEngine
    from taskviz.training.subsets import Subset, SubsetOptions, draw_subsets, train_subsets

    torch.set_num_threads(1)
    node = {"node_ip_address": "127.0.0.1", "object_store_memory": 2**28}
    head = {**node, "num_cpus": 1, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(nodes - 1):
        cluster.add_node(num_cpus=1, **node)
    engine = RayEngine(cluster.address)
    collection = tv.load_collection("yeast")
    subsets = [Subset(names) for names in draw_subsets(collection.names, networks, 0)]
    options = SubsetOptions(
        width=256 if long else 16, epochs=120 if long else 1, mode="sequential", batch_size=64
    )
    # The first unit of each worker loads the libraries: not what is compared.
    warm = [Subset(names, 1) for names in draw_subsets(collection.names, 2 * nodes, 1)]
    train_subsets(collection, warm, SubsetOptions(epochs=1), RunContext(engine=engine))
    start = time.perf_counter()
    train_subsets(collection, subsets, options, RunContext(engine=engine))
    seconds = time.perf_counter() - start
    # A driver leaves before the cluster does.
    ray.shutdown()
    cluster.shutdown()
    return {"nodes": nodes, "seconds": seconds, "seconds_a_network": seconds / networks * nodes}


if __name__ == "__main__":
    print(json.dumps(measure_ray(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1")))
