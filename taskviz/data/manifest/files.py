"""Which files a reader takes: found in a folder, or named one by one."""

from pathlib import Path
from typing import Any

from taskviz.data.manifest.keys import TOP, short
from taskviz.data.readers.base import Findings, Reader
from taskviz.data.readers.paths import inside
from taskviz.data.readers.registry import READERS, recognise
from taskviz.values import TaskvizError

SINGLE = {
    "npz": (".npz",),
    "ts": (".ts",),
    "table": (".csv", ".tsv", ".txt", ".parquet", ".pq", ".arff"),
    "smiles": (".csv", ".tsv", ".txt", ".parquet", ".pq"),
}
"""Format → endings of a single file that it can be read from."""


def files_in(place: Path, wanted: str | None) -> tuple[Reader, dict[str, Path]] | None:
    """Reader and files of a folder, or of a single file."""
    if place.is_file():
        for reader in READERS.values() if wanted is None else [READERS[wanted]]:
            if len(reader.needed) == 1 and place.suffix.lower() in SINGLE.get(reader.name, ()):
                return reader, {reader.needed[0]: place}
        return None
    if wanted is None:
        found = recognise(place)
    else:
        files = READERS[wanted].recognise(place)
        found = None if files is None else (READERS[wanted], files)
    if found is None:
        return None
    # Found by its name, a link may still lead elsewhere.
    reader, names = found
    where = f"of {place.name}"
    return reader, {r: inside(place, name, f"File {r!r} {where}") for r, name in names.items()}


def files_named(
    given: Any, reader: Reader, folder: Path, where: str, findings: Findings
) -> dict[str, Path] | None:
    """Files that a manifest names one by one, by role; None where an error was noted."""
    before = len(findings.errors)
    if isinstance(given, list):
        if len(given) > len(reader.known):
            findings.error(
                f"{where}: {len(given)} files are listed but {reader.name} takes "
                f"{', '.join(reader.known)}."
            )
            return None
        given = dict(zip(reader.known, given, strict=False))
    if not isinstance(given, dict):
        findings.error(f"{where}: files are {short(given)}; {TOP['files']} is needed.")
        return None
    found = {}
    for role, relative in given.items():
        if role not in reader.known:
            findings.error(
                f"{where}: {reader.name} has no file {role!r}; its files are "
                f"{', '.join(reader.known)}."
            )
        elif not isinstance(relative, str):
            findings.error(f"{where}: file {role!r} is {short(relative)}; a path is needed.")
        else:
            try:
                found[role] = inside(folder, relative, f"{where}: file {role!r}")
            except TaskvizError as error:
                findings.error(str(error))
    for role in reader.needed:
        if role not in given:
            findings.error(f"{where}: {reader.name} needs the file {role!r}: {reader.roles[role]}.")
    return found if len(findings.errors) == before else None
