"""A full disk, a read-only cache, damaged files: said in a sentence, nothing lost."""

import random
from pathlib import Path

import numpy as np
import pytest
from faults.disks import fill, make_read_only, small_disk
from streamlit.testing.v1 import AppTest

from taskviz.cache import Cache
from taskviz.data import CollectionRef, open_collection
from taskviz.jobs import JobStore, resume_job, start_job
from taskviz.values import TaskvizError
from taskviz.verbs import compute_affinity, group_tasks, train_groups

ROOT = Path(__file__).resolve().parents[2]
TASKS = [f"Class{i}" for i in range(1, 7)]
TRAINING = {
    "collection": {"reference": "yeast", "tasks": TASKS},
    "grouping": {"groups": [[name] for name in TASKS]},
    "baselines": False,
    "options": {"epochs": 12, "patience": 0, "width": 8},
}


def networks(cache: Cache) -> dict[str, int]:
    """Key → time of writing of every finished network."""
    return {
        entry.key: (entry.folder / "manifest.json").stat().st_mtime_ns
        for entry in cache.entries("network")
    }


def test_a_disk_that_fills_up_while_a_job_trains(tmp_path, wait_until):  # type: ignore[no-untyped-def]
    with small_disk(tmp_path / "disk") as disk:
        store = JobStore(disk / "cache")
        job = start_job("training", TRAINING, store=store)
        wait_until(lambda: networks(store.cache) or not store.get(job.id).live)
        ballast = fill(disk)
        wait_until(lambda: not store.get(job.id).live, 120)
        seen = store.get(job.id)
        kept = networks(store.cache)
        # It says so itself; where not even that could be written, it counts as interrupted.
        assert seen.state in ("failed", "interrupted"), seen
        assert seen.state == "interrupted" or "free some space" in seen.error
        assert 1 <= len(kept) < len(TASKS)
        with pytest.raises(TaskvizError, match="free some space"):
            store.cache.put("x", "ab" * 32, lambda f: (f / "a").write_bytes(b"0" * 10**6), {})
        ballast.unlink()
        resume_job(job.id, store)
        wait_until(lambda: not store.get(job.id).live, 120)
        assert store.get(job.id).state == "done", store.get(job.id)
        after = networks(store.cache)
        assert {key: after.get(key) for key in kept} == kept, "finished units are not done again"
        assert len(after) == len(TASKS)


@pytest.fixture
def linnerud():  # type: ignore[no-untyped-def]
    return open_collection(CollectionRef("linnerud"))


def test_a_read_only_cache_can_be_read_and_says_that_it_cannot_be_written(  # type: ignore[no-untyped-def]
    tmp_path, linnerud, monkeypatch
):
    with small_disk(tmp_path / "disk") as disk:
        cache = Cache(disk / "cache")
        store = JobStore(cache)
        old = store.add("affinity", {"collection": {"reference": "linnerud"}}, "an old job", "cpu")
        store.finish(old.id, old.attempt, "done")
        matrix = compute_affinity(linnerud, method="label-correlation", cache=cache)
        make_read_only(disk)
        again = compute_affinity(linnerud, method="label-correlation", cache=cache)
        np.testing.assert_array_equal(again.values, matrix.values)
        assert [job.title for job in JobStore(cache).list()] == ["an old job"]
        for act in (
            lambda: compute_affinity(linnerud, method="random", cache=cache),
            lambda: start_job("training", TRAINING, store=JobStore(cache)),
        ):
            with pytest.raises(TaskvizError, match="TASKVIZ_CACHE to a folder that can be written"):
                act()
        monkeypatch.setenv("TASKVIZ_CACHE", str(cache.root))
        from taskviz.ui import store as page_store

        page_store.jobs.clear()
        try:
            app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
            app.query_params["collection"] = "linnerud"
            app.run()
            assert not app.exception
            for page in ("affinity", "groups", "jobs"):
                app.switch_page(f"app_pages/{page}.py").run()
                assert not app.exception, page
        finally:
            page_store.jobs.clear()


def damage(path: Path, how: str, rng: random.Random) -> None:
    """One way in which a file goes bad."""
    data = path.read_bytes()
    if how == "flip":
        at = rng.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :])
    elif how == "cut":
        path.write_bytes(data[: rng.randrange(len(data))])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "zeros":
        path.write_bytes(bytes(len(data)))
    else:
        path.unlink()


def test_damaged_artefacts_are_put_aside_and_computed_again(tmp_path, linnerud):  # type: ignore[no-untyped-def]
    cache, rng = Cache(tmp_path / "cache"), random.Random(0)

    def whole_way():  # type: ignore[no-untyped-def]
        matrix = compute_affinity(linnerud, method="label-correlation", cache=cache)
        plan = group_tasks(matrix, method="all-separate", budget=3)
        result = train_groups(linnerud, plan, epochs=2, device="cpu", cache=cache)
        return matrix.values, result.metrics

    values, metrics = whole_way()
    tried = 0
    for how in ("flip", "cut", "empty", "zeros", "gone"):
        files = sorted(
            path
            for kind in cache.root.iterdir()
            if kind.name not in ("damaged", "tmp")
            for path in kind.rglob("*")
            if path.is_file()
        )
        for path in rng.sample(files, min(4, len(files))):
            if path.exists():
                damage(path, how, rng)
                tried += 1
        again, measured = whole_way()
        np.testing.assert_array_equal(again, values)
        assert measured.equals(metrics), how
    assert tried >= 15
    assert any((cache.root / "damaged").iterdir())
