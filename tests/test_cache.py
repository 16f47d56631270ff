"""Artefacts are there whole or not at all."""

import errno
import json
import os
import subprocess
import sys
import textwrap

import pytest
from at_once import all_at_once
from hypothesis import given
from hypothesis import strategies as st

from taskviz.cache import Cache, default_root, key_of
from taskviz.values import TaskvizError

KEY = "ab" * 32
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False).filter(lambda number: abs(number) != float("inf")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def put(cache, text="content", key=KEY, parts=None):
    return cache.put(
        "thing", key, lambda f: (f / "a.txt").write_text(text), {"what": "x", **(parts or {})}
    )


def test_what_was_put_is_found_with_its_parts(cache):
    assert cache.find("thing", KEY) is None
    folder = put(cache, parts={"seed": 1})
    assert cache.find("thing", KEY) == folder
    (entry,) = cache.entries("thing")
    assert (entry.key, entry.parts) == (KEY, {"what": "x", "seed": 1})
    assert entry.size >= len("content")
    assert cache.size() >= entry.size
    assert list(cache.entries("other")) == []
    assert not list((cache.root / "tmp").iterdir())


def test_entries_are_newest_first(cache):
    keys = [f"{i:02d}" * 32 for i in range(4)]
    for key in keys:
        put(cache, key=key)
    assert [entry.key for entry in cache.entries("thing")] == keys[::-1]


@pytest.mark.parametrize("damage", ["change", "shorten", "remove", "no manifest", "bad manifest"])
def test_a_damaged_artefact_is_set_aside_and_computed_again(cache, damage):
    made = []

    def fetch():
        return cache.fetch(
            "thing",
            {"seed": 1},
            compute=lambda: made.append(1) or "content",
            write=lambda value, folder: (folder / "a.txt").write_text(value),
            read=lambda folder: (folder / "a.txt").read_text(),
        )

    assert fetch() == fetch() == "content"
    assert len(made) == 1
    folder = cache.folder("thing", key_of(seed=1))
    file, manifest = folder / "a.txt", folder / "manifest.json"
    if damage == "change":
        file.write_text("CONTENT")
    elif damage == "shorten":
        os.truncate(file, 3)
    elif damage == "remove":
        file.unlink()
    elif damage == "no manifest":
        manifest.unlink()
    else:
        manifest.write_text("[1")
    assert fetch() == "content"
    assert len(made) == 2
    (aside,) = (cache.root / "damaged").iterdir()
    assert (aside / "why.txt").read_text()
    assert fetch() == "content"
    assert len(made) == 2


@pytest.mark.parametrize("content", ["{}", "[]", "null", '{"files": 3}', '{"files": {"a": 1}}'])
def test_a_manifest_of_another_shape_is_damage(cache, content):
    folder = put(cache)
    (folder / "manifest.json").write_text(content)
    assert list(cache.entries("thing")) == []
    assert cache.find("thing", KEY) is None


def test_a_manifest_cannot_point_out_of_its_folder(cache, tmp_path):
    folder = put(cache)
    (tmp_path / "secret").write_text("x")
    data = json.loads((folder / "manifest.json").read_text())
    data["files"] = {"../../../../secret": data["files"]["a.txt"]}
    (folder / "manifest.json").write_text(json.dumps(data))
    assert cache.find("thing", KEY) is None


def test_a_writer_that_fails_leaves_nothing(cache):
    def fail(folder):
        (folder / "a.txt").write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cache.put("thing", KEY, fail, {})
    assert cache.find("thing", KEY) is None
    assert not list((cache.root / "tmp").iterdir())


def test_a_sweep_takes_what_killed_writers_left_and_nothing_else(cache):
    folder = put(cache)
    old, young = cache.root / "tmp" / "old", cache.root / "tmp" / "young"
    for half in (old, young):
        half.mkdir(parents=True)
        (half / "a.txt").write_text("half")
    os.utime(old, (0, 0))
    assert cache.sweep() == 1
    assert young.exists()
    assert not old.exists()
    assert cache.find("thing", KEY) == folder
    assert Cache(cache.root / "none").sweep() == 0


def test_a_full_disk_is_told_in_one_sentence(cache):
    def fail(folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(TaskvizError, match=r"No space left on device.*free some space"):
        cache.put("thing", KEY, fail, {})


def test_a_cache_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TaskvizError, match="TASKVIZ_CACHE"):
        put(Cache(tmp_path / "file"))


def test_the_second_of_two_writers_keeps_the_first_ones(cache):
    put(cache, "first")
    folder = put(cache, "second")
    assert (folder / "a.txt").read_text() == "first"
    assert not list((cache.root / "tmp").iterdir())


def test_a_writer_replaces_what_is_damaged(cache):
    folder = put(cache, "first")
    (folder / "a.txt").write_text("broken")
    put(cache, "second")
    assert (cache.find("thing", KEY) / "a.txt").read_text() == "second"


def test_many_writers_of_one_key(cache):
    assert all_at_once(8, lambda: put(cache, "same")) == []
    assert (cache.find("thing", KEY) / "a.txt").read_text() == "same"
    assert not (cache.root / "damaged").exists()


@given(st.dictionaries(st.text(min_size=1), PLAIN, max_size=4))
def test_equal_parts_give_equal_keys_in_any_order(parts):
    key = key_of(**parts)
    assert key == key_of(**dict(reversed(parts.items())))
    assert len(key) == 64
    assert key_of(**json.loads(json.dumps(parts))) == key


def test_keys_agree_between_processes():
    code = textwrap.dedent(
        """
        from taskviz.cache import key_of
        print(key_of(seed=1, options={"b": [1.5, None], "a": "θ"}))
        """
    )
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == key_of(options={"a": "θ", "b": [1.5, None]}, seed=1)


def test_parts_that_are_no_plain_data_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        key_of(value=float("nan"))
    with pytest.raises(TypeError):
        key_of(value=object())


def test_the_root_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path / "x"))
    assert default_root() == tmp_path / "x"
    assert Cache().root == tmp_path / "x"
    monkeypatch.delenv("TASKVIZ_CACHE")
    assert default_root().name in ("cache", "taskviz")


def test_a_list_is_read_once_and_sees_what_changed(tmp_path, monkeypatch):
    cache, key = Cache(tmp_path), "ab" * 32
    folder = cache.put("thing", key, lambda f: (f / "a").write_text("x"), {"n": 1})
    assert [entry.parts for entry in cache.entries("thing")] == [{"n": 1}]
    with monkeypatch.context() as patch:
        patch.setattr(json, "loads", None)
        assert [entry.parts for entry in cache.entries("thing")] == [{"n": 1}]
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"n": 1', '"n": 22'))
    assert [entry.parts for entry in cache.entries("thing")] == [{"n": 22}]
    manifest.write_text("{")
    assert list(cache.entries("thing")) == []
