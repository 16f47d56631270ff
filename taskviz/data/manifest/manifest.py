"""``collection.toml``: what a collection in a folder is, checked key by key."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from taskviz.data.readers.base import Findings, Reader, Target, check_kind
from taskviz.data.readers.paths import inside
from taskviz.data.readers.registry import READERS, recognise
from taskviz.data.splits import FRACTIONS
from taskviz.values import Layout, Modality, TaskvizError
from taskviz.values.task import SHOWN_METRICS

FILE_NAME = "collection.toml"
_LARGEST = 1_000_000
_TOP = {
    "name": "text",
    "layout": "text",
    "modality": "text",
    "description": "text",
    "licence": "text",
    "format": "text",
    "files": "path, list of paths, or table of them",
    "options": "table",
    "tasks": "list of tables",
    "splits": "table",
}
_TASK = {
    "name": "text",
    "kind": "text",
    "target": "text or list of texts",
    "metric": "text",
    "format": "text",
    "files": "path, list of paths, or table of them",
    "options": "table",
}
_SPLITS = {"column": "text", "fractions": "list of three numbers", "published": "true or false"}


@dataclass(frozen=True)
class Splits:
    """How rows are divided.

    Args:
        column: label column that holds train, valid or test; "" where there is none.
        fractions: of train, valid and test where a split is drawn.
        published: whether the partition that came with the data is used.
    """

    column: str = ""
    fractions: tuple[float, float, float] = FRACTIONS
    published: bool = True


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


@dataclass(frozen=True, eq=False)
class Manifest:
    """A checked ``collection.toml``."""

    name: str
    layout: Layout
    modality: str
    parts: tuple[Part, ...]
    description: str = ""
    licence: str = ""
    splits: Splits = field(default_factory=Splits)


def read_manifest(folder: Path, findings: Findings) -> Manifest | None:
    """The manifest of a folder; None where an error was noted.

    Every problem of every key is noted, not the first alone.
    """
    path = folder / FILE_NAME
    try:
        if path.is_symlink():
            raise TaskvizError(f"{FILE_NAME} is a link: put the file itself there.")
        raw = path.read_bytes()
        if len(raw) > _LARGEST:
            raise TaskvizError(f"{FILE_NAME} has {len(raw):,} bytes: it is no manifest.")
        plain = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        findings.error(f"{FILE_NAME} is not valid TOML ({error}).")
        return None
    except TaskvizError as error:
        findings.error(str(error))
        return None
    except OSError as error:
        findings.error(f"Cannot open {FILE_NAME} ({error.strerror or error}).")
        return None
    return manifest_from(plain, folder, findings)


def manifest_from(plain: Mapping[str, Any], folder: Path, findings: Findings) -> Manifest | None:
    """The same from plain data."""
    before = len(findings.errors)
    _check_keys(plain, _TOP, FILE_NAME, findings)
    layout = _choice(plain, "layout", get_args(Layout), "joint", findings)
    modality = _choice(plain, "modality", get_args(Modality), "", findings)
    name = plain.get("name", folder.name)
    if not isinstance(name, str) or not name.strip() or len(name) > 200:
        findings.error(f"{FILE_NAME}: name is {name!r}; a text that is not empty is needed.")
        name = folder.name
    splits = _splits(plain.get("splits", {}), findings)
    tasks = plain.get("tasks", [])
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        findings.error(f"{FILE_NAME}: tasks are {_short(tasks)}; write one [[tasks]] a task.")
        tasks = []
    for number, task in enumerate(tasks):
        _check_keys(task, _TASK, f"{FILE_NAME}, task {number + 1}", findings)
    parts = _parts(plain, tasks, str(layout), name, folder, findings)
    names = [t.name for part in parts for t in part.targets] if layout == "joint" else []
    names = names or [part.name for part in parts]
    for repeated in sorted({n for n in names if names.count(n) > 1}):
        findings.error(f"{FILE_NAME}: the task {repeated!r} is there more than once.")
    if len(findings.errors) > before:
        return None
    return Manifest(
        name,
        layout,  # type: ignore[arg-type]
        modality,
        tuple(parts),
        _text(plain, "description"),
        _text(plain, "licence"),
        splits,
    )


def _parts(
    plain: Mapping[str, Any],
    tasks: list[dict[str, Any]],
    layout: str,
    name: str,
    folder: Path,
    findings: Findings,
) -> list[Part]:
    if layout == "joint":
        for number, task in enumerate(tasks):
            for key in ("files", "format", "options"):
                if key in task:
                    findings.error(
                        f"{FILE_NAME}, task {number + 1}: {key!r} belongs to the whole of a joint "
                        'collection; write it at the top, or set layout = "separate".'
                    )
        part = _part(plain, name, folder, FILE_NAME, findings)
        targets = tuple(_target(task, i, findings, needed=True) for i, task in enumerate(tasks))
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
        target = _target(task, number, findings, needed=False)
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
        findings.error(f"{where}: options are {_short(options)}; a table is needed.")
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
            found = _look(place, wanted)
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
        paths = _named(given, reader, folder, where, findings)
        if paths is None:
            return None
        files = paths
    for key in options:
        if key not in reader.options:
            known = ", ".join(reader.options) or "none"
            findings.error(f"{where}: {reader.name} has no option {key!r}; its options: {known}.")
    return reader, files, options


def _look(place: Path, wanted: str | None) -> tuple[Reader, dict[str, Path]] | None:
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


SINGLE = {
    "npz": (".npz",),
    "ts": (".ts",),
    "table": (".csv", ".tsv", ".txt", ".parquet", ".pq", ".arff"),
    "smiles": (".csv", ".tsv", ".txt", ".parquet", ".pq"),
}
"""Format → endings of a single file that it can be read from."""


def _named(
    given: Any, reader: Reader, folder: Path, where: str, findings: Findings
) -> dict[str, Path] | None:
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
        findings.error(f"{where}: files are {_short(given)}; {_TOP['files']} is needed.")
        return None
    found = {}
    for role, relative in given.items():
        if role not in reader.known:
            findings.error(
                f"{where}: {reader.name} has no file {role!r}; its files are "
                f"{', '.join(reader.known)}."
            )
        elif not isinstance(relative, str):
            findings.error(f"{where}: file {role!r} is {_short(relative)}; a path is needed.")
        else:
            try:
                found[role] = inside(folder, relative, f"{where}: file {role!r}")
            except TaskvizError as error:
                findings.error(str(error))
    for role in reader.needed:
        if role not in given:
            findings.error(f"{where}: {reader.name} needs the file {role!r}: {reader.roles[role]}.")
    return found if len(findings.errors) == before else None


def _target(
    task: Mapping[str, Any], number: int, findings: Findings, *, needed: bool
) -> Target | None:
    where = f"{FILE_NAME}, task {number + 1}"
    before = len(findings.errors)
    name, target = task.get("name"), task.get("target")
    if target is None:
        columns: tuple[str, ...] = (name,) if isinstance(name, str) and needed else ()
    elif isinstance(target, str) and target:
        columns = (target,)
    elif isinstance(target, list) and target and all(isinstance(t, str) and t for t in target):
        columns = tuple(target)
    else:
        findings.error(f"{where}: target is {_short(target)}; {_TASK['target']} is needed.")
        return None
    if name is None and len(columns) == 1:
        name = columns[0]
    if not isinstance(name, str) or not name.strip():
        findings.error(f"{where} has no name: give every task a name of its own.")
        return None
    kind, metric = _text(task, "kind"), _text(task, "metric")
    problem = check_kind(kind, f"{FILE_NAME}: task {name!r}")
    if problem:
        findings.error(problem)
    elif metric and metric not in SHOWN_METRICS.get(kind, sum(SHOWN_METRICS.values(), ())):
        known = ", ".join(SHOWN_METRICS.get(kind, SHOWN_METRICS["binary"]))
        findings.error(
            f"{FILE_NAME}: task {name!r} has the unknown metric {metric!r}; choose one of {known}."
        )
    if len(columns) > 1 and kind not in ("", "multilabel"):
        findings.error(
            f"{FILE_NAME}: task {name!r} has {len(columns)} target columns, so its kind is "
            f"multilabel and not {kind!r}."
        )
    return Target(name, columns, kind, metric) if len(findings.errors) == before else None


def _splits(given: Any, findings: Findings) -> Splits:
    if not isinstance(given, dict):
        findings.error(f"{FILE_NAME}: splits are {_short(given)}; a table [splits] is needed.")
        return Splits()
    _check_keys(given, _SPLITS, f"{FILE_NAME}, splits", findings)
    fractions = given.get("fractions", list(FRACTIONS))
    column, published = given.get("column", ""), given.get("published", True)
    right = (
        isinstance(fractions, list)
        and len(fractions) == 3
        and all(isinstance(f, int | float) and not isinstance(f, bool) and f > 0 for f in fractions)
        and abs(sum(fractions) - 1) < 1e-9
    )
    if not right:
        findings.error(
            f"{FILE_NAME}, splits: fractions are {_short(fractions)}; three positive numbers with "
            "sum 1 are needed, for train, valid and test."
        )
    if not isinstance(column, str):
        findings.error(f"{FILE_NAME}, splits: column is {_short(column)}; a text is needed.")
    if not isinstance(published, bool):
        findings.error(f"{FILE_NAME}, splits: published is {_short(published)}; true or false is.")
    shares = tuple(float(f) for f in fractions) if right else FRACTIONS
    return Splits(column if isinstance(column, str) else "", shares, published is True)  # type: ignore[arg-type]


def _check_keys(
    given: Mapping[str, Any], known: Mapping[str, str], where: str, findings: Findings
) -> None:
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}."
            findings.error(f"{where}: the key {key!r} is unknown; {hint}")
    for key, what in known.items():
        if what == "text" and key in given and not isinstance(given[key], str):
            findings.error(f"{where}: {key} is {_short(given[key])}; a text is needed.")


def _choice(
    plain: Mapping[str, Any], key: str, valid: tuple[str, ...], default: str, findings: Findings
) -> str:
    value = plain.get(key, default)
    if isinstance(value, str) and value not in (*valid, default):
        near = get_close_matches(value, valid, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        findings.error(f"{FILE_NAME}: {key} is {value!r}; choose one of {', '.join(valid)}.{hint}")
        return default
    return value if isinstance(value, str) else default


def _text(plain: Mapping[str, Any], key: str) -> str:
    value = plain.get(key, "")
    return value if isinstance(value, str) else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
