"""What one reader reads: all of a joint collection, a task of a separate one."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from taskviz.data.manifest.files import files_in, files_named
from taskviz.data.manifest.keys import FILE_NAME, short
from taskviz.data.manifest.target import target_from
from taskviz.data.readers.base import Findings, Reader, Target
from taskviz.data.readers.paths import inside
from taskviz.data.readers.registry import READERS
from taskviz.values import TaskvizError


@dataclass(frozen=True, eq=False)
class Part:
    """One set of files with one reader: all of a joint collection, a task of a separate one.

    Args:
        name: of the task; that of the collection where it is joint.
        reader: of its layout.
        files: role → path.
        options: of the reader.
        targets: what is asked for; empty takes the reader's own choice.
    """

    name: str
    reader: Reader
    files: Mapping[str, Path]
    options: Mapping[str, Any]
    targets: tuple[Target, ...]


def parts_from(
    plain: Mapping[str, Any],
    tasks: list[dict[str, Any]],
    layout: str,
    name: str,
    folder: Path,
    findings: Findings,
) -> list[Part]:
    """All parts of a manifest that have no error."""
    if layout == "joint":
        for number, task in enumerate(tasks):
            for key in ("files", "format", "options"):
                if key in task:
                    findings.error(
                        f"{FILE_NAME}, task {number + 1}: {key!r} belongs to the whole of a joint "
                        'collection; write it at the top, or set layout = "separate".'
                    )
        part = _part(plain, name, folder, FILE_NAME, findings)
        targets = tuple(target_from(task, i, findings, needed=True) for i, task in enumerate(tasks))
        return [] if part is None else [Part(name, *part, tuple(t for t in targets if t))]
    for key in ("files", "format", "options"):
        if key in plain:
            findings.error(
                f"{FILE_NAME}: {key!r} stands at the top, but the tasks of a separate collection "
                "have files of their own; write it in each [[tasks]]."
            )
    if len(tasks) < 2:
        findings.error(
            f"{FILE_NAME} lists {len(tasks)} task{'' if len(tasks) == 1 else 's'}: a separate "
            "collection needs at least 2 [[tasks]], each with its files."
        )
    found = []
    for number, task in enumerate(tasks):
        where = f"{FILE_NAME}, task {number + 1}"
        target = target_from(task, number, findings, needed=False)
        part = _part(task, task.get("name", ""), folder, where, findings)
        if target is not None and part is not None:
            own = (target,) if target.columns else ()
            found.append(Part(target.name, *part, own))
    return found


def _part(
    plain: Mapping[str, Any], name: object, folder: Path, where: str, findings: Findings
) -> tuple[Reader, dict[str, Path], dict[str, Any]] | None:
    """Reader, files and options of one table of the manifest."""
    given = plain.get("files")
    wanted = plain.get("format")
    options = plain.get("options", {})
    if not isinstance(options, dict):
        findings.error(f"{where}: options are {short(options)}; a table is needed.")
        return None
    if wanted is not None and (not isinstance(wanted, str) or wanted not in READERS):
        near = get_close_matches(str(wanted), READERS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        findings.error(
            f"{where}: format {wanted!r} is unknown; choose one of {', '.join(READERS)}.{hint}"
        )
        return None
    if given is None or isinstance(given, str):
        try:
            named = given not in (None, ".")
            place = inside(folder, str(given), f"{where}: files") if named else folder
            found = files_in(place, wanted)
        except TaskvizError as error:
            findings.error(str(error))
            return None
        if found is None:
            what = f"no files of the format {wanted!r}" if wanted else "no layout that is known"
            findings.error(
                f"{where}: in {given or 'the folder'!r} there is {what}; name the format and its "
                f"files ({', '.join(READERS)})."
            )
            return None
        reader, files = found
    else:
        if wanted is None:
            findings.error(
                f"{where}: files are named one by one, so format is needed; choose one of "
                f"{', '.join(READERS)}."
            )
            return None
        reader = READERS[wanted]
        paths = files_named(given, reader, folder, where, findings)
        if paths is None:
            return None
        files = paths
    for key in options:
        if key not in reader.options:
            known = ", ".join(reader.options) or "none"
            findings.error(f"{where}: {reader.name} has no option {key!r}; its options: {known}.")
    return reader, files, options
