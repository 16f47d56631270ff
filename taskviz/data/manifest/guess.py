"""What a folder without a manifest is taken for, and that as the text of a manifest."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from taskviz.data.manifest.files import SINGLE
from taskviz.data.manifest.keys import FILE_NAME
from taskviz.data.manifest.manifest import Manifest, manifest_from
from taskviz.data.readers.base import Findings
from taskviz.data.readers.registry import READERS, recognise
from taskviz.data.summary import DEFAULT_METRIC
from taskviz.values import Task, TaskvizError
from taskviz.values.storage import write_text


def guess(path: Path, findings: Findings) -> Manifest | None:
    """The manifest that a folder or a single file would have."""
    folder = path if path.is_dir() else path.parent
    return manifest_from(guess_plain(path), folder, findings)


def guess_plain(path: Path) -> dict[str, Any]:
    """The same as plain data.

    Raises:
        TaskvizError: nothing there that is known; the layouts are listed.
    """
    if path.is_file():
        for name, suffixes in SINGLE.items():
            if path.suffix.lower() in suffixes:
                reader = READERS[name]
                plain = {"name": path.stem, "layout": "joint", "format": name}
                if name != "npz":
                    plain["modality"] = reader.modality
                return plain | {"files": {reader.needed[0]: path.name}}
        raise TaskvizError(f"{path.name} is no file of a collection: a folder, .zip, .npz, .ts or "
                           "a table is needed.")  # fmt: skip
    found = recognise(path)
    if found is not None:
        reader, files = found
        plain = {"name": path.name, "layout": "joint"}
        if reader.name != "npz":
            plain["modality"] = reader.modality
        return plain | {"format": reader.name, "files": files}
    tasks = _data_sets(path)
    if len(tasks) >= 2:
        return {"name": path.name, "layout": "separate", "tasks": tasks}
    entries = sum(1 for _ in path.iterdir())
    what = "is empty" if not entries else "holds no layout that is known"
    raise TaskvizError(
        f"The folder {path.name} {what}: put data there in one of these layouts: "
        + "; ".join(f"{reader.name} ({reader.title})" for reader in READERS.values())
        + "."
    )


def manifest_text(path: Path, tasks: Sequence[Task] = ()) -> str:
    """A ``collection.toml`` for a folder or a single file.

    Args:
        path: the data.
        tasks: those that were found in them; none leaves the choice to the reader.
    """
    plain = guess_plain(path)
    if plain["layout"] == "joint" and tasks:
        plain["tasks"] = [_task(task) for task in tasks]
    elif tasks:
        known = {task.name: task for task in tasks}
        found = [(entry, known.get(entry["name"])) for entry in plain["tasks"]]
        plain["tasks"] = [entry | (_task(task) if task else {}) for entry, task in found]
    return _HEAD + _toml(plain)


def _task(task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "kind": task.kind,
        "metric": task.metric or DEFAULT_METRIC[task.kind],
    }


def write_manifest(path: Path, *, force: bool = False) -> Path:
    """Write ``collection.toml`` into a folder, or beside a single file.

    Raises:
        TaskvizError: there is one already and ``force`` is not set, nothing is recognised, or the
            folder cannot be written.
    """
    if not path.exists():
        raise TaskvizError(f"There is no file or folder {path}: give the path of the data.")
    if path.suffix.lower() == ".zip":
        raise TaskvizError(f"{path.name} is an archive: unpack it and write the manifest there.")
    place = (path if path.is_dir() else path.parent) / FILE_NAME
    if place.exists() and not force:
        raise TaskvizError(
            f"{place} is there already: change it by hand, or write it anew with --force."
        )
    text = manifest_text(path, _tasks(path))
    try:
        return write_text(place, text)
    except OSError as error:
        raise TaskvizError(f"Cannot write {place} ({error.strerror or error}).") from None


def _tasks(path: Path) -> list[Task]:
    """The tasks that the files hold; none where something is wrong with them."""
    from taskviz.cache import Cache
    from taskviz.data.manifest.opened import open_path

    contents = open_path(path, Cache(), as_written=False).contents
    return [task for block in contents.blocks for task in block.tasks] if contents else []


def _data_sets(folder: Path) -> list[dict[str, Any]]:
    """One task a folder inside, or one a problem in .ts files."""
    tasks = []
    for inner in sorted(p for p in folder.iterdir() if p.is_dir() and not p.is_symlink()):
        found = None if inner.name.startswith((".", "__")) else recognise(inner)
        if found is not None:
            reader, files = found
            own = {role: str(Path(inner.name) / name) for role, name in files.items()}
            tasks.append({"name": inner.name, "format": reader.name, "files": own})
    if tasks:
        return tasks
    names = sorted(p.name for p in folder.glob("*.ts"))
    problems: dict[str, dict[str, str]] = {}
    for name in names:
        stem = name.removesuffix(".ts")
        role = "test" if stem.endswith("_TEST") else "train"
        problems.setdefault(stem.removesuffix("_TRAIN").removesuffix("_TEST"), {})[role] = name
    return [
        {"name": stem, "format": "ts", "files": files}
        for stem, files in problems.items()
        if "train" in files
    ]


_HEAD = f"""\
# {FILE_NAME}: what this collection is. Written by looking at the files; change what is wrong.
# A task has a name, and may have kind (regression, binary, multiclass, multilabel), target (a label
# column, a class, or a list of columns) and metric. Without [[tasks]] the usual ones are taken.
# [splits] may have column (train, valid, test), fractions = [0.6, 0.2, 0.2], published = false.

"""


def _toml(plain: Mapping[str, Any]) -> str:
    lines = [f"{_key(key)} = {_value(value)}" for key, value in plain.items() if key != "tasks"]
    for task in plain.get("tasks", ()):
        lines += [
            "",
            "[[tasks]]",
            *(f"{_key(key)} = {_value(value)}" for key, value in task.items()),
        ]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else _quote(str(value))


def _key(key: str) -> str:
    bare = key.isascii() and all(c.isalnum() or c in "-_" for c in key)
    return key if key and bare else _quote(key)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    plain = "".join(c if c.isprintable() else f"\\u{ord(c):04X}" for c in escaped)
    return f'"{plain}"'
