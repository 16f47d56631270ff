"""The job store alone; workers are played by processes that do nothing."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from math import isfinite

import psutil
import pytest
from at_once import all_at_once
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from taskviz.jobs import JobStore
from taskviz.jobs.attempts import LostJob
from taskviz.jobs.database import Database
from taskviz.jobs.points import point_rows, points_of
from taskviz.jobs.process import Identity
from taskviz.progress import Curves
from taskviz.values import TaskvizError


def add(store, device="cpu", title="title"):
    return store.add("affinity", {"collection": {"reference": "yeast"}}, title, device)


@pytest.fixture
def worker():
    """Start processes that look like the worker of a job, and end them after the test."""
    started = []

    def start(job):
        process = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(60)", job.id], start_new_session=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def run(store, job, process):
    job = store.attach(job.id, Identity.of(process.pid))
    assert store.take_lease(job)
    return job


def age(store, job, seconds):
    """As if nothing had been heard for so long."""
    with sqlite3.connect(store.path) as connection:
        connection.execute(
            "UPDATE jobs SET beat = beat - ?, queued = queued - ?, heartbeat = heartbeat - ? "
            "WHERE id = ?",
            (seconds, seconds, seconds, job.id),
        )


def test_a_job_from_queue_to_done(job_store, worker):
    job = add(job_store)
    assert (job.state, job.live, job.progress) == ("queued", True, 0.0)
    job = run(job_store, job, worker(job))
    assert job_store.get(job.id).state == "running"
    job_store.report(
        job.id, 1, progress=0.25, stage="SCA", message="state 1", seconds_left=12.0, points=[]
    )
    seen = job_store.get(job.id)
    assert (seen.progress, seen.stage, seen.message, seen.seconds_left) == (
        0.25,
        "SCA",
        "state 1",
        12.0,
    )
    job_store.finish(job.id, 1, "done", result={"affinity": "k"})
    seen = job_store.get(job.id)
    assert (seen.state, seen.progress, seen.result) == ("done", 1.0, {"affinity": "k"})
    assert seen.seconds_left is None
    assert seen.finished >= seen.started >= seen.created
    assert job_store.running() == []
    assert seen.to_json()["spec"] == {"collection": {"reference": "yeast"}}


def test_unknown_job_is_named(job_store):
    with pytest.raises(TaskvizError, match="no job 'nope'"):
        job_store.get("nope")


def test_metrics_come_in_order_and_after_a_number(job_store, worker):
    job = add(job_store)
    run(job_store, job, worker(job))
    points = [{"task": "a", "step": i, "value": i / 10} for i in range(5)]
    send(job_store, job, points[:3])
    first = job_store.metrics(job.id)
    assert [point for _, point in first] == points[:3]
    send(job_store, job, points[3:])
    assert [point for _, point in job_store.metrics(job.id, after=first[-1][0])] == points[3:]


def send(store, job, points, attempt=1):
    store.report(
        job.id, attempt, progress=0, stage="", message="", seconds_left=None, points=points
    )


def test_a_repeated_point_replaces_the_old_one(job_store, worker):
    job = add(job_store)
    run(job_store, job, worker(job))
    about = {"contender": "chosen", "group": 0, "task": "a", "split": "valid", "metric": "loss"}
    send(job_store, job, [{**about, "step": 1, "value": 0.5}, {**about, "step": 2, "value": 0.4}])
    send(job_store, job, [{**about, "step": 1, "value": 0.25}, {**about, "step": 3, "value": 0.3}])
    found = job_store.metrics(job.id)
    assert [(p["step"], p["value"]) for _, p in found] == [(1, 0.25), (2, 0.4), (3, 0.3)]
    assert [number for number, _ in found] == sorted(number for number, _ in found)


def test_curves_come_an_epoch_at_a_time_and_replace_their_like(job_store, worker):
    job = add(job_store)
    run(job_store, job, worker(job))
    common = {"contender": "chosen", "group": 0}
    series = [{"task": task, "metric": "loss"} for task in ("a", 'b "ü"')]

    def curves(steps, values, series=series):
        return Curves(common, series, steps, values)

    send(job_store, job, [curves([1, 2], [[0.5, 1e-9], [0.4, 0.3]]), {"step": 7, "value": 1.0}])
    seen = job_store.metrics(job.id)
    assert [p for _, p in seen] == [
        {**common, **series[0], "step": 1, "value": 0.5},
        {**common, **series[1], "step": 1, "value": 1e-9},
        {**common, **series[0], "step": 2, "value": 0.4},
        {**common, **series[1], "step": 2, "value": 0.3},
        {"step": 7, "value": 1.0},
    ]
    assert len({number for number, _ in seen}) == 3
    # Told again in other portions, and without the curve that was never defined.
    nan = float("nan")
    send(job_store, job, [curves([2, 3], [[0.25], [0.2]], series[:1]), curves([4], [[nan, 0.1]])])
    found = job_store.metrics(job.id)
    assert [(p["step"], p["value"]) for _, p in found] == [
        (1, 0.5), (1, 1e-9), (2, 0.25), (7, 1.0), (3, 0.2), (4, 0.1),
    ]  # fmt: skip
    assert [p["step"] for _, p in job_store.metrics(job.id, after=seen[-1][0])] == [3, 4]


def test_curves_of_an_earlier_version_are_read():
    row = (
        '{"common": {"group": 0, "step": 2}, "names": ["task", "metric", "value"], '
        '"cells": [["a", "loss", 0.5], ["b", "loss", 1e-09]]}'
    )
    assert points_of(row) == [
        {"group": 0, "step": 2, "task": "a", "metric": "loss", "value": 0.5},
        {"group": 0, "step": 2, "task": "b", "metric": "loss", "value": 1e-9},
    ]


@settings(max_examples=80, deadline=None)
@given(
    st.text(max_size=8),
    st.lists(st.text(max_size=6), min_size=1, max_size=4, unique=True),
    st.data(),
)
def test_rows_of_curves_give_back_every_value_to_the_bit(contender, tasks, data):
    numbers = st.lists(st.floats(), min_size=len(tasks), max_size=len(tasks))
    values = data.draw(st.lists(numbers, min_size=1, max_size=3))
    # A name that looks like the step must not be taken for it.
    common = {"contender": contender + '"step": 0', "group": 0, "zest": '"step": 0'}
    series = [{"task": task, "metric": "loss"} for task in tasks]
    steps = range(5, 5 + len(values))
    rows = point_rows(Curves(common, series, steps, values))
    assert len({what for what, _ in rows}) == len(values)
    assert [point for _, text in rows for point in points_of(text)] == [
        {**common, **about, "step": step, "value": value}
        for step, row in zip(steps, values, strict=True)
        for about, value in zip(series, row, strict=True)
        if isfinite(value)
    ]


def test_the_store_may_be_held_open_while_others_write_and_read(job_store, worker):
    job = add(job_store)
    run(job_store, job, worker(job))
    with job_store.held():
        send(job_store, job, [{"step": 1, "value": 0.5}])
        assert len(JobStore(job_store.root).metrics(job.id)) == 1
        add(JobStore(job_store.root))
    assert len(job_store.list()) == 2
    blocked = JobStore(job_store.root / "jobs.sqlite" / "below")
    with blocked.held(), pytest.raises(TaskvizError, match="cannot be used"):
        add(blocked)


def test_a_value_that_is_no_number_becomes_null(job_store, worker):
    job = add(job_store)
    run(job_store, job, worker(job))
    send(job_store, job, [{"step": 1, "value": float("nan")}])
    assert job_store.metrics(job.id)[0][1] == {"step": 1, "value": None}


def test_silence_of_a_stopped_process_is_an_interruption(job_store, worker, wait_until):
    job = add(job_store)
    process = worker(job)
    run(job_store, job, process)
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
    assert job_store.get(job.id).state == "running"
    age(job_store, job, 11)
    seen = job_store.get(job.id)
    assert seen.state == "interrupted"
    assert "resume" in seen.error


def test_a_process_that_is_there_may_be_silent_a_little_longer(job_store, worker):
    job = add(job_store)
    run(job_store, job, worker(job))
    age(job_store, job, 11)
    assert job_store.get(job.id).state == "running"
    age(job_store, job, 60)
    assert job_store.get(job.id).state == "interrupted"


def test_a_dead_process_is_an_interruption_at_once(job_store, worker):
    job = add(job_store)
    process = worker(job)
    run(job_store, job, process)
    process.kill()
    # Not waited for: a zombie is dead too.
    time.sleep(0.1)
    assert job_store.get(job.id).state == "interrupted"
    process.wait()
    assert job_store.get(job.id).state == "interrupted"
    assert job_store.list()[0].state == "interrupted"
    assert job_store.running() == []


def test_a_queued_job_whose_worker_died_is_interrupted(job_store, worker):
    job = add(job_store)
    process = worker(job)
    job_store.attach(job.id, Identity.of(process.pid))
    assert job_store.get(job.id).state == "queued"
    process.kill()
    process.wait()
    assert job_store.get(job.id).state == "interrupted"


def test_a_queued_job_that_never_got_a_worker_is_interrupted(job_store):
    job = add(job_store)
    age(job_store, job, 11)
    assert job_store.get(job.id).state == "interrupted"


def test_a_reused_process_number_is_not_mistaken(job_store):
    job = add(job_store)
    # This very process has the number, but was started at another time and names no job.
    mine = Identity.of(os.getpid())
    run_as = replace(mine, created=mine.created - 100)
    job_store.attach(job.id, run_as)
    assert job_store.get(job.id).state == "interrupted"


def test_a_clock_set_back_interrupts_nothing(job_store, worker):
    job = add(job_store)
    process = worker(job)
    mine = Identity.of(process.pid)
    # Start times are told by the clock on the wall: an hour back, it seems another process.
    job_store.attach(job.id, replace(mine, created=mine.created + 3600))
    assert job_store.get(job.id).state == "queued"
    age(job_store, job, -3600)
    assert job_store.get(job.id).state == "queued"


def test_a_worker_of_another_machine_is_judged_by_its_beat(job_store):
    job = add(job_store)
    job_store.attach(job.id, Identity(os.getpid(), 0.0, "elsewhere"))
    assert job_store.get(job.id).state == "queued"
    age(job_store, job, 11)
    assert job_store.get(job.id).state == "interrupted"


def test_one_lease_a_device_in_the_order_of_the_queue(job_store, worker):
    jobs = [add(job_store), add(job_store), add(job_store)]
    other = add(job_store, device="cuda:0")
    jobs = [job_store.attach(job.id, Identity.of(worker(job).pid)) for job in jobs]
    other = job_store.attach(other.id, Identity.of(worker(other).pid))
    assert not job_store.take_lease(jobs[1])  # an older one waits
    assert job_store.take_lease(jobs[0])
    assert not job_store.take_lease(jobs[1])
    assert job_store.take_lease(other)
    job_store.finish(jobs[0].id, 1, "done")
    assert not job_store.take_lease(jobs[2])
    assert job_store.take_lease(jobs[1])
    assert [job.state for job in map(job_store.get, (j.id for j in jobs))] == [
        "done",
        "running",
        "queued",
    ]


def test_the_lease_of_a_dead_holder_is_taken_over(job_store, worker):
    dead, next_one = add(job_store), add(job_store)
    process = worker(dead)
    run(job_store, dead, process)
    waiting = job_store.attach(next_one.id, Identity.of(worker(next_one).pid))
    assert not job_store.take_lease(waiting)
    process.kill()
    process.wait()
    assert job_store.take_lease(waiting)


def test_a_silent_holder_that_is_there_keeps_its_device(job_store, worker):
    silent, next_one = add(job_store), add(job_store)
    run(job_store, silent, worker(silent))
    age(job_store, silent, 100)
    assert job_store.get(silent.id).state == "interrupted"
    waiting = job_store.attach(next_one.id, Identity.of(worker(next_one).pid))
    assert not job_store.take_lease(waiting)


def test_a_dead_or_cancelled_job_ahead_holds_up_nobody(job_store, worker):
    dead, cancelled, mine = add(job_store), add(job_store), add(job_store)
    age(job_store, dead, 30)
    job_store.attach(cancelled.id, Identity.of(worker(cancelled).pid))
    assert job_store.request_cancel(cancelled.id).cancelling
    mine = job_store.attach(mine.id, Identity.of(worker(mine).pid))
    assert job_store.take_lease(mine)


def test_resume_is_a_new_attempt_and_the_old_one_can_do_no_harm(job_store, worker):
    job = add(job_store)
    process = worker(job)
    run(job_store, job, process)
    with pytest.raises(TaskvizError, match="running"):
        job_store.requeue(job.id)
    process.kill()
    process.wait()
    again = job_store.requeue(job.id)
    assert (again.state, again.attempt, again.pid) == ("queued", 2, None)
    with pytest.raises(TaskvizError, match="queued"):
        job_store.requeue(job.id)
    with pytest.raises(LostJob):
        send(job_store, job, [], attempt=1)
    with pytest.raises(LostJob):
        job_store.finish(job.id, 1, "failed", error="from the grave")
    assert job_store.get(job.id).state == "queued"
    run(job_store, again, worker(job))
    job_store.finish(job.id, 2, "done")
    with pytest.raises(TaskvizError, match="done"):
        job_store.requeue(job.id)


def test_a_second_worker_is_refused(job_store, worker):
    job = add(job_store)
    job_store.attach(job.id, Identity.of(worker(job).pid))
    with pytest.raises(TaskvizError, match="has a worker already"):
        job_store.attach(job.id, Identity.of(worker(job).pid))


def test_cancel_of_a_job_without_a_worker_is_immediate(job_store, worker):
    job = add(job_store)
    age(job_store, job, 30)
    assert job_store.request_cancel(job.id).state == "cancelled"
    running = add(job_store)
    run(job_store, running, worker(running))
    assert job_store.request_cancel(running.id).cancelling
    assert job_store.cancel_wanted(running.id)
    job_store.finish(running.id, 1, "done")
    assert job_store.request_cancel(running.id).state == "done"


def test_delete_takes_metrics_and_log_but_no_running_job(job_store, worker):
    job = add(job_store)
    run(job_store, job, worker(job))
    send(job_store, job, [{"step": 1, "value": 1.0}])
    job_store.logs.mkdir(parents=True)
    job_store.log_path(job.id).write_text("line\n" * 100)
    assert job_store.log_tail(job.id, lines=3) == "line\nline\nline"
    with pytest.raises(TaskvizError, match="cancel it before"):
        job_store.delete(job.id)
    job_store.finish(job.id, 1, "failed", error="x")
    job_store.delete(job.id)
    assert job_store.list() == []
    assert job_store.metrics(job.id) == []
    assert not job_store.log_path(job.id).exists()
    assert job_store.log_tail(job.id) == ""


def test_a_log_path_stays_in_its_folder(job_store):
    assert job_store.log_path("../../etc/passwd").parent == job_store.logs


def test_list_is_newest_first_and_limited(job_store):
    ids = [add(job_store, title=str(i)).id for i in range(4)]
    assert [job.id for job in job_store.list(3)] == ids[::-1][:3]


def test_threads_and_processes_write_at_once(job_store, worker):
    job = add(job_store)
    run(job_store, job, worker(job))
    script = textwrap.dedent(
        """
        import sys
        from taskviz.jobs import JobStore
        store = JobStore(sys.argv[1])
        for step in range(40):
            store.report(sys.argv[2], 1, progress=0, stage="", message="", seconds_left=None,
                         points=[{"writer": sys.argv[3], "step": step, "value": 0.0}])
        """
    )
    others = [
        subprocess.Popen([sys.executable, "-c", script, str(job_store.root), job.id, str(i)])
        for i in range(2)
    ]
    errors = []

    def write(name):
        try:
            for step in range(40):
                send(job_store, job, [{"writer": name, "step": step, "value": 0.0}])
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(f"thread {i}",)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(timeout=60) for process in others] == [0, 0]
    assert errors == []
    assert len(job_store.metrics(job.id)) == 4 * 40


def test_readers_go_on_while_another_process_holds_the_store(job_store, worker):
    job = add(job_store)
    run(job_store, job, worker(job))
    holder = sqlite3.connect(job_store.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert job_store.get(job.id).state == "running"
    writer = threading.Thread(target=send, args=(job_store, job, [{"step": 1, "value": 0.0}]))
    writer.start()
    time.sleep(0.3)
    assert writer.is_alive()
    holder.execute("ROLLBACK")
    writer.join(timeout=10)
    assert len(job_store.metrics(job.id)) == 1


def test_a_store_that_stays_locked_says_so(job_store, monkeypatch):
    add(job_store)
    monkeypatch.setattr("taskviz.jobs.database.BUSY_SECONDS", 0.1)
    holder = sqlite3.connect(job_store.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(TaskvizError, match="another process"):
        add(job_store)
    holder.close()
    add(job_store)


def test_a_store_that_is_no_database_is_set_aside(tmp_path):
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(b"this is no database" * 1000)
    store = JobStore(tmp_path)
    assert store.list() == []
    add(store)
    assert len(store.list()) == 1
    assert len(list(tmp_path.glob("jobs.sqlite.damaged-*"))) == 1


@pytest.mark.parametrize("before", [None, b"this is no database" * 1000], ids=["new", "damaged"])
def test_many_who_are_the_first_at_once_make_one_store(tmp_path, monkeypatch, before):
    # A change to WAL beside another one fails at once, and a second look at a damaged file could
    # move away what the first had just made.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    made = []
    make = Database._make_tables

    def slowly(self):
        make(self)
        made.append(self.path)
        time.sleep(0.05)

    monkeypatch.setattr(Database, "_make_tables", slowly)
    try:
        for number in range(5):
            root = tmp_path / str(number)
            root.mkdir()
            if before is not None:
                (root / "jobs.sqlite").write_bytes(before)
            assert all_at_once(8, lambda root=root: add(JobStore(root))) == []
            assert len(JobStore(root).list()) == 8
            assert made == [root / "jobs.sqlite"]
            assert len(list(root.glob("jobs.sqlite.damaged-*"))) == (before is not None)
            made.clear()
    finally:
        sys.setswitchinterval(interval)


def test_who_waits_too_long_to_make_the_store_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("taskviz.jobs.database.BUSY_SECONDS", 0.1)
    with (
        FileLock(tmp_path / ".jobs.sqlite.lock"),
        pytest.raises(TaskvizError, match=r"another process has held it for 0\.1 s"),
    ):
        add(JobStore(tmp_path))
    add(JobStore(tmp_path))


def test_a_store_of_a_newer_version_is_left_alone(job_store):
    add(job_store)
    with sqlite3.connect(job_store.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(TaskvizError, match="newer taskviz"):
        JobStore(job_store.root).list()


def test_a_cache_that_was_deleted_is_made_again(job_store):
    import shutil

    add(job_store)
    shutil.rmtree(job_store.root)
    assert job_store.list() == []


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(TaskvizError, match="TASKVIZ_CACHE"):
        JobStore(tmp_path / "file" / "cache").list()


def test_a_pause_keeps_the_place_and_a_stop_outdoes_it(job_store, worker):
    first, second = add(job_store), add(job_store)
    run(job_store, first, worker(first))
    asked = job_store.request_cancel(first.id, pause=True)
    assert (asked.cancelling, asked.pausing) == (True, True)
    job_store.finish(first.id, 1, "cancelled")
    assert job_store.get(first.id).state == "paused"
    assert not job_store.get(first.id).live
    again = job_store.requeue(first.id)
    assert (again.state, again.attempt, again.cancelling) == ("queued", 2, False)
    assert [job.id for job in job_store.running()] == [first.id, second.id]
    # A stop after a pause is a stop, a pause after a stop is none.
    job_store.attach(first.id, Identity.of(worker(first).pid))
    assert job_store.take_lease(again)
    job_store.request_cancel(first.id, pause=True)
    assert not job_store.request_cancel(first.id).pausing
    assert not job_store.request_cancel(first.id, pause=True).pausing
    job_store.finish(first.id, 2, "cancelled")
    assert job_store.get(first.id).state == "cancelled"
    job_store.requeue(first.id)
    assert [job.id for job in job_store.running()] == [second.id, first.id]


def test_a_paused_job_can_be_stopped_and_a_lost_one_ends_as_it_was_asked_to(job_store, worker):
    job = add(job_store)
    process = worker(job)
    run(job_store, job, process)
    job_store.request_cancel(job.id, pause=True)
    process.kill()
    process.wait()
    assert job_store.get(job.id).state == "interrupted"
    assert job_store.request_cancel(job.id, pause=True).state == "paused"
    assert job_store.request_cancel(job.id, pause=True).state == "paused"
    assert job_store.request_cancel(job.id).state == "cancelled"


def test_a_store_of_the_first_version_is_brought_up_to_date(job_store):
    job = add(job_store)
    with sqlite3.connect(job_store.path) as connection:
        connection.execute("ALTER TABLE jobs DROP COLUMN pause")
        connection.execute("ALTER TABLE jobs DROP COLUMN owner")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    assert JobStore(job_store.root).get(job.id).state == "queued"
    assert JobStore(job_store.root).request_cancel(job.id, pause=True).pausing
