"""Uploads: stored by content under our own names, bad ones refused."""

import hashlib
import io
import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskviz.cache import Cache
from taskviz.data.raw import Limits
from taskviz.data.uploads import (
    clean_file_name,
    delete_upload,
    find_upload,
    list_uploads,
    open_upload,
    store_upload,
)
from taskviz.values import TaskvizError

CSV = b"a,b\n1,2\n"


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def parquet():
    out = io.BytesIO()
    pd.DataFrame({"a": [1, 2]}).to_parquet(out)
    return out.getvalue()


def test_store_find_list_delete(cache):
    first = store_upload(CSV, "one.csv", cache)
    second = store_upload(parquet(), "two.parquet", cache)
    key = hashlib.sha256(CSV).hexdigest()
    assert (first.key, first.name, first.size) == (key, "one.csv", len(CSV))
    assert first.path == cache.root / "uploads" / f"{key}.csv"
    assert first.path.read_bytes() == CSV
    assert second.path.suffix == ".parquet"
    assert find_upload(key, cache) == first == open_upload(key, cache)
    assert [u.name for u in list_uploads(cache)] == ["two.parquet", "one.csv"]
    assert delete_upload(key, cache)
    assert not delete_upload(key, cache)
    assert find_upload(key, cache) is None
    assert [u.key for u in list_uploads(cache)] == [second.key]
    files = sorted(f.name for f in (cache.root / "uploads").iterdir())
    assert files == [f"{second.key}.json", f"{second.key}.parquet"]


def test_the_same_content_is_stored_once_under_the_latest_name(cache):
    store_upload(CSV, "one.csv", cache)
    again = store_upload(CSV, "two.tsv", cache)
    assert [u.name for u in list_uploads(cache)] == ["two.tsv"]
    assert again.path.suffix == ".csv"


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "a.csv", "a.csv is empty"),
        (b"a,b\n\x00\x01", "a.csv", "byte 5 is zero"),
        (CSV, "a.parquet", "not a whole Parquet file"),
        (b"PAR1" + b"x" * 50, "a.parquet", "not a whole Parquet file"),
        (b"PAR1", "a.parquet", "not a whole Parquet file"),
        (b"PK\x03\x04rest", "a.xlsx", "zip archive or a spreadsheet"),
        (b"PK\x03\x04rest", "a.csv", "zip archive or a spreadsheet"),
        (b"\x1f\x8brest", "a.csv", "gzip"),
        (CSV, "a.exe", "does not end in"),
        (CSV, "", "does not end in"),
        (b"PAR1" + b"x" * 50, "a.csv", "give it the ending .parquet"),
    ],
)
def test_refused(cache, data, name, words):
    with pytest.raises(TaskvizError, match=words):
        store_upload(data, name, cache)
    assert list_uploads(cache) == []


def test_utf16_is_text(cache):
    assert store_upload("a,b\n1,2\n".encode("utf-16"), "a.csv", cache).size == 18


def test_cap(cache):
    with pytest.raises(TaskvizError, match=r"MB, more than"):
        store_upload(CSV * 10, "a.csv", cache, limits=Limits(size=20))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\Users\\me\\t.csv", "t.csv"),
        ("a\x00\x1b[31mb\r\n.csv", "a[31mb.csv"),
        ("gpj.\u202evsc.exe", "gpj.vsc.exe"),
        ("naïve 🙂  table.csv", "naïve 🙂 table.csv"),
        ("..", "table"),
        ("", "table"),
        ("<script>.csv", "<script>.csv"),
    ],
)
def test_names_are_cleaned(given, expected):
    assert clean_file_name(given) == expected


@given(st.text(max_size=400))
def test_any_name_is_short_flat_and_stable(name):
    cleaned = clean_file_name(name)
    assert 0 < len(cleaned) <= 120
    assert "/" not in cleaned
    assert "\\" not in cleaned
    assert cleaned.isprintable() or not cleaned.isascii()
    assert clean_file_name(cleaned) == cleaned


def test_long_name_keeps_its_ending(cache):
    upload = store_upload(CSV, "x" * 500 + ".csv", cache)
    assert len(upload.name) == 120
    assert upload.name.endswith("….csv")


def test_keys_never_lead_out_of_the_folder(cache):
    store_upload(CSV, "a.csv", cache)
    outside = cache.root / "secret.csv"
    outside.write_bytes(CSV)
    for key in ("../secret", "", "A" * 64, "a" * 63, "a" * 64 + "\n"):
        assert find_upload(key, cache) is None
        assert not delete_upload(key, cache)
    assert outside.exists()


def test_damaged_records_are_passed_over(cache):
    upload = store_upload(CSV, "a.csv", cache)
    about = upload.path.with_suffix(".json")
    assert json.loads(about.read_text())["name"] == "a.csv"
    about.write_text("{")
    assert list_uploads(cache) == []
    assert store_upload(CSV, "a.csv", cache) == find_upload(upload.key, cache)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TaskvizError, match="TASKVIZ_CACHE"):
        store_upload(CSV, "a.csv", Cache(tmp_path / "file"))
