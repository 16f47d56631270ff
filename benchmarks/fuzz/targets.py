"""What is fuzzed: each target makes one case from a generator and calls the product with it.

A case ends in one of two ways: it was taken, or it was refused by a ``TaskvizError`` whose sentence
can be shown. Everything else is a failure.
"""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz import seeds
from benchmarks.fuzz.mutate import as_json, mutate_bytes, mutate_plain, mutate_tree, word
from taskviz.values import AffinityMatrix, Grouping, SubsetTable, TaskvizError

Rng = np.random.Generator
Case = Callable[[Rng, Path], bool]
"""Runs one case in an empty folder; True where the input was taken."""


class Wrong(Exception):
    """The product answered, but not as it should."""


def collection(make: Callable[[], seeds.Tree]) -> Case:
    """A mutated collection, opened as a file, a folder or an archive."""
    from taskviz.cache import Cache
    from taskviz.data import open_collection

    base = make()

    def run(rng: Rng, folder: Path) -> bool:
        tree = mutate_tree(base, rng)
        cache = Cache(folder / "cache")
        if len(base) == 1 and rng.random() < 0.6:
            name, data = next(iter(tree.items()))
            path = _write(folder / "file", {Path(name).name: data}) / Path(name).name
        elif rng.random() < 0.5:
            packed = seeds.zipped(tree)
            path = folder / "packed.zip"
            path.write_bytes(mutate_bytes(packed, rng) if rng.random() < 0.5 else packed)
        else:
            path = _write(folder / "tree", tree)
        found = open_collection(str(path), cache)
        for task in found.tasks:
            task.name.encode()
        for block in found.samples:
            # Images are decoded when they are asked for.
            block.inputs[np.arange(min(len(block.inputs), 200))]
        return len(found.tasks) > 0

    return run


def upload(rng: Rng, folder: Path) -> bool:
    """A mutated file under an odd name through the drop zone."""
    from taskviz.cache import Cache
    from taskviz.data import open_collection
    from taskviz.data.uploads import store_upload

    names = list(seeds.COLLECTIONS)
    tree = seeds.COLLECTIONS[names[int(rng.integers(len(names)))]]()
    name, data = next(iter(mutate_tree(tree, rng).items()))
    cache = Cache(folder / "cache")
    stored = store_upload(data, word(rng) + name, cache)
    stored.name.encode()
    if not stored.path.resolve().is_relative_to(folder.resolve()):
        raise Wrong(f"stored outside the cache: {stored.path}")
    open_collection(stored.reference, cache)
    return True


def value(make: Callable[[], seeds.Tree], read: Callable[[Path], Any]) -> Case:
    """A mutated saved value through its reader."""
    (name, data), *_ = make().items()

    def run(rng: Rng, folder: Path) -> bool:
        if name.endswith(".json") and rng.random() < 0.6:
            changed = mutate_plain(json.loads(data), rng)
            broken = as_json(changed)
        else:
            broken = mutate_bytes(data, rng)
        path = folder / name
        path.write_bytes(broken)
        read(path)
        return True

    return run


def scores(rng: Rng, folder: Path) -> bool:
    """Mutated scores through the import of the Groups page."""
    from taskviz.cache import Cache
    from taskviz.verbs.imports import import_scores

    names = list(seeds.VALUES)
    (name, data), *_ = seeds.VALUES[names[int(rng.integers(len(names)))]]().items()
    import_scores(mutate_bytes(data, rng), word(rng) + name, Cache(folder / "cache"))
    return True


SPECS: dict[str, dict[str, Any]] = {
    "affinity": {
        "collection": {"reference": "digits", "tasks": ["zero", "one"], "split_seed": 0},
        "method": "sca",
        "options": {"n": 10, "inits": 1},
        "seed": 0,
        "device": "cpu",
    },
    "training": {
        "collection": {"reference": "digits", "tasks": ["zero", "one"]},
        "grouping": {"groups": [["zero", "one"]], "budget": 1},
        "options": {"epochs": 1},
        "baselines": True,
        "random_draws": 3,
    },
    "sample-size": {"collection": {"reference": "digits"}, "options": {"n": 10}, "repeats": 2},
    "linearisation": {"collection": {"reference": "digits"}, "options": {}, "subsets": 2},
}


def job_spec(rng: Rng, folder: Path) -> bool:
    """A mutated job spec: checked, titled, and plain JSON again."""
    from taskviz.jobs.kinds import KINDS, parse_spec

    kind = list(SPECS)[int(rng.integers(len(SPECS)))]
    spec: Any = SPECS[kind]
    for _ in range(int(rng.integers(1, 4))):
        spec = mutate_plain(spec, rng)
    if not isinstance(spec, dict):
        spec = {"collection": spec}
    kinds = [*KINDS, kind, kind, kind, word(rng)]
    checked = parse_spec(kinds[int(rng.integers(len(kinds)))], spec)
    checked.title.encode()
    json.dumps(checked.to_json())
    return True


METHODS = ("label-correlation", "random", "covariance-cosine", "sca", "nonsense", "")
COMMANDS = ("check", "affinity", "group", "train", "report", "predict", "export", "jobs",
            "collections", "linearisation", "", "nonsense")  # fmt: skip
FLAGS = (
    "--method", "--budget", "--targets", "--tasks", "--kind", "--leave-out", "--split-seed",
    "--seed", "--device", "--option", "--out", "--json", "--grouping", "--grouper", "--weighting",
    "--affinity", "--budget-unit", "--collection", "--repeats", "--contender", "--format", "--n",
    "--random-draws", "--subsets", "--no-cache", "--version", "--help",
)  # fmt: skip
GOOD = (
    ("--targets", "label_a,label_b"), ("--targets", "label_a,target_c"), ("--tasks", "2"),
    ("--seed", "1"), ("--device", "cpu"), ("--json",), ("--kind", "label_a=binary"),
    ("--leave-out", "colour"), ("--split-seed", "3"), ("--no-cache",), ("--option", "epochs=1"),
    ("--out", "out.json"), ("--repeats", "2"), ("--weighting", "uw"), ("--grouper", "spectral"),
    ("--budget", "2"), ("--grouping", "grouping.json"),
)  # fmt: skip


def command(rng: Rng, folder: Path) -> bool:
    """A command line of valid and odd words; what it prints is one sentence or what was asked."""
    import os

    from taskviz.cli.program import main

    for make in (seeds.csv_table, seeds.matrix_csv, seeds.subset_csv, seeds.grouping_json):
        _write(folder, make())
    if rng.random() < 0.3:
        (folder / "table.csv").write_bytes(mutate_bytes(seeds.csv_table()["table.csv"], rng))
    os.chdir(folder)
    os.environ["TASKVIZ_CACHE"] = str(folder / "cache")

    def pick(among: tuple[str, ...]) -> str:
        return among[int(rng.integers(len(among)))]

    verb = pick(COMMANDS)
    arguments = [verb] if verb else []
    if rng.random() < 0.9:
        files = ("table.csv", "table.csv", "matrix.csv", "subsets.csv", "grouping.json", "list")
        arguments.append(pick(files) if rng.random() < 0.85 else word(rng))
    if verb in ("affinity", "group", "train", "report"):
        # What is not refused has to end soon.
        arguments += ["--method" if verb != "group" else "--affinity", pick(METHODS[:3])]
        if verb == "train":
            arguments += ["--epochs", "1", "--budget", "1"]
        if verb == "report":
            arguments += ["--epochs", "1", "--budget", "1", "--no-baselines"]
    for _ in range(int(rng.integers(0, 4))):
        if rng.random() < 0.6:
            arguments += GOOD[int(rng.integers(len(GOOD)))]
        else:
            arguments += [pick(FLAGS), word(rng)][: int(rng.integers(1, 3))]
    arguments = [a.replace("\0", "") for a in arguments]  # no shell can hand on a zero byte
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(arguments)
    said = out.getvalue() + err.getvalue()
    if "Traceback" in said or "unexpected error" in said:
        raise Wrong(f"{arguments}: {said[-400:]}")
    if status not in (0, 1, 2) or (status == 1 and verb != "check"):
        raise Wrong(f"{arguments}: status {status}: {said[-400:]}")
    if status == 2 and not said.strip():
        raise Wrong(f"{arguments}: refused without a word")
    return status == 0


def _write(folder: Path, tree: seeds.Tree) -> Path:
    for name, data in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def _targets() -> dict[str, Callable[[], Case]]:
    made: dict[str, Callable[[], Case]] = {
        name: lambda make=make: collection(make) for name, make in seeds.COLLECTIONS.items()
    }
    readers = {
        "matrix-csv": AffinityMatrix.read,
        "matrix-json": AffinityMatrix.read,
        "subsets": SubsetTable.read,
        "grouping": Grouping.read,
    }
    for name, read in readers.items():
        made[name] = lambda name=name, read=read: value(seeds.VALUES[name], read)
    made["upload"] = lambda: upload
    made["scores"] = lambda: scores
    made["job-spec"] = lambda: job_spec
    made["command"] = lambda: command
    return made


TARGETS = _targets()


def attempt(case: Case, rng: Rng, folder: Path) -> tuple[str, str]:
    """``taken``, ``refused`` or ``failed``, and what was said."""
    try:
        return ("taken" if case(rng, folder) else "refused"), ""
    except TaskvizError as error:
        said = str(error)
        try:
            said.encode()
        except UnicodeEncodeError:
            return "failed", f"the sentence cannot be shown: {said!r}"
        if not said.strip() or len(said) > 5000:
            return "failed", f"a sentence of {len(said):,} letters: {said[:300]!r}"
        return "refused", said
    except Exception as error:
        import traceback

        place = traceback.extract_tb(error.__traceback__)[-1]
        own = [f for f in traceback.extract_tb(error.__traceback__) if "taskviz" in f.filename]
        at = own[-1] if own else place
        return (
            "failed",
            f"{type(error).__name__}: {str(error)[:300]} ({Path(at.filename).name}:{at.lineno})",
        )
