"""The whole workspace as one .zip: every artefact, upload, pin and job; written and read whole.

An archive is data of somebody else: names are checked before anything is written, bytes counted,
each file has to fit its checksum, jobs are plain data that is checked, and nothing is unpickled.
What a true archive *says* is believed, as a colleague's results are.
"""

import json
import os
import re
import shutil
import time
import uuid
import zipfile
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

from taskviz.access import actor
from taskviz.cache import MANIFEST, Cache, damage
from taskviz.care.pins import keys_in
from taskviz.care.used import OTHERS, artefacts
from taskviz.data.archive import ArchiveLimits, extract
from taskviz.jobs.records import check, dump, restore
from taskviz.jobs.store import JobStore
from taskviz.values import TaskvizError
from taskviz.values.storage import dumps, read_json

FORMAT = 1
_HEADER, _JOBS = "workspace.json", "jobs.jsonl"
_KIND, _KEY = re.compile(r"[a-z][a-z0-9-]{0,40}"), re.compile(r"[0-9a-f]{64}")
_UPLOAD = re.compile(r"([0-9a-f]{64})\.(csv|parquet|arff|zip|npz|json)")
_PIN = re.compile(r"[0-9a-f]{12}\.json")


@dataclass(frozen=True)
class Moved:
    """What an export wrote or an import added.

    Args:
        artefacts: results.
        uploads: files of users.
        jobs: with their metrics.
        skipped: what was there already, or is damaged.
        halfway: folders of checkpoints and of single networks' losses, from which work goes on in
            its middle: they are not part of an archive.
    """

    artefacts: int
    uploads: int
    jobs: int
    skipped: int
    halfway: int = 0


def export_workspace(path: Path, store: JobStore) -> Moved:
    """Write every whole result, upload, pin and job; the file is there whole or not.

    Logs, what can be unpacked again, and what work goes on from in its middle stay here.

    Raises:
        TaskvizError: a disk that is full, somebody who may not, a cache that is changed meanwhile.
    """
    from taskviz import __version__

    actor().must_edit("export the workspace")
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    cache = store.cache
    counts = {"artefacts": 0, "uploads": 0, "jobs": 0, "skipped": 0, "halfway": 0}
    try:
        with zipfile.ZipFile(temporary, "x", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            header = {"format": FORMAT, "taskviz": __version__, "created": time.time()}
            archive.writestr(_HEADER, dumps(header))
            with archive.open(_JOBS, "w", force_zip64=True) as file:
                for job in dump(store.database):
                    file.write(json.dumps(job, ensure_ascii=False).encode() + b"\n")
                    counts["jobs"] += 1
            for artefact in artefacts(cache):
                if not (artefact.folder / MANIFEST).is_file():
                    counts["halfway"] += 1
                    continue
                if damage(artefact.folder) is not None:
                    counts["skipped"] += 1
                    continue
                for each in sorted(artefact.folder.iterdir()):
                    archive.write(each, Path("artefacts", each.relative_to(cache.root)))
                counts["artefacts"] += 1
            for folder, rule in (("uploads", _UPLOAD), ("pins", _PIN)):
                for each in sorted((cache.root / folder).glob("*")):
                    if rule.fullmatch(each.name):
                        archive.write(each, f"{folder}/{each.name}")
                        counts["uploads"] += folder == "uploads" and each.suffix != ".json"
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise TaskvizError(
            f"The workspace cannot be written to {path} ({error.strerror or error}): nothing is "
            "left there; free some space or try again."
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
    return Moved(**counts)


def import_workspace(path: Path, store: JobStore) -> Moved:
    """Add what an archive holds; what is there already stays as it is.

    All is unpacked and checked beside the cache first; then each artefact is moved in whole, and
    the jobs in one write. Ended in between it can be done again.

    Raises:
        TaskvizError: no archive of a workspace, one that is damaged or not honest, a full disk,
            somebody who may not.
    """
    if actor().role != "operator":
        raise TaskvizError("Only whoever runs this server imports a workspace, in a terminal.")
    cache = store.cache
    temporary = cache.root / "tmp" / f"import-{uuid.uuid4().hex[:12]}"
    try:
        temporary.mkdir(parents=True)
        free = shutil.disk_usage(cache.root).free
        extract(path, temporary, ArchiveLimits(members=5_000_000, expanded=int(0.9 * free)))
        _check_header(temporary, path.name)
        results = _results(temporary / "artefacts", path.name)
        uploads = _uploads(temporary / "uploads", path.name)
        jobs = _jobs(temporary / _JOBS, path.name)
        check(jobs)
        pins = [file for file in (temporary / "pins").glob("*") if _PIN.fullmatch(file.name)]
        for pin in pins:
            keys_in(read_json(pin, "pin"))
        skipped = 0
        for folder in results:
            skipped += not _place(cache, folder, folder.relative_to(temporary / "artefacts"))
        for file in uploads:
            skipped += not _place(cache, file, Path("uploads", file.name))
        for pin in pins:
            _place(cache, pin, Path("pins", pin.name))
        added = restore(store.database, jobs)
    except OSError as error:
        raise TaskvizError(
            f"{path.name} cannot be imported into {cache.root} ({error.strerror or error}): free "
            "some space and import it again."
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    files = sum(file.suffix != ".json" for file in uploads)
    return Moved(len(results), files, added, skipped + len(jobs) - added)


def _check_header(folder: Path, label: str) -> None:
    if not (folder / _HEADER).is_file():
        raise TaskvizError(f"{label} is no archive of a workspace: export one first.")
    found = read_json(folder / _HEADER, "header of the workspace").get("format")
    if found != FORMAT:
        raise TaskvizError(
            f"{label} is of format {found!r} of a workspace and {FORMAT} is known here: update "
            "taskviz."
        )


def _results(root: Path, label: str) -> list[Path]:
    """Folders of whole artefacts; anything else refuses the archive."""
    found = []
    for file in root.rglob("*"):
        if file.is_dir():
            continue
        parts = file.relative_to(root).parts
        fits = (
            len(parts) == 4
            and _KIND.fullmatch(parts[0])
            and parts[0] not in OTHERS
            and _KEY.fullmatch(parts[2])
            and parts[1] == parts[2][:2]
        )
        if not fits:
            raise TaskvizError(f"{label} holds {'/'.join(parts)[:80]!r}, which is no result.")
        if parts[3] == MANIFEST:
            found.append(file.parent)
    for folder in found:
        problem = damage(folder)
        name = f"{folder.parent.parent.name} {folder.name[:12]}"
        if problem is not None:
            raise TaskvizError(f"{label} is damaged: {name}: {problem[:200]}.")
        manifest = read_json(folder / MANIFEST, "manifest")
        inside = {file.name for file in folder.iterdir()} - {MANIFEST}
        told = (manifest.get("kind"), manifest.get("key"))
        if told != (folder.parent.parent.name, folder.name) or inside != set(manifest["files"]):
            raise TaskvizError(f"{label} is damaged: {name} is not what its manifest says.")
    whole = set(found)
    for file in root.rglob("*"):
        if file.is_file() and file.parent not in whole:
            raise TaskvizError(f"{label} is damaged: a result has no manifest.")
    return found


def _uploads(root: Path, label: str) -> list[Path]:
    found = sorted(root.glob("*"))
    for file in found:
        match = _UPLOAD.fullmatch(file.name)
        if match is None or not file.is_file():
            raise TaskvizError(f"{label} holds {file.name[:80]!r}, which is no upload.")
        if file.suffix == ".json":
            read_json(file, "upload")
            continue
        with file.open("rb") as opened:
            if file_digest(opened, "sha256").hexdigest() != match[1]:
                raise TaskvizError(f"{label} is damaged: upload {match[1][:12]} has changed.")
    return found


def _jobs(path: Path, label: str) -> list[Any]:
    if not path.is_file():
        raise TaskvizError(f"{label} holds no list of jobs.")
    with path.open("rb") as file:
        try:
            return [json.loads(line) for line in file]
        except (ValueError, RecursionError):
            raise TaskvizError(f"{label} is damaged: its list of jobs is no JSON.") from None


def _place(cache: Cache, source: Path, relative: Path) -> bool:
    """Move into the cache; False where it is there already."""
    target = cache.root / relative
    if target.exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError:
        if not target.exists():
            raise
        return False
    return True
