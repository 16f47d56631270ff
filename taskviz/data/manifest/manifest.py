"""``collection.toml``: what a collection in a folder is, checked key by key."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from taskviz.data.manifest.keys import FILE_NAME, TASK, TOP, check_keys, choice, short, text
from taskviz.data.manifest.part import Part, parts_from
from taskviz.data.manifest.splits import Splits, splits_from
from taskviz.data.readers.base import Findings
from taskviz.values import Layout, Modality, TaskvizError

_LARGEST = 1_000_000


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
    check_keys(plain, TOP, FILE_NAME, findings)
    layout = choice(plain, "layout", get_args(Layout), "joint", findings)
    modality = choice(plain, "modality", get_args(Modality), "", findings)
    name = plain.get("name", folder.name)
    if not isinstance(name, str) or not name.strip() or len(name) > 200:
        findings.error(f"{FILE_NAME}: name is {name!r}; a text that is not empty is needed.")
        name = folder.name
    splits = splits_from(plain.get("splits", {}), findings)
    tasks = plain.get("tasks", [])
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        findings.error(f"{FILE_NAME}: tasks are {short(tasks)}; write one [[tasks]] a task.")
        tasks = []
    for number, task in enumerate(tasks):
        check_keys(task, TASK, f"{FILE_NAME}, task {number + 1}", findings)
    parts = parts_from(plain, tasks, str(layout), name, folder, findings)
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
        text(plain, "description"),
        text(plain, "licence"),
        splits,
    )
