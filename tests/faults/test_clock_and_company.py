"""A clock that goes back, two apps on one cache, a store that is held."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from taskviz.cache import Cache
from taskviz.jobs import JobStore, start_job

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = int(os.environ.get("TASKVIZ_FAULT_ROUNDS", "1"))
LINNERUD = {
    "collection": {"reference": "linnerud"},
    "method": "sca",
    "options": {"n": 10, "inits": 2},
}
BACK = """
import time
_real, _start = time.time, time.time()
time.time = lambda: _real() - (86_400 if _real() - _start > 1.0 else 0)
"""


def test_a_clock_that_is_set_back_by_a_day_ends_no_job(  # type: ignore[no-untyped-def]
    job_store, wait_until, tmp_path, monkeypatch
):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(BACK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    tasks = ["zero", "one", "two"]
    spec = {
        "collection": {"reference": "digits", "tasks": tasks},
        "grouping": {"groups": [tasks]},
        "baselines": False,
        "options": {"epochs": 100_000, "patience": 0, "width": 4},
    }
    job = start_job("training", spec, store=job_store)
    wait_until(lambda: job_store.metrics(job.id), 120)
    end = time.monotonic() + 4
    seen = len(job_store.metrics(job.id))
    while time.monotonic() < end:
        assert job_store.get(job.id).state == "running"
        time.sleep(0.3)
    # Here too, in the process that looks.
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 86_400)
    assert job_store.get(job.id).state == "running"
    wait_until(lambda: len(job_store.metrics(job.id)) > seen)
    os.kill(job_store.get(job.id).pid, signal.SIGKILL)
    wait_until(lambda: job_store.get(job.id).state == "interrupted", 5)


WRITER = """
import sys
from taskviz.cache import Cache, key_of
from taskviz.jobs import JobStore

store = JobStore(sys.argv[1])
for i in range(30):
    job = store.add("affinity", {"i": i}, f"{sys.argv[2]} {i}", "cpu")
    store.report(job.id, 1, progress=0.5, stage="s", message="m", seconds_left=None, points=[])
    key = key_of(number=i)
    store.cache.put("thing", key, lambda f: (f / "a").write_text(str(i) * 1000), {"number": i})
    assert (store.cache.find("thing", key) / "a").read_text() == str(i) * 1000
    store.finish(job.id, 1, "done")
"""


def test_two_apps_on_one_cache(tmp_path: Path) -> None:
    root = tmp_path / "cache"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(root), f"app {i}"],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(3)
    ]
    for writer in writers:
        assert writer.wait(120) == 0, writer.stderr.read()  # type: ignore[union-attr]
    jobs = JobStore(root).list(limit=1000)
    assert len(jobs) == 90
    assert {job.state for job in jobs} == {"done"}
    things = list(Cache(root).entries("thing"))
    assert sorted(entry.parts["number"] for entry in things) == list(range(30))
    assert not (root / "damaged").exists()
    assert not list((root / "tmp").glob("*"))


@pytest.mark.parametrize("seconds", [20 if ROUNDS > 1 else 3])
def test_a_store_that_another_process_holds_is_waited_for(seconds: int, job_store) -> None:  # type: ignore[no-untyped-def]
    job_store.list()
    holder = sqlite3.connect(job_store.path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    threading.Timer(seconds, lambda: holder.execute("ROLLBACK")).start()
    start = time.monotonic()
    assert job_store.list() == [], "looking waits for nobody"
    assert time.monotonic() - start < 2
    job = job_store.add("affinity", LINNERUD, "late", "cpu")
    assert time.monotonic() - start >= seconds - 0.5
    assert [found.id for found in job_store.list()] == [job.id]
    holder.close()
