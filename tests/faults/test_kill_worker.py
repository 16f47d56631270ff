"""SIGKILL in the middle: nothing finished is lost, nothing half-written is read."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from taskviz.cache import Cache
from taskviz.data import CollectionRef, open_collection
from taskviz.jobs import JobStore, resume_job, start_job
from taskviz.values import Grouping
from taskviz.verbs import compute_affinity, read_affinity, read_training, train_groups

ROUNDS = int(os.environ.get("TASKVIZ_FAULT_ROUNDS", "1"))
TASKS = [f"Class{i}" for i in range(1, 9)]
TRAINING = {
    "collection": {"reference": "yeast", "tasks": TASKS},
    "grouping": {"groups": [TASKS[:3], TASKS[3:6], TASKS[6:]]},
    "baselines": False,
    "options": {"epochs": 30, "patience": 0, "width": 16},
}


def networks(store):
    """Key → time of writing of every finished network."""
    return {
        entry.key: (entry.folder / "manifest.json").stat().st_mtime_ns
        for entry in store.cache.entries("network")
    }


def whole(store, job):
    """Wait for its end; only "done" will do."""
    while (seen := store.get(job.id)).live:
        time.sleep(0.1)
    assert seen.state == "done", (seen, store.log_tail(job.id))
    return seen


def test_a_killed_training_resumes_without_repeating_finished_groups(
    job_store, wait_until, tmp_path
):
    job = start_job("training", TRAINING, store=job_store)
    wait_until(lambda: networks(job_store) or not job_store.get(job.id).live)
    running = job_store.get(job.id)
    os.kill(running.pid, signal.SIGKILL)
    wait_until(lambda: job_store.get(job.id).state == "interrupted", 3)
    finished = networks(job_store)
    assert 1 <= len(finished) < 3
    assert JobStore(job_store.root).running() == []
    before = len(job_store.metrics(job.id))

    again = resume_job(job.id, job_store)
    assert (again.id, again.attempt) == (job.id, 2)
    done = whole(job_store, job)
    after = networks(job_store)
    assert len(after) == 3
    assert {key: after[key] for key in finished} == finished

    # No point of a curve twice, and none of what was seen before has gone.
    points = [point for _, point in job_store.metrics(job.id)]
    keys = [(p["group"], p["task"], p["split"], p["metric"], p["step"]) for p in points]
    assert len(set(keys)) == len(keys) >= before
    for group in range(3):
        assert {p["step"] for p in points if p["group"] == group} == set(range(1, 31))

    calm = JobStore(tmp_path / "calm")
    undisturbed = whole(calm, start_job("training", TRAINING, store=calm))
    assert undisturbed.result["results"] == done.result["results"]
    result = read_training(done.result["results"]["chosen"], job_store.cache)
    expected = read_training(undisturbed.result["results"]["chosen"], calm.cache)
    assert result.metrics.equals(expected.metrics)
    assert result.history.equals(expected.history)
    assert result.serving == expected.serving
    for network, other in zip(result.networks, expected.networks, strict=True):
        assert network.weights.keys() == other.weights.keys()
        for name, weights in network.weights.items():
            np.testing.assert_array_equal(weights, other.weights[name])


SCA = {
    "collection": {"reference": "digits", "tasks": ["zero", "one", "two"]},
    "options": {"n": 60, "inits": 2},
}


@pytest.mark.parametrize("seed", range(ROUNDS))
@pytest.mark.parametrize(("kind", "spec"), [("affinity", SCA), ("training", TRAINING)])
def test_killed_at_random_moments(job_store, wait_until, kind, spec, seed):
    """Kill, resume, kill, resume, …; in the end it is as if nothing had been.

    The worker is its own command here, which takes seconds to start; test_thirty_kills.py kills
    more often.
    """
    rng = random.Random(f"{kind} {seed}")
    job = start_job(kind, spec, store=job_store)
    kept = {}
    for _ in range(3 if ROUNDS > 1 else 1):
        time.sleep(rng.uniform(0, 6))
        os.kill(job_store.get(job.id).pid, signal.SIGKILL)
        wait_until(lambda: not job_store.get(job.id).live, 5)
        now = networks(job_store)
        assert {key: now.get(key) for key in kept} == kept
        kept = now
        if job_store.get(job.id).state == "done":
            break
        resume_job(job.id, job_store)
    done = whole(job_store, job)
    now = networks(job_store)
    assert {key: now.get(key) for key in kept} == kept
    assert not (job_store.root / "damaged").exists()

    collection = open_collection(CollectionRef.from_json(spec["collection"]))
    if kind == "affinity":
        found = read_affinity(done.result["affinity"], job_store.cache).values
        fresh = compute_affinity(
            collection, device="cpu", use_cache=False, **spec["options"]
        ).values
        np.testing.assert_array_equal(found, fresh)
    else:
        grouping = Grouping.from_json(spec["grouping"])
        found = read_training(done.result["results"]["chosen"], job_store.cache)
        fresh = train_groups(collection, grouping, device="cpu", use_cache=False, **spec["options"])
        assert found.metrics.equals(fresh.metrics)
        assert found.history.equals(fresh.history)


def test_a_job_outlives_whoever_started_it(job_store, wait_until):
    code = (
        "import json, sys, time; from taskviz.jobs import JobStore, start_job; "
        "print(start_job('affinity', json.loads(sys.argv[1]), store=JobStore(sys.argv[2])).id, "
        "flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(SCA), str(job_store.root)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    key = starter.stdout.readline().strip()
    os.killpg(starter.pid, signal.SIGKILL)
    starter.wait()
    wait_until(lambda: job_store.get(key).state == "done")


def test_the_leavings_of_a_killed_writer_are_not_read(tmp_path):
    cache = Cache(tmp_path)
    key = "ab" * 32
    # What a writer killed in the middle leaves: a folder under tmp/, or one without a manifest.
    (tmp_path / "tmp" / "half").mkdir(parents=True)
    (tmp_path / "tmp" / "half" / "matrix.json").write_text("{")
    folder = cache.folder("affinity", key)
    folder.mkdir(parents=True)
    (folder / "matrix.json").write_text("{")
    assert cache.find("affinity", key) is None
    assert list(cache.entries("affinity")) == []
    assert cache.put("affinity", key, lambda f: (f / "a").write_text("x"), {}) == folder
    assert cache.find("affinity", key) == folder


def test_a_worker_that_ran_out_of_memory_says_so(job_store, wait_until):
    """The system refuses memory by a limit that is set on the running worker."""
    if not hasattr(psutil.Process, "rlimit"):
        pytest.skip("needs resource limits of other processes (Linux)")
    job = start_job(
        "training", {**TRAINING, "options": {"epochs": 100000, "patience": 0}}, store=job_store
    )
    wait_until(lambda: job_store.metrics(job.id) or not job_store.get(job.id).live)
    process = psutil.Process(job_store.get(job.id).pid)
    used = process.memory_info().vms
    process.rlimit(psutil.RLIMIT_AS, (used, used))
    wait_until(lambda: not job_store.get(job.id).live, 60)
    seen = job_store.get(job.id)
    # It says so itself, or a library ended it: then it is shown as interrupted, and can resume.
    assert seen.state in ("failed", "interrupted")
    assert "memory" in seen.error


def test_a_locked_store_holds_up_the_telling_only(job_store, wait_until):
    """Another process holds the store for longer than a heartbeat may be missing."""
    spec = {**TRAINING, "options": {"epochs": 100000, "patience": 0, "width": 4}}
    job = start_job("training", spec, store=job_store)
    wait_until(lambda: job_store.metrics(job.id))
    holder = sqlite3.connect(job_store.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    before = len(job_store.metrics(job.id))
    end = time.monotonic() + 12
    while time.monotonic() < end:
        assert job_store.get(job.id).state == "running"
        time.sleep(0.5)
    assert len(job_store.metrics(job.id)) == before
    holder.execute("ROLLBACK")
    wait_until(lambda: len(job_store.metrics(job.id)) > before, 10)
    points = [point for _, point in job_store.metrics(job.id)]
    steps = {p["step"] for p in points if p["group"] == 0}
    assert steps == set(range(1, max(steps) + 1))  # nothing was forgotten meanwhile
