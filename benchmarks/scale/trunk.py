"""SCA and a map of optima for a large trunk: memory against parameters and activations."""

import json
import os
import sys
import time
from typing import Any

from benchmarks.scale.child import in_child, peak_megabytes
from benchmarks.scale.must import MUST


def run_trunk(quick: bool) -> dict[str, Any]:
    """Both, each in a process of its own."""
    return {what: in_child("trunk", what, "1" if quick else "0") for what in ("sca", "map")}


def measure_trunk(what: str, quick: bool) -> dict[str, Any]:
    """SCA or a map with a bottleneck ResNet, in this process."""
    import numpy as np
    import torch

    from taskviz.affinity import make_estimator
    from taskviz.data.tensors import to_tensors
    from taskviz.engines import RunContext
    from taskviz.networks import NetworkOptions, build_network
    from taskviz.optima import draw_units
    from taskviz.optima.optima_map import OptimaOptions, measure_optima
    from taskviz.optima.way import saved_bytes
    from taskviz.values import Task, TaskCollection

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    tasks, n, side = (2, 4, 32) if quick else (5, 20, 64)
    rng = np.random.default_rng(0)
    collection = TaskCollection.from_arrays(
        "images",
        rng.normal(size=(60, 3, side, side)).astype(np.float32),
        {f"t{i}": (rng.random(60) < 0.5).astype(float) for i in range(tasks)},
        [Task(f"t{i}", "binary", ("no", "yes")) for i in range(tasks)],
        np.repeat([0, 1, 2], 20).astype(np.int8),
        modality="image",
    )
    shape = {
        "network": "resnet-bottleneck",
        "width": 128 if quick else 2048,
        "depth": 1 if quick else 3,
    }
    before = peak_megabytes()
    start = time.perf_counter()
    if what == "sca":
        make_estimator("sca", n=n, **shape).fit(collection, RunContext(seed=0))
    else:
        measure_optima(collection, OptimaOptions(n=n, **shape), RunContext(seed=0))
    seconds = time.perf_counter() - start
    beyond = peak_megabytes() - before
    # Both compute in double precision on a CPU. What a pass over the samples saves is counted for
    # all of them, as one joint training step would hold it.
    data = to_tensors(collection, "cpu", torch.float64)
    network = build_network(collection, NetworkOptions(**shape), seed=0, dtype=torch.float64).eval()
    parameters = sum(p.numel() for p in network.trunk.parameters())
    bytes_of = parameters * 8 / 2**20
    activations = n * saved_bytes(network.trunk, draw_units(data, n, 0).inputs[0][:1])
    return {
        "what": what,
        "parameters": parameters,
        "parameter_megabytes": bytes_of,
        "activation_megabytes": activations / 2**20,
        "seconds": seconds,
        "megabytes_beyond_libraries": beyond,
        "times_the_parameters": beyond / bytes_of,
        "times_the_parameters_without_activations": (beyond - activations / 2**20) / bytes_of,
        "must_reach": MUST["trunk"],
    }


if __name__ == "__main__":
    print(json.dumps(measure_trunk(sys.argv[1], sys.argv[2] == "1")))
