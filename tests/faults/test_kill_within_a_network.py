"""SIGKILL in the middle of one network: resumed, it has the weights of a run never disturbed."""

import os
import random
import signal
import time

import numpy as np
import pytest

from taskviz.data import CollectionRef, open_collection
from taskviz.jobs import resume_job, start_job
from taskviz.values import Grouping
from taskviz.verbs import read_training, train_groups

SPEC = {
    "collection": {"reference": "yeast"},
    "grouping": {"groups": [[f"Class{i}" for i in range(1, 15)]]},
    "baselines": False,
    "weighting": "gradnorm",
    "options": {"epochs": 150, "patience": 0, "width": 96, "schedule": "cosine", "warmup": 2},
}


def checkpoints(store):
    """Epochs of the checkpoints that are there."""
    files = (store.root / "checkpoints").glob("*/*/*.safetensors")
    return sorted(int(file.name[:7]) for file in files)


@pytest.mark.parametrize("seed", range(int(os.environ.get("TASKVIZ_FAULT_ROUNDS", "1"))))
def test_killed_in_a_random_epoch_and_resumed(job_store, wait_until, seed):
    rng = random.Random(seed)
    job = start_job("training", {**SPEC, "seed": seed}, store=job_store)
    wait_until(lambda: checkpoints(job_store) or not job_store.get(job.id).live, 60)
    time.sleep(rng.uniform(0, 0.7))
    os.kill(job_store.get(job.id).pid, signal.SIGKILL)
    wait_until(lambda: not job_store.get(job.id).live, 5)
    reached = max(checkpoints(job_store))
    assert not list(job_store.cache.entries("network"))
    resume_job(job.id, job_store)
    assert 0 < reached < 150
    wait_until(lambda: not job_store.get(job.id).live, 60)
    done = job_store.get(job.id)
    assert done.state == "done", (done.error, job_store.log_tail(job.id))

    found = read_training(done.result["results"]["chosen"], job_store.cache)
    undisturbed = train_groups(
        open_collection(CollectionRef.from_json(SPEC["collection"])),
        Grouping.from_json(SPEC["grouping"]),
        weighting="gradnorm",
        seed=seed,
        device="cpu",
        use_cache=False,
        **SPEC["options"],
    )
    assert found.history.equals(undisturbed.history)
    assert found.metrics.equals(undisturbed.metrics)
    for network, other in zip(found.networks, undisturbed.networks, strict=True):
        for name, weights in network.weights.items():
            np.testing.assert_array_equal(weights, other.weights[name])
