"""A folder, an archive or a single file as a collection, with everything that is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taskviz.cache import Cache
from taskviz.data.archive import check_archive, unpack
from taskviz.data.contents import Block, Contents
from taskviz.data.manifest.guess import guess
from taskviz.data.manifest.keys import FILE_NAME
from taskviz.data.manifest.manifest import Manifest, read_manifest
from taskviz.data.manifest.part import Part
from taskviz.data.readers.base import DataSet, Findings, Request, Target
from taskviz.data.readers.npz_file import modality_of
from taskviz.data.readers.tasks import block_of, default_targets
from taskviz.values import Inputs, Modality, TaskvizError

_PARTS = {"train": 0, "training": 0, "valid": 1, "val": 1, "validation": 1, "test": 2, "testing": 2}
_PARTS |= {"0": 0, "1": 1, "2": 2, "0.0": 0, "1.0": 1, "2.0": 2}
ARCHIVE_SUFFIXES = (".zip",)
SINGLE_SUFFIXES = (".npz", ".ts")
MIN_SAMPLES = 20


@dataclass(frozen=True, eq=False)
class Opened:
    """What was found.

    Args:
        manifest: as written, or as guessed; None where it cannot be used.
        contents: inputs, tasks and targets; None where there was an error.
        findings: everything that is wrong or had to be assumed.
    """

    manifest: Manifest | None
    contents: Contents | None
    findings: Findings


def is_folder_like(path: Path) -> bool:
    """Whether a path is one that :func:`open_path` reads: a folder, .zip, .npz or .ts."""
    return path.is_dir() or path.suffix.lower() in ARCHIVE_SUFFIXES + SINGLE_SUFFIXES


def open_path(
    path: Path,
    cache: Cache,
    *,
    targets: tuple[str, ...] = (),
    kinds: Mapping[str, str] | None = None,
    thorough: bool = False,
    as_written: bool = True,
) -> Opened:
    """Read a collection.

    Args:
        path: folder, .zip, .npz or .ts.
        cache: where archives are unpacked.
        targets: label columns that are asked for, where the manifest names no tasks.
        kinds: column → kind.
        thorough: decode every file, so that each broken one is found.
        as_written: False looks at the files alone, whatever a manifest there says.
    """
    findings = Findings()
    manifest = _manifest(path, cache, findings, as_written)
    if manifest is None:
        return Opened(None, None, findings)
    if targets:
        manifest = _with_targets(manifest, targets, kinds or {}, findings)
    sets = [(part, _read(part, manifest, findings, thorough, cache)) for part in manifest.parts]
    blocks = [
        block
        for part, data in sets
        if data is not None and (block := _block(part, data, manifest, findings)) is not None
    ]
    if len(blocks) < len(manifest.parts):
        return Opened(manifest, None, findings)
    _check_size(manifest, blocks, findings)
    found = [_modality(part, block) for part, block in zip(manifest.parts, blocks, strict=True)]
    wanted = manifest.modality or found[0]
    for part, modality in zip(manifest.parts, found, strict=True):
        if modality != wanted and not _may_be(wanted, modality):
            findings.error(
                f"{part.name}: the files hold {_words(modality)} but the collection is of the "
                f"modality {wanted!r}; a collection has one modality."
            )
    if findings.errors:
        return Opened(manifest, None, findings)
    last = sets[-1][1]
    joint = manifest.layout == "joint" and last is not None
    contents = Contents(
        wanted,  # type: ignore[arg-type]
        tuple(blocks),
        manifest.layout,
        last.feature_names if joint and last is not None else (),
        last.input_columns if joint and last is not None else (),
    )
    return Opened(manifest, contents, findings)


def _manifest(path: Path, cache: Cache, findings: Findings, as_written: bool) -> Manifest | None:
    try:
        if path.suffix.lower() in ARCHIVE_SUFFIXES and path.is_file():
            problems = check_archive(path)
            for problem in problems:
                findings.error(problem)
            if problems:
                return None
            path = unpack(path, cache)
        if as_written and path.is_dir() and (path / FILE_NAME).exists():
            return read_manifest(path, findings)
        return guess(path, findings)
    except TaskvizError as error:
        findings.error(str(error))
    except OSError as error:
        findings.error(f"Cannot open {path.name} ({error.strerror or error}).")
    return None


def _with_targets(
    manifest: Manifest, targets: tuple[str, ...], kinds: Mapping[str, str], findings: Findings
) -> Manifest:
    if manifest.layout == "separate":
        findings.error(
            f"{manifest.name} is a separate collection, whose data sets have targets of their own: "
            "choose among its tasks instead."
        )
        return manifest
    own = {t.name: t for t in manifest.parts[0].targets}
    chosen = tuple(own.get(n, Target(n, (n,), kinds.get(n, ""))) for n in targets)
    return replace(manifest, parts=(replace(manifest.parts[0], targets=chosen),))


def _read(
    part: Part, manifest: Manifest, findings: Findings, thorough: bool, cache: Cache
) -> DataSet | None:
    """What a part holds; problems are noted with the name of the part where there are several."""
    own = Findings()
    options = dict(part.options)
    if part.reader.name == "npz" and manifest.modality and "modality" not in options:
        options["modality"] = manifest.modality
    request = Request(
        part.files, options, part.targets, manifest.splits.column, own, thorough, cache
    )
    data = None
    try:
        data = part.reader.read(request)
    except TaskvizError as error:
        own.error(str(error))
    except OSError as error:
        own.error(f"A file cannot be opened ({error.strerror or error}).")
    except MemoryError:
        own.error("The files do not fit into memory: use a part of them.")
    _take_over(own, findings, part, manifest)
    return None if own.errors else data


def _block(part: Part, data: DataSet, manifest: Manifest, findings: Findings) -> Block | None:
    own = Findings()
    separate = manifest.layout == "separate"
    try:
        data = _divided(data, manifest)
        targets = part.targets or default_targets(data, separate)
        if separate:
            if len(targets) != 1:
                raise TaskvizError(
                    f"there are {len(targets)} targets ({', '.join(t.name for t in targets[:6])}), "
                    "but a data set of a separate collection has one; name it by target."
                )
            targets = (replace(targets[0], name=part.name),)
        block = block_of(data, targets, own)
    except TaskvizError as error:
        own.error(str(error))
        block = None
    _take_over(own, findings, part, manifest)
    return None if own.errors else block


def _take_over(own: Findings, findings: Findings, part: Part, manifest: Manifest) -> None:
    several = len(manifest.parts) > 1
    for problem in own.problems:
        message = f"{part.name}: {problem.message}" if several else problem.message
        findings.add(problem.severity, message)


def _divided(data: DataSet, manifest: Manifest) -> DataSet:
    """The partition of the manifest in place of the published one."""
    column = manifest.splits.column
    split: NDArray[np.int8] | None = data.split if manifest.splits.published else None
    if not column:
        return replace(data, split=split)
    if column not in data.labels.columns:
        raise TaskvizError(
            f"The column {column!r} of the split is not there: there are "
            f"{', '.join(map(str, data.labels.columns[:12]))}."
        )
    codes = [_PARTS.get(str(value).strip().lower()) for value in data.labels[column]]
    if None in codes:
        row = codes.index(None)
        raise TaskvizError(
            f"Column {column!r}, sample {row + 1}: {data.labels[column].iloc[row]!r} is no part of "
            "a split; train, valid or test is needed."
        )
    found = np.array(codes, dtype=np.int8)
    for number, name in enumerate(("train", "valid", "test")):
        if number != 1 and not (found == number).any():
            raise TaskvizError(f"Column {column!r} leaves no sample for {name}.")
    default = tuple(t for t in data.default if column not in t.columns)
    return replace(data, labels=data.labels.drop(columns=[column]), split=found, default=default)


def _check_size(manifest: Manifest, blocks: list[Block], findings: Findings) -> None:
    tasks = sum(len(block.tasks) for block in blocks)
    if tasks < 2:
        findings.error(
            f"{manifest.name} has {tasks} task{'' if tasks == 1 else 's'}: at least 2 are needed, "
            "so name more targets or put several data sets into a separate collection."
        )
    for part, block in zip(manifest.parts, blocks, strict=True):
        n = len(block.inputs)
        if n < MIN_SAMPLES:
            findings.error(
                f"{part.name} has {n} sample{'' if n == 1 else 's'}: at least {MIN_SAMPLES} are "
                "needed."
            )


def _modality(part: Part, block: Block) -> Modality:
    if part.reader.name != "npz":
        return part.reader.modality
    return modality_of(block.inputs)


def _may_be(wanted: str, found: str) -> bool:
    # Spectrograms have four axes like images; the manifest says which they are.
    return {wanted, found} == {"series", "image"}


def _words(modality: str) -> str:
    return {"table": "a table", "image": "images", "graph": "graphs"}.get(modality, modality)


def describe_inputs(inputs: Inputs) -> str:
    """Shape of some inputs for people, such as ``1 × 28 × 28``."""
    return " × ".join(map(str, inputs.shape[1:]))
