"""The limit of the cache, pins, and what must never go."""

import os
import time
from pathlib import Path

import pytest

from taskviz.cache import Cache, key_of
from taskviz.care.limit import keep_within_limit, limit, set_limit
from taskviz.care.pins import is_pinned, keys_in, pin, pinned, unpin
from taskviz.care.used import sizes
from taskviz.data.uploads import list_uploads, store_upload
from taskviz.jobs import JobStore
from taskviz.jobs.in_use import in_use
from taskviz.values import TaskvizError

HOUR = 3600.0


def fill(cache: Cache, kind: str, number: int, hours: float, size: int = 10_000) -> str:
    """An artefact that was last used so many hours ago."""
    key = key_of(kind=kind, number=number)
    folder = cache.put(kind, key, lambda f: (f / "data").write_bytes(b"x" * size), {})
    moment = time.time() - hours * HOUR
    os.utime(folder, (moment, moment))
    return key


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_least_recently_used_goes_first_and_no_more_than_needed(cache: Cache) -> None:
    keys = [fill(cache, "network", i, hours=10 - i) for i in range(6)]
    assert cache.find("network", keys[0]), "looking at it is using it"
    removed = keep_within_limit(cache, most=cache.size() - 15_000)
    there = [cache.folder("network", key).exists() for key in keys]
    assert there == [True, False, False, True, True, True]
    assert removed > 20_000
    assert not list((cache.root / "tmp").iterdir())
    assert keep_within_limit(cache, most=cache.size()) == 0
    assert keep_within_limit(cache) == 0, "no limit is set"


def test_what_people_made_what_is_pinned_and_what_is_fresh_stays(cache: Cache) -> None:
    made = [fill(cache, kind, 0, 99) for kind in ("plan", "scenario", "imported", "reference")]
    store_upload(b"a,b\n1,2\n", "t.csv", cache)
    kept, fresh, old = (fill(cache, "training", i, h) for i, h in ((0, 99), (1, 0), (2, 50)))
    pin(cache, "0123456789ab", {"affinity": None}, {"results": {"chosen": kept}})
    assert is_pinned(cache, "0123456789ab")
    keep_within_limit(cache, most=0)
    kinds = set(sizes(cache))
    assert {"plan", "scenario", "imported", "reference", "uploads", "training"} <= kinds
    assert len(made) == 4
    assert len(list_uploads(cache)) == 1
    there = [cache.folder("training", key).exists() for key in (kept, fresh, old)]
    assert there == [True, True, False]
    unpin(cache, "0123456789ab")
    keep_within_limit(cache, most=0)
    assert not cache.folder("training", kept).exists()


def test_nothing_of_a_job_at_work_goes(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    named = fill(store.cache, "affinity", 0, 99)
    job = store.add("stability", {"scores": f"import-{named}"}, "t", "cpu")
    with store.database.write() as connection:
        connection.execute("UPDATE jobs SET created = ?", (time.time() - 3 * HOUR,))
    during = fill(store.cache, "network", 1, hours=2)
    before = fill(store.cache, "network", 2, hours=9)
    keys, since = in_use(store)
    assert named in keys
    keep_within_limit(store.cache, keys, since, most=0)
    there = [
        store.cache.folder(kind, key).exists()
        for kind, key in (("affinity", named), ("network", during), ("network", before))
    ]
    assert there == [True, True, False]
    store.finish(job.id, 1, "done")
    keep_within_limit(store.cache, *in_use(store), most=0)
    assert not store.cache.folder("network", during).exists()


def test_a_damaged_pin_removes_nothing(cache: Cache) -> None:
    key = fill(cache, "network", 0, 99)
    (cache.root / "pins").mkdir()
    (cache.root / "pins" / "0123456789ab.json").write_text("{")
    with pytest.raises(TaskvizError):
        keep_within_limit(cache, most=0)
    assert cache.folder("network", key).exists()


def test_the_limit_is_kept_and_checked(cache: Cache) -> None:
    assert limit(cache) is None
    set_limit(cache, 12)
    assert limit(cache) == 12
    (cache.root / "limit.json").write_text('{"bytes": "many"}')
    with pytest.raises(TaskvizError, match="set the limit again"):
        limit(cache)
    set_limit(cache, None)
    assert limit(cache) is None


def test_keys_are_found_anywhere() -> None:
    key, other = "ab" * 32, "cd" * 32
    assert keys_in([{"a": f"upload:{key}"}, ({"b": [other]},), 7, None]) == {key, other}
    assert pinned(Cache("/nowhere")) == set()


def test_vacuum_gives_space_back(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = store.add("affinity", {}, "t", "cpu")
    points = [{"epoch": i, "value": 0.5, "task": "x" * 200} for i in range(5000)]
    store.report(job.id, 1, progress=0, stage="", message="", seconds_left=None, points=points)
    store.finish(job.id, 1, "done")
    keep = store.add("affinity", {}, "u", "cpu")
    store.delete(job.id)
    assert store.vacuum() > 500_000
    assert [found.id for found in store.list()] == [keep.id]
