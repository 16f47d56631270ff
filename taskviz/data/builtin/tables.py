"""Tables from river and scikit-learn."""

import csv
import gzip
import io
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.builtin.entry import damaged, packaged_file
from taskviz.data.contents import Block, Contents, one_against_rest
from taskviz.values import Task, TaskvizError

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
YEAST_FEATURES = tuple(f"Att{i}" for i in range(1, 104))
YEAST_LABELS = tuple(f"Class{i}" for i in range(1, 15))
TRIAL_INPUTS = (
    "age",
    "wtkg",
    "hemo",
    "homo",
    "drugs",
    "karnof",
    "oprior",
    "z30",
    "preanti",
    "race",
    "gender",
    "strat",
    "symptom",
    "arms",
    "cd40",
    "cd80",
)
"""Known at the start. ``r`` and ``days`` would tell outcomes, ``treat`` repeats ``arms``."""
TRIAL_COUNTS, TRIAL_EVENTS = ("cd420", "cd496"), ("offtrt", "cens")
FLARES = ("c-class-flares", "m-class-flares", "x-class-flares")


def digits() -> Contents:
    """Ten binary tasks on the 8 × 8 pixels of scikit-learn's digits."""
    from sklearn.datasets import load_digits

    pixels, digit = load_digits(return_X_y=True)
    features = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))
    found = one_against_rest(digit, DIGITS)
    return _table(pixels, found.tasks, dict(found.targets), features)


def yeast() -> Contents:
    """Fourteen functional classes of genes."""
    header, values = _read_numbers(_yeast_file())
    wanted = YEAST_FEATURES + YEAST_LABELS
    if set(header) != set(wanted):
        raise TaskvizError(
            "The yeast file of the installed river package has other columns than expected: "
            "install the river version that requirements.txt names."
        )
    # By name, not by place: the order of columns is ours whatever the file's is.
    column = {name: values[:, header.index(name)] for name in wanted}
    inputs = np.stack([column[name] for name in YEAST_FEATURES], axis=1)
    tasks = tuple(Task(name, "binary", ("no", "yes")) for name in YEAST_LABELS)
    return _table(inputs, tasks, {name: column[name] for name in YEAST_LABELS}, YEAST_FEATURES)


def linnerud() -> Contents:
    """Three physiological measures of twenty men."""
    from sklearn.datasets import load_linnerud

    data = load_linnerud()
    tasks = tuple(Task(str(name), "regression") for name in data.target_names)
    targets = {task.name: data.target[:, i] for i, task in enumerate(tasks)}
    return _table(data.data, tasks, targets, tuple(str(name) for name in data.feature_names))


def tumours() -> Contents:
    """The worst of each of eight measures of a tumour's cell nuclei, from the ten means."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    names = [str(name) for name in data.feature_names]
    tasks = tuple(Task(name, "regression") for name in names[20:28])
    targets = {task.name: data.data[:, 20 + i] for i, task in enumerate(tasks)}
    return _table(data.data[:, :10], tasks, targets, tuple(names[:10]))


def solar_flares() -> Contents:
    """Flares of three strengths within a day of an observation of an active region."""
    path = packaged_file("river", "datasets", "solar-flare.csv.zip")
    rows = _read_zipped_rows(path)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    targets = {name: np.array(columns.pop(name), dtype=np.float64) for name in FLARES}
    features: list[str] = []
    blocks: list[NDArray[np.float64]] = []
    for name, cells in columns.items():
        if name in ("zurich-class", "largest-spot-size", "spot-distribution"):
            levels = sorted(set(cells))
            features += [f"{name}={level}" for level in levels]
            blocks.append(np.array([[cell == level for level in levels] for cell in cells], float))
        else:
            features.append(name)
            blocks.append(np.array(cells, dtype=np.float64)[:, None])
    tasks = tuple(Task(name, "regression") for name in FLARES)
    return _table(np.concatenate(blocks, axis=1), tasks, targets, tuple(features))


def segments() -> Contents:
    """Seven kinds of outdoor surface, each against the rest."""
    path = packaged_file("river", "datasets", "segment.csv.zip")
    rows = _read_zipped_rows(path)
    names = [name for name in rows[0] if name != "category"]
    classes = tuple(sorted({row["category"] for row in rows}))
    codes = np.array([classes.index(row["category"]) for row in rows])
    inputs = np.array([[row[name] for name in names] for row in rows], dtype=np.float64)
    found = one_against_rest(codes, classes)
    return _table(inputs, found.tasks, dict(found.targets), tuple(names))


def trial_there() -> bool:
    """Whether lifelines is installed; it cannot be a dependency, since it pins an older pandas."""
    return find_spec("lifelines") is not None


def hiv_trial() -> Contents:
    """Outcomes of the ACTG 175 trial: cell counts after 20 and 96 weeks, leaving, an event."""
    path = packaged_file("lifelines", "datasets", "ACTG175.csv")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        columns = {
            name: np.array([np.nan if row[name] == "NA" else float(row[name]) for row in rows])
            for name in (*TRIAL_INPUTS, *TRIAL_COUNTS, *TRIAL_EVENTS)
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(path, "lifelines", error) from None
    tasks = tuple(Task(name, "regression") for name in TRIAL_COUNTS)
    tasks += tuple(Task(name, "binary", ("no", "yes")) for name in TRIAL_EVENTS)
    inputs = np.stack([columns[name] for name in TRIAL_INPUTS], axis=1)
    return _table(inputs, tasks, {task.name: columns[task.name] for task in tasks}, TRIAL_INPUTS)


def _table(
    inputs: NDArray[Any],
    tasks: tuple[Task, ...],
    targets: dict[str, NDArray[np.float64]],
    features: tuple[str, ...],
) -> Contents:
    block = Block(np.array(inputs, dtype=np.float64), tasks, targets)
    return Contents("table", (block,), feature_names=features)


def _yeast_file() -> Path:
    return packaged_file("river", "datasets", "yeast.csv.gz")


def _read_numbers(path: Path) -> tuple[list[str], NDArray[np.float64]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            header = file.readline().strip().split(",")
            return header, np.loadtxt(file, delimiter=",", dtype=np.float64, ndmin=2)
    except (OSError, EOFError, ValueError) as error:
        raise damaged(path, "river", error) from None


def _read_zipped_rows(path: Path) -> list[dict[str, str]]:
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0]).decode("utf-8")
    except (OSError, zipfile.BadZipFile, IndexError, UnicodeDecodeError) as error:
        raise damaged(path, "river", error) from None
    return list(csv.DictReader(io.StringIO(text)))
