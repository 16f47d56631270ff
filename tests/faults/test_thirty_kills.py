"""SIGKILL at thirty random moments of an affinity and of a training; each one counted."""

import os
import random
import signal
import time

import numpy as np
import pytest
from app_pages_under_test import open_app
from faults.fork_server import dead, finished, units

from taskviz.jobs import JobStore, resume_job, start_job
from taskviz.verbs import read_affinity, read_training

KILLS = 30
TASKS = ["zero", "one", "two"]
DIGITS = {"reference": "digits", "tasks": TASKS}
# 80 units of work each: 80 seeds of all subsets; 40 seeds of two groups. Not in stacks, whose size
# is chosen by a trial on the clock: another size may differ in the last bit.
AFFINITY = {
    "collection": DIGITS,
    "method": "exhaustive",
    "options": {"seeds": 80, "epochs": 3, "width": 8, "mode": "sequential"},
}
TRAINING = {
    "collection": DIGITS,
    "grouping": {"groups": [TASKS[:2], TASKS[2:]]},
    "baselines": False,
    "seeds": 40,
    "options": {"epochs": 3, "patience": 0, "width": 8},
}


@pytest.mark.parametrize(("kind", "spec"), [("affinity", AFFINITY)])
def test_thirty_kills_lose_nothing(job_store, wait_until, forks, tmp_path, monkeypatch, kind, spec):
    calm = JobStore(tmp_path / "calm")
    start = time.monotonic()
    undisturbed = start_job(kind, spec, store=calm)
    wait_until(lambda: not calm.get(undisturbed.id).live, 240)
    expected = calm.get(undisturbed.id)
    assert expected.state == "done", (expected.error, expected.details)
    total = len(units(finished(calm.cache)))
    unit = (time.monotonic() - start) / total

    rng = random.Random(kind)
    cache, begun = job_store.cache, len(forks.computed())
    job = start_job(kind, spec, store=job_store)
    kept, seen, reached, torn = set(), [], [], 0
    for kill in range(KILLS):
        if rng.random() < 0.2:
            # While it starts: in the queue, at the lease, opening the data.
            time.sleep(rng.uniform(0, 0.4))
        else:
            goal = len(units(kept)) + rng.choice([0, 1, 1, 2, 3])
            wait_until(
                lambda goal=goal: (
                    (job_store.get(job.id).stage not in ("Starting", "Loading"))
                    and len(list(cache.root.glob("subset/*/*/*"))) >= goal
                    if kind == "affinity"
                    else len(list(cache.root.glob("network/*/*"))) >= goal
                ),
                120,
                0.03,
            )
            time.sleep(rng.uniform(0, unit))
        worker = job_store.get(job.id).pid
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda worker=worker: dead(worker), 30, 0.005)

        # The store opens, for this process and for one that starts now.
        row = JobStore(job_store.root).get(job.id)
        assert row.state == "interrupted", f"too short for {KILLS} kills: it ended after {kill}"
        assert "killed" in row.error
        assert "resume the job" in row.error
        now = finished(cache)
        assert kept <= now, "what was finished has gone"
        kept = now
        seen.append((len(forks.computed()), now))
        reached.append(len(units(now)))
        torn += len(units(forks.computed()[begun:]) - now)
        if kill == 7:
            _page_says_so(job_store, monkeypatch)
        assert resume_job(job.id, job_store).attempt == kill + 2
    wait_until(lambda: not job_store.get(job.id).live, 240)
    done = job_store.get(job.id)
    assert done.state == "done", (done.error, job_store.log_tail(job.id))

    # Nothing that was finished was computed again, counted where it is computed.
    computed = forks.computed()
    for before, found in seen:
        assert not found & set(computed[before:])
    assert 0 < reached[0] + reached[-1] < 2 * total, "the kills fell before or after the work"
    assert len(set(reached)) > 5, "the kills fell at one place"
    assert units(finished(cache)) == units(finished(calm.cache))
    # Twice only what was killed between its last step and its place in the cache.
    stored = [name for name in computed[begun:] if name in units(set(computed))]
    assert total <= len(stored) <= total + torn
    assert not (cache.root / "damaged").exists()

    # And the result is that of a run never disturbed, bit for bit.
    assert done.result == expected.result
    if kind == "affinity":
        one, other = (
            read_affinity(row.result["affinity"], store.cache)
            for row, store in ((done, job_store), (expected, calm))
        )
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_array_equal(one.standard_error, other.standard_error)
    else:
        one, other = (
            read_training(row.result["results"]["chosen"], store.cache)
            for row, store in ((done, job_store), (expected, calm))
        )
        assert one.metrics.equals(other.metrics)
        assert one.history.equals(other.history)
        for network, twin in zip(one.networks, other.networks, strict=True):
            for name, weights in network.weights.items():
                np.testing.assert_array_equal(weights, twin.weights[name])


def _page_says_so(store, monkeypatch):
    """The Jobs page shows the row of the job: what happened, and the button that goes on."""
    from taskviz.ui import store as read_by_pages

    monkeypatch.setenv("TASKVIZ_CACHE", str(store.root))
    read_by_pages.jobs.clear()
    try:
        page = open_app("jobs")
    finally:
        read_by_pages.jobs.clear()
    assert not page.exception
    assert [warning.value for warning in page.warning] == [
        "The worker process ended before the job was done. What was finished is kept: Resume goes "
        "on from there."
    ]
    assert "Resume" in [button.label for button in page.button]
