"""A worker that may take no more memory says so."""

from faults.test_thirty_kills import TRAINING

from taskviz.jobs import JobStore, launcher, start_job


def test_a_worker_that_may_take_no_more_memory_says_so(job_store, wait_until, forks, monkeypatch):
    """RLIMIT_AS lets it have 400 MB more than it begins with; the networks are larger."""
    spec = {
        **TRAINING,
        "seeds": 1,
        "options": {"epochs": 2, "patience": 0, "width": 12_000, "depth": 3},
    }

    def spawn(store, module, arguments, log):
        return forks.run("worker", arguments, store.root, log, memory=400_000_000)

    monkeypatch.setattr(launcher, "_spawn", spawn)
    job = start_job("training", spec, store=job_store)
    wait_until(lambda: not job_store.get(job.id).live, 120)
    seen = job_store.get(job.id)
    assert (seen.state, seen.error) == (
        "failed",
        "The computation needs more memory than there is: use fewer samples, a smaller network or "
        "a smaller memory budget, or a machine with more.",
    ), job_store.log_tail(job.id)
    assert not (job_store.root / "damaged").exists()
    assert JobStore(job_store.root).list()[0].state == "failed"
