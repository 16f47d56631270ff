"""Files that users uploaded: stored by content, under a file name that is ours alone."""

import codecs
import hashlib
import os
import re
import tempfile
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from taskviz.access import actor
from taskviz.cache import Cache
from taskviz.care.used import check_space
from taskviz.data.raw import Limits
from taskviz.data.table import ARFF_SUFFIXES, CSV_SUFFIXES, PARQUET_SUFFIXES
from taskviz.values import TaskvizError
from taskviz.values.storage import dumps, read_json, write_text

PREFIX = "upload:"
_KEY = re.compile(r"[0-9a-f]{64}")
_MAGIC = b"PAR1"
_NAME_LENGTH = 120
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_STORED = (".csv", ".parquet", ".arff", ".zip", ".npz")
"""Endings that files are stored under."""
_ZIPPED = (".zip", ".npz")
_KNOWN = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "an image"),
)


@dataclass(frozen=True)
class Upload:
    """A stored file.

    Args:
        key: SHA-256 of its content.
        name: what the user called it, cleaned for display; never part of a path.
        path: where it is.
        size: bytes.
        created: seconds since 1970 of the latest upload of this content.
    """

    key: str
    name: str
    path: Path
    size: int
    created: float = 0.0

    @property
    def reference(self) -> str:
        """What :class:`taskviz.data.CollectionRef` takes."""
        return PREFIX + self.key


def store_upload(
    data: bytes, original_name: str, cache: Cache | None = None, *, limits: Limits | None = None
) -> Upload:
    """Check and store a table, a .zip or an .npz; the same content is stored once.

    Raises:
        TaskvizError: empty, too large, of none of the kinds that are read by name or by content, a
            full disk, somebody who may not upload or has used up their quota.
    """
    name = clean_file_name(original_name)
    (limits or Limits()).check_size(len(data), name)
    suffix = _check_content(data, name)
    folder = _folder(cache)
    key = hashlib.sha256(data).hexdigest()
    path = folder / f"{key}{suffix}"
    created = time.time()
    who = actor()
    who.must_edit("upload files")
    check_space(cache or Cache(), who, len(data))
    owner = _owner(folder / f"{key}.json", who.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, data)
        about = {"key": key, "name": name, "file": path.name, "size": len(data), "created": created}
        if owner:
            about["owner"] = owner
        write_text(folder / f"{key}.json", dumps(about))
    except OSError as error:
        raise TaskvizError(
            f"Cannot store {name} under {folder} ({error.strerror or error}): free some space "
            "there or set TASKVIZ_CACHE to a folder that can be written."
        ) from None
    return Upload(key, name, path, len(data), created)


def _owner(about: Path, name: str) -> str:
    """Who uploaded this content first; it counts for them."""
    if not about.exists():
        return name
    try:
        return str(read_json(about, "upload").get("owner", ""))
    except TaskvizError:
        return name


def list_uploads(cache: Cache | None = None) -> list[Upload]:
    """All stored tables, newest first; what cannot be read is passed over."""
    found = []
    for about in _folder(cache).glob("*.json"):
        upload = find_upload(about.stem, cache)
        if upload is not None:
            found.append(upload)
    return sorted(found, key=lambda upload: (-upload.created, upload.key))


def find_upload(key: str, cache: Cache | None = None) -> Upload | None:
    """The stored table of this key, or None."""
    if not _KEY.fullmatch(key):
        return None
    folder = _folder(cache)
    for suffix in _STORED:
        path = folder / f"{key}{suffix}"
        try:
            size = path.stat().st_size
            about = read_json(folder / f"{key}.json", "upload")
        except (OSError, TaskvizError):
            continue
        created = about.get("created")
        name = clean_file_name(str(about.get("name", "")))
        return Upload(
            key, name, path, size, float(created) if isinstance(created, int | float) else 0.0
        )
    return None


def open_upload(key: str, cache: Cache | None = None) -> Upload:
    """The stored table of this key, its content checked.

    Raises:
        TaskvizError: no such upload, or its file has changed since.
    """
    upload = find_upload(key, cache)
    if upload is None:
        raise TaskvizError(
            f"There is no upload {key[:12]!r} in this cache: upload the table again."
        )
    with upload.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != key:
        raise TaskvizError(
            f"The stored copy of {upload.name} is damaged (its checksum does not fit): "
            "upload the table again."
        )
    return upload


def delete_upload(key: str, cache: Cache | None = None) -> bool:
    """Delete a stored table; False where there was none."""
    if not _KEY.fullmatch(key):
        return False
    there = find_upload(key, cache) is not None
    for suffix in (*_STORED, ".json"):
        (_folder(cache) / f"{key}{suffix}").unlink(missing_ok=True)
    return there


def clean_file_name(name: str) -> str:
    """A file name for display: no folders, no control or direction characters, not too long."""
    base = re.split(r"[/\\]", name)[-1]
    kept = "".join(
        c
        for c in base
        if unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp") and c not in _BIDI
    )
    kept = " ".join(kept.split())
    if len(kept) > _NAME_LENGTH:
        suffix = Path(kept).suffix[:10]
        kept = kept[: _NAME_LENGTH - len(suffix) - 1] + "…" + suffix
    return kept if kept.strip(". ") else "table"


def _folder(cache: Cache | None) -> Path:
    return (cache or Cache()).root / "uploads"


def _check_content(data: bytes, name: str) -> str:
    """The suffix to store under, by name and by content alike."""
    suffix = Path(name).suffix.lower()
    if suffix in PARQUET_SUFFIXES:
        if data[:4] != _MAGIC or data[-4:] != _MAGIC or len(data) < 12:
            raise TaskvizError(
                f"{name} is not a whole Parquet file (it does not begin and end with PAR1): "
                "write the file again."
            )
        return ".parquet"
    if suffix in _ZIPPED:
        if not data.startswith(b"PK\x03\x04"):
            raise TaskvizError(f"{name} is no archive by its content: write the file again.")
        return suffix
    for magic, what in _KNOWN:
        if data.startswith(magic):
            raise TaskvizError(f"{name} is {what}: save the table as CSV or Parquet.")
    if suffix not in CSV_SUFFIXES + ARFF_SUFFIXES:
        raise TaskvizError(
            f"{name} does not end in .csv, .tsv, .parquet, .arff, .zip or .npz: save it as one of "
            "these."
        )
    if data[:4] == _MAGIC:
        raise TaskvizError(f"{name} holds Parquet data: give it the ending .parquet.")
    wide = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
    if b"\0" in data and not data.startswith(wide):
        raise TaskvizError(
            f"{name} is not a text file (byte {data.index(0) + 1:,} is zero): "
            "save the table as CSV in UTF-8 or as Parquet."
        )
    return ".arff" if suffix in ARFF_SUFFIXES else ".csv"


def _write(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".upload-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
