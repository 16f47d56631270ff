"""SIGKILL at thirty random moments of one affinity and of one training; each one counted."""

import random

import numpy as np
from app_pages_under_test import open_app
from faults.fork_server import dead, finished, units

from taskviz.jobs import JobStore, resume_job, start_job
from taskviz.training.checkpoint import Checkpoints
from taskviz.verbs import read_affinity, read_training

KILLS, LAST = 30, 5
"""All kills, and those of them that wait for the end: for the result to be written."""
TASKS = ["zero", "one", "two"]
DIGITS = {"reference": "digits", "tasks": TASKS}
# 50 units of work: 50 seeds of all subsets.
SEEDS = 50
AFFINITY = {
    "collection": DIGITS,
    "method": "exhaustive",
    "options": {"seeds": SEEDS, "epochs": 2, "width": 8, "mode": "sequential"},
}
EPOCHS = 30
TRAINING = {
    "collection": DIGITS,
    "grouping": {"groups": [TASKS[:2], TASKS[2:]]},
    "baselines": False,
    "options": {"epochs": EPOCHS, "patience": 0, "width": 8},
}


def run_calm(kind, spec, root, wait_until):
    """The job as it is when nobody disturbs it, and its store."""
    store = JobStore(root)
    job = start_job(kind, spec, store=store)
    wait_until(lambda: not store.get(job.id).live, 240)
    done = store.get(job.id)
    assert done.state == "done", (done.error, done.details)
    return done, store


def run_killed(kind, spec, store, forks, wait_until, draw, look):
    """The job killed and resumed thirty times, then left to finish.

    Args:
        draw: kill → moments at which the process dies.
        look: called with the kill after each of them.
    """
    forks.moments = draw(0)
    job, kept, seen = start_job(kind, spec, store=store), set(), []
    for kill in range(KILLS):
        wait_until(lambda: dead(forks.last), 120, 0.005)
        # The store opens, for this process and for one that starts now.
        row = JobStore(store.root).get(job.id)
        assert row.state == "interrupted", (kill, row, store.log_tail(job.id))
        assert "killed" in row.error
        assert "resume the job" in row.error
        now = finished(store.cache)
        assert kept <= now, "what was finished has gone"
        kept = now
        seen.append((len(forks.computed()), now))
        look(kill)
        forks.moments = draw(kill + 1) if kill + 1 < KILLS else ()
        assert resume_job(job.id, store).attempt == kill + 2
    wait_until(lambda: not store.get(job.id).live, 240)
    done = store.get(job.id)
    assert done.state == "done", (done.error, store.log_tail(job.id))
    # Nothing that was finished was computed again, counted where it is computed.
    computed = forks.computed()
    for before, found in seen:
        assert not found & set(computed[before:])
    assert not (store.root / "damaged").exists()
    return done


def share(rng, left, kill):
    """How much of what is left is done before the next kill: they fall all over the work."""
    return rng.uniform(0.2, 1.8) * left / (KILLS - LAST - kill)


def end(rng, kind):
    """While the result is written, or, where it is, before the job is said to be done."""
    return [(f"{rng.choice(['put', 'written', 'stored'])} {kind}", 1, 0.0), ("finish", 1, 0.0)]


def test_thirty_kills_of_an_affinity_lose_nothing(
    job_store, wait_until, forks, tmp_path, monkeypatch
):
    expected, calm = run_calm("affinity", AFFINITY, tmp_path / "calm", wait_until)
    total = len(units(finished(calm.cache)))
    assert total == SEEDS
    rng, cache, begun = random.Random("affinity"), job_store.cache, len(forks.computed())
    reached = []

    def draw(kill):
        left = total - (reached[-1] if reached else 0)
        if kill >= KILLS - LAST or left < 2:
            return end(rng, "affinity")
        if rng.random() < 0.2:
            # While it starts: in the queue, at the lease, opening the data.
            return [("begin", 1, rng.uniform(0.0, 0.3)), ("put subset", 1, 0.0)]
        many = min(max(round(share(rng, left, kill)), 1), left - 1)
        what = rng.choice(["put", "put", "written", "stored"])
        # In a unit of work, or while it is written.
        return [
            (f"{what} subset", many, rng.uniform(0.0, 0.05)),
            *end(rng, "affinity"),
        ]

    def look(kill):
        reached.append(len(units(finished(cache))))
        if kill == 7:
            _page_says_so(job_store, monkeypatch)

    done = run_killed("affinity", AFFINITY, job_store, forks, wait_until, draw, look)

    assert reached[0] < total / 3, "the kills fell after the work"
    assert len(set(reached)) > 10, "the kills fell at one place"
    assert units(finished(cache)) == units(finished(calm.cache))
    # Twice only what was killed between its last step and its place in the cache.
    computed = forks.computed()[begun:]
    assert total <= len([name for name in computed if name.startswith("subset")]) <= total + KILLS
    assert done.result["affinity"] == expected.result["affinity"]
    one, other = (
        read_affinity(row.result["affinity"], store.cache)
        for row, store in ((done, job_store), (expected, calm))
    )
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.standard_error, other.standard_error)


def test_thirty_kills_of_a_training_lose_nothing(job_store, wait_until, forks, tmp_path):
    begun = len(forks.noted())
    expected, calm = run_calm("training", TRAINING, tmp_path / "calm", wait_until)
    steps = [int(note.split()[2]) for note in forks.noted()[begun:] if note.startswith("epoch ")]
    total = 2 * EPOCHS
    assert len(steps) == total
    each = steps[-1] // total
    assert each >= 10, "an epoch needs moments within"
    rng, begun = random.Random("training"), len(forks.noted())
    killed_at = []

    def draw(kill):
        left = total - sum(whole(forks.noted()[begun:]).values())
        if kill >= KILLS - LAST or left < 2:
            return end(rng, "training")
        if rng.random() < 0.2:
            # Before the first epoch: in the queue, at the lease, opening the data.
            return [("begin", 1, rng.uniform(0.0, 0.3)), ("step", each // 2, 0.0)]
        many = min(share(rng, left, kill), left - 1)
        # In an epoch, while a checkpoint is written, while a network is stored.
        moment = rng.choice(["step", "step", "keeping", "replace", "kept"])
        count = max(round(many * each), 1) if moment == "step" else max(round(many), 1)
        network = rng.choice(["put network", "written network", "stored network"])
        return [
            (moment, count, rng.choice([0.0, rng.uniform(0.0, 0.01)])),
            *([(network, 1, 0.0)] if rng.random() < 0.7 else []),
            *end(rng, "training"),
        ]

    def look(kill):
        notes = forks.noted()[begun:]
        killed_at.append(notes[-1].split()[0])
        state_of = {}
        for folder in (job_store.root / "checkpoints").glob("*/*"):
            # A network that was killed before its first checkpoint has none.
            state = Checkpoints(folder).newest(lambda state: True)
            if state is not None:
                state_of[folder] = state["epoch"]
        there, kept = sorted(state_of.values()), sorted(whole(notes).values())
        assert all(a >= b for a, b in zip(there[-len(kept) :], kept, strict=True))

    done = run_killed("training", TRAINING, job_store, forks, wait_until, draw, look)

    # An epoch that has its checkpoint is not computed again; twice only what a kill fell into.
    notes = forks.noted()[begun:]
    for at, note in enumerate(notes):
        if note.startswith("epoch "):
            _, number, _, name = note.split(maxsplit=3)
            # A checkpoint may have come into its place a moment before the kill.
            last = {whole(notes[:at], what).get(name, 0) for what in ("kept", "keeping")}
            assert int(number) - 1 in last, "a finished epoch was repeated"
    assert whole(notes) == {"zero + one": EPOCHS, "two": EPOCHS}
    assert len([n for n in notes if n.startswith("epoch ")]) <= total + KILLS
    assert "begin" in killed_at, "no kill fell before the first epoch"
    assert {"keeping", "replace", "replaced"} & set(killed_at), "none fell into a checkpoint"
    assert {"put", "written", "stored"} & set(killed_at), "none fell while a result was written"
    # Each epoch is told, and none twice.
    told = {}
    for row, store in ((done, job_store), (expected, calm)):
        points = [dict(point) for _, point in store.metrics(row.id)]
        about = [(p["group"], p["step"], p["task"], p["split"], p["metric"]) for p in points]
        assert len(set(about)) == len(about)
        told[store.root] = {key: p["value"] for key, p in zip(about, points, strict=True)}
    assert told[job_store.root] == told[calm.root]
    assert {(group, step) for group, step, *_ in told[calm.root]} == {
        (group, step) for group in (0, 1) for step in range(1, EPOCHS + 1)
    }
    # And the result is that of a run never disturbed, bit for bit.
    assert done.result["results"] == expected.result["results"]
    one, other = (
        read_training(row.result["results"]["chosen"], store.cache)
        for row, store in ((done, job_store), (expected, calm))
    )
    assert one.metrics.equals(other.metrics)
    assert one.history.equals(other.history)
    assert one.serving == other.serving
    for network, twin in zip(one.networks, other.networks, strict=True):
        assert network.best_step == twin.best_step
        assert network.weights.keys() == twin.weights.keys()
        for name, weights in network.weights.items():
            np.testing.assert_array_equal(weights, twin.weights[name])


def whole(notes, what="kept"):
    """Group → its last epoch that has a checkpoint."""
    kept = {}
    for note in notes:
        if note.startswith(f"{what} "):
            _, number, name = note.split(maxsplit=2)
            kept[name] = int(number)
    return kept


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
