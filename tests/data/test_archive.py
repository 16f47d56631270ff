"""Archives: unpacked once, inside their folder, within limits."""

import io
import stat
import zipfile

import numpy as np
import pytest
from data.readers import layouts

from taskviz.cache import Cache
from taskviz.data import open_path, store_upload
from taskviz.data.archive import ArchiveLimits, check_archive, unpack
from taskviz.data.reference import open_collection
from taskviz.values import TaskvizError


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def test_a_zip_is_its_folder(tmp_path, cache):
    root = layouts.nodes(tmp_path / "net")
    path = layouts.zipped(root, tmp_path / "net.zip")
    assert (
        open_collection(str(path), cache).fingerprint
        == open_collection(str(root), cache).fingerprint
    )
    first = unpack(path, cache)
    stamp = (first / "nodes.csv").stat().st_mtime_ns
    assert (unpack(path, cache) / "nodes.csv").stat().st_mtime_ns == stamp


def test_an_uploaded_zip_is_named_by_us_and_called_by_its_owner(tmp_path, cache):
    root = layouts.nodes(tmp_path / "inner")
    flat = tmp_path / "flat.zip"
    with zipfile.ZipFile(flat, "w") as archive:
        for file in root.iterdir():
            archive.write(file, file.name)
    upload = store_upload(flat.read_bytes(), "../../My data.zip", cache)
    assert upload.path == cache.root / "uploads" / f"{upload.key}.zip"
    collection = open_collection(upload.reference, cache)
    assert collection.name == "My data"
    assert collection.origin.reference == upload.reference


def test_an_uploaded_npz(tmp_path, cache):
    out = io.BytesIO()
    np.savez(out, x=np.zeros((30, 2)), a=np.arange(30) % 2, b=np.arange(30) / 3)
    upload = store_upload(out.getvalue(), "numbers.npz", cache)
    assert open_collection(upload.reference, cache).names == ("a", "b")


def evil(name, mode=0, data=b"x"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        archive.writestr(member, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (evil("../evil.csv"), "leads out of the archive"),
        (evil("a/../../evil.csv"), "leads out of the archive"),
        (evil("/etc/evil.csv"), "is not relative"),
        (evil("C:\\evil.csv"), "is not relative"),
        (evil("..\\evil.csv"), "leads out of the archive"),
        (evil("link", stat.S_IFLNK | 0o777, b"/etc/passwd"), "is a link"),
        (evil("pipe", stat.S_IFIFO | 0o644), "neither a file nor a folder"),
        (evil("a" * 300), "is too long"),
        (b"PK\x03\x04 and no more", "not a whole .zip archive"),
        (evil("a.csv")[:-10], "not a whole .zip archive"),
    ],
)
def test_evil_archives(tmp_path, cache, data, words):
    path = tmp_path / "evil.zip"
    path.write_bytes(data)
    found = [p.message for p in open_path(path, cache).findings.errors]
    assert any(words in message for message in found), found
    with pytest.raises(TaskvizError):
        open_collection(str(path), cache)
    assert not (tmp_path / "evil.csv").exists()
    assert not list(cache.root.glob("unpacked/*"))


def test_bombs(tmp_path, cache):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("zeros.csv", b"0" * 20_000_000)
    limits = ArchiveLimits(expanded=1_000_000)
    assert "more than the 1.0 MB" in check_archive(path, limits)[0]
    assert "no honest file" in check_archive(path, ArchiveLimits(ratio=100))[0]
    with pytest.raises(TaskvizError, match=r"MB once unpacked"):
        unpack(path, cache, limits)
    many = tmp_path / "many.zip"
    with zipfile.ZipFile(many, "w") as archive:
        for i in range(30):
            archive.writestr(f"{i}.csv", b"")
    assert "holds 30 files" in check_archive(many, ArchiveLimits(members=20))[0]


def test_sizes_that_lie_are_not_believed(tmp_path, cache):
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.csv", b"0" * 100_000)
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\x01\x02") + 24
    data[place : place + 4] = (10).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    with pytest.raises(TaskvizError):
        unpack(path, cache)
    assert not list(cache.root.glob("unpacked/*"))
