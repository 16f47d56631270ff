"""Real worker processes."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from taskviz.cache import Cache
from taskviz.engines.spinning import ROUNDS
from taskviz.jobs import cancel_job, delete_job, resume_job, start_job
from taskviz.jobs.worker import _explain
from taskviz.values import TaskvizError
from taskviz.verbs import read_affinity, read_training

SCA = {"collection": {"reference": "linnerud"}, "method": "sca", "options": {"n": 5}}


def endless(seed=0):
    """A training that ends only when it is told to."""
    return {
        "collection": {"reference": "linnerud"},
        "grouping": {"groups": [["Weight", "Waist", "Pulse"]]},
        "baselines": False,
        "options": {"epochs": 100000, "patience": 0, "width": 4},
        "seed": seed,
    }


def test_an_affinity_job_stores_its_matrix(job_store, wait_until):
    start = time.perf_counter()
    job = start_job("affinity", SCA, store=job_store)
    assert time.perf_counter() - start < 5  # mostly the first import of torch in this process
    assert job.state == "queued"
    assert job.device == "cpu" or ":" in job.device
    wait_until(lambda: not job_store.get(job.id).live)
    done = job_store.get(job.id)
    assert (done.state, done.progress, done.error) == ("done", 1.0, "")
    assert done.attempt == 1
    matrix = read_affinity(done.result["affinity"], job_store.cache)
    assert matrix.tasks == ("Weight", "Waist", "Pulse")
    assert "done" in job_store.log_tail(job.id)
    with pytest.raises(TaskvizError, match="nothing left to resume"):
        resume_job(job.id, job_store)


def test_a_training_job_tells_live_metrics_and_time_left(job_store, wait_until):
    spec = {
        "collection": {"reference": "linnerud"},
        "grouping": {"groups": [["Weight", "Waist"], ["Pulse"]]},
        "random_draws": 1,
        "options": {"epochs": 3, "width": 4},
    }
    job = start_job("training", spec, title="<b>my</b> title", store=job_store)
    wait_until(lambda: not job_store.get(job.id).live)
    done = job_store.get(job.id)
    assert done.state == "done", done.error
    assert done.title == "<b>my</b> title"
    assert set(done.result["results"]) == {"chosen", "all-together", "all-separate", "random 1"}
    points = [point for _, point in job_store.metrics(job.id)]
    steps = {p["step"] for p in points if p["contender"] == "chosen" and p["task"] == "Pulse"}
    assert steps == {1, 2, 3}
    result = read_training(done.result["results"]["chosen"], job_store.cache)
    assert set(result.served()["task"]) == {"Weight", "Waist", "Pulse"}


def test_two_jobs_queue_for_one_device(job_store, wait_until):
    first = start_job("training", endless(), store=job_store)
    wait_until(lambda: job_store.get(first.id).state == "running")
    second = start_job("affinity", SCA, store=job_store)
    wait_until(lambda: job_store.get(second.id).stage.startswith("Waiting"))
    time.sleep(1)
    assert [job.id for job in job_store.running()] == [first.id, second.id]
    assert job_store.get(second.id).state == "queued"
    assert job_store.get(first.id).state == "running"
    cancel_job(first.id, job_store)
    wait_until(lambda: job_store.get(second.id).state == "done")
    assert job_store.get(first.id).state == "cancelled"


def test_cancel_takes_seconds_and_leaves_no_process(job_store, wait_until):
    job = start_job("training", endless(), store=job_store)
    wait_until(lambda: trains(job_store, job))
    with pytest.raises(TaskvizError, match="cancel it before"):
        delete_job(job.id, job_store)
    start = time.perf_counter()
    assert cancel_job(job.id, job_store).cancelling
    assert time.perf_counter() - start < 1  # a page does not wait
    wait_until(lambda: job_store.get(job.id).state == "cancelled", 4)
    pid = job_store.get(job.id).pid
    wait_until(lambda: gone(pid), 5)
    assert not job_store.get(job.id).cancelling
    delete_job(job.id, job_store)
    assert job_store.list() == []


def test_cancel_of_a_queued_job(job_store, wait_until):
    first = start_job("training", endless(), store=job_store)
    wait_until(lambda: job_store.get(first.id).state == "running")
    second = start_job("training", endless(1), store=job_store)
    wait_until(lambda: job_store.get(second.id).heartbeat)
    cancel_job(second.id, job_store)
    wait_until(lambda: job_store.get(second.id).state == "cancelled", 5)
    assert job_store.get(first.id).state == "running"


def test_a_worker_that_hears_nothing_is_killed(job_store, wait_until, monkeypatch):
    monkeypatch.setenv("TASKVIZ_FLAG_SECONDS", "0.5")
    monkeypatch.setenv("TASKVIZ_TERM_SECONDS", "0.5")
    job = start_job("training", endless(), store=job_store)
    wait_until(lambda: trains(job_store, job))
    pid = job_store.get(job.id).pid
    os.kill(pid, signal.SIGSTOP)
    cancel_job(job.id, job_store)
    wait_until(lambda: gone(pid), 10)
    wait_until(lambda: job_store.get(job.id).state == "cancelled", 5)


def test_sigterm_from_the_system_is_an_interruption_that_can_resume(job_store, wait_until):
    job = start_job("training", endless(), store=job_store)
    wait_until(lambda: trains(job_store, job))
    os.kill(job_store.get(job.id).pid, signal.SIGTERM)
    wait_until(lambda: job_store.get(job.id).state == "interrupted", 10)
    assert "told to stop by the system" in job_store.get(job.id).error
    again = resume_job(job.id, job_store)
    assert (again.state, again.attempt) == ("queued", 2)
    with pytest.raises(TaskvizError, match="queued"):
        resume_job(job.id, job_store)
    wait_until(lambda: job_store.get(job.id).state == "running")


def test_a_bad_collection_fails_with_its_sentence(job_store, wait_until, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("a,b,c\n" + "1,2,3\n" * 5)
    spec = {"collection": {"reference": str(path), "targets": ["a", "b"]}}
    job = start_job("affinity", spec, store=job_store)
    wait_until(lambda: not job_store.get(job.id).live)
    failed = job_store.get(job.id)
    assert failed.state == "failed"
    assert "constant" in failed.error or "rows" in failed.error
    assert failed.details == ""
    assert "Traceback" not in job_store.log_tail(job.id)


def test_a_device_that_is_not_there_is_refused_before_a_worker_starts(job_store):
    with pytest.raises(TaskvizError, match="Device"):
        start_job("affinity", {**SCA, "device": "cuda:99"}, store=job_store)
    assert job_store.list() == []


def test_the_worker_lives_in_a_session_of_its_own(job_store, wait_until, monkeypatch):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    job = start_job("training", endless(), store=job_store)
    pid = job_store.get(job.id).pid
    assert os.getsid(pid) == os.getpgid(pid) == pid != os.getsid(0)
    environment = psutil.Process(pid).environ()
    assert environment["TASKVIZ_CACHE"] == str(job_store.root)
    assert environment["GOMP_SPINCOUNT"] == str(ROUNDS)


def test_the_worker_needs_the_id_of_a_queued_job(job_store):
    environment = os.environ | {"TASKVIZ_CACHE": str(job_store.root)}
    for arguments in ([], ["nope"]):
        run = subprocess.run(
            [sys.executable, "-m", "taskviz.jobs.worker", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 2
        assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …")],
)
def test_out_of_memory_is_told_in_plain_words(error):
    sentence, details = _explain(error)
    assert "more memory than there is" in sentence
    assert type(error).__name__ in details


def test_an_unexpected_error_keeps_its_traceback_folded():
    try:
        raise KeyError("deep inside")
    except KeyError as error:
        sentence, details = _explain(error)
    assert "KeyError" in sentence
    assert "Traceback" not in sentence
    assert "test_worker" in details
    assert _explain(TaskvizError("Plain.")) == ("Plain.", "")


def trains(store, job):
    seen = store.get(job.id)
    assert seen.live, seen
    return store.metrics(job.id)


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_caches_of_tests_stay_apart(job_store):
    assert job_store.root != Cache().root


def test_a_failure_by_its_settings_says_that_no_retry_helps(job_store, wait_until):
    explosive = {"optimizer": "sgd", "learning_rate": 100, "batch_size": 1, "clip": 0}
    options = {"epochs": 9, "patience": 0, **explosive}
    job = start_job("training", {**endless(), "options": options}, store=job_store)
    wait_until(lambda: not job_store.get(job.id).live)
    failed = job_store.get(job.id)
    assert failed.state == "failed"
    assert "lower the learning rate" in failed.error
    assert failed.hopeless
