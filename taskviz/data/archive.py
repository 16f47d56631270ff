"""A .zip of a collection: unpacked under the cache, under its checksum, within limits."""

import hashlib
import lzma
import shutil
import stat
import struct
import uuid
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from taskviz.cache import Cache, touch
from taskviz.data.raw import megabytes
from taskviz.values import TaskvizError

_CHUNK = 1 << 20
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError),
    *(NotImplementedError, RuntimeError, ValueError),
)
"""What Python's readers of archives raise where one is damaged."""
_IGNORED = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class ArchiveLimits:
    """The largest archive that is unpacked, so that no file can fill the disk.

    Args:
        members: files in it.
        expanded: bytes of all of them together, counted while unpacking.
        ratio: times its own size that a file may grow to; a photograph hardly grows, a table of
            zeros to a thousand times.
    """

    members: int = 300_000
    expanded: int = 8_000_000_000
    ratio: int = 2000


def unpack(path: Path, cache: Cache, limits: ArchiveLimits | None = None) -> Path:
    """The folder that a .zip holds; unpacked once for each content.

    Raises:
        TaskvizError: no .zip, damaged, encrypted, a name that leads elsewhere, a link, too many
            files, too many bytes, a full disk.
    """
    limits = limits or ArchiveLimits()
    try:
        with path.open("rb") as file:
            key = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TaskvizError(f"Cannot open {path.name} ({error.strerror or error}).") from None
    folder = cache.root / "unpacked" / key
    touch(folder)
    if not folder.is_dir():
        temporary = cache.root / "tmp" / f"zip-{key[:12]}-{uuid.uuid4().hex[:8]}"
        try:
            temporary.mkdir(parents=True)
            extract(path, temporary, limits)
            folder.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise
        except OSError as error:
            raise TaskvizError(
                f"Cannot unpack {path.name} under {cache.root} ({error.strerror or error}): free "
                "some space there or set TASKVIZ_CACHE to a folder that can be written."
            ) from None
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return _only_folder(folder)


def check_archive(path: Path, limits: ArchiveLimits | None = None) -> list[str]:
    """What is wrong with an archive by its table of contents; one sentence each."""
    limits = limits or ArchiveLimits()
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (OSError, *DAMAGED) as error:
        return [f"{path.name} is not a whole .zip archive ({str(error)[:100]}): pack it again."]
    found = []
    if len(members) > limits.members:
        found.append(
            f"{path.name} holds {len(members):,} files, more than the {limits.members:,} that are "
            "unpacked."
        )
    size = sum(member.file_size for member in members)
    if size > limits.expanded:
        found.append(
            f"{path.name} holds {megabytes(size)} once unpacked, more than the "
            f"{megabytes(limits.expanded)} that are."
        )
    seen: set[str] = set()
    for member in members:
        problem = _wrong(member, limits)
        if problem:
            found.append(f"{path.name}: {problem}")
        if member.filename in seen:
            found.append(f"{path.name}: {_show(member.filename)} is in it twice.")
        seen.add(member.filename)
    return found


def _wrong(member: zipfile.ZipInfo, limits: ArchiveLimits) -> str | None:
    name = member.filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or name.startswith(("/", "\\")) or ":" in parts[0] or "\0" in name:
        return f"the name {_show(name)} is not relative to the archive; pack the folder itself."
    if ".." in parts:
        return f"the name {_show(name)} leads out of the archive; pack the folder itself."
    if len(name) > 1000 or any(len(part.encode()) > 250 for part in parts):
        return f"the name {_show(name)} is too long."
    mode = member.external_attr >> 16
    if stat.S_ISLNK(mode):
        return f"{_show(name)} is a link; pack the file itself."
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return f"{_show(name)} is neither a file nor a folder."
    if member.flag_bits & 0x1:
        return f"{_show(name)} is encrypted; pack it without a password."
    if member.file_size > limits.ratio * max(member.compress_size, 1000):
        return f"{_show(name)} would grow to {member.file_size:,} bytes, which no honest file does."
    return None


def extract(path: Path, folder: Path, limits: ArchiveLimits) -> None:
    """Write the members of a .zip into a folder; errors as :func:`unpack`."""
    problems = check_archive(path, limits)
    if problems:
        raise TaskvizError(problems[0])
    left = limits.expanded
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            parts = PurePosixPath(member.filename.replace("\\", "/")).parts
            if any(part in _IGNORED for part in parts):
                continue
            target = folder.joinpath(*parts)
            if member.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            left -= _copy(archive, member, target, left, path.name)


def _copy(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, left: int, label: str
) -> int:
    """Bytes written; what the archive says of its sizes is not believed."""
    written = 0
    try:
        with archive.open(member) as source, target.open("xb") as file:
            while block := source.read(_CHUNK):
                written += len(block)
                if written > left:
                    raise TaskvizError(
                        f"{label} holds more than the bytes that are unpacked: leave files out."
                    )
                file.write(block)
    except DAMAGED as error:
        raise TaskvizError(
            f"{label}: {_show(member.filename)} cannot be unpacked ({str(error)[:100]}): pack it "
            "again."
        ) from None
    return written


def _only_folder(folder: Path) -> Path:
    """The folder inside, where an archive holds one folder and nothing beside it."""
    inside = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    if len(inside) == 1 and inside[0].is_dir():
        return inside[0]
    return folder


def _show(name: str) -> str:
    plain = "".join(c if c.isprintable() else "?" for c in name)
    return repr(plain if len(plain) <= 80 else plain[:79] + "…")
