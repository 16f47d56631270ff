"""Collections that come with installed packages: loaded offline, described without loading."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.splits import make_split
from taskviz.values import (
    Layout,
    Modality,
    Origin,
    Task,
    TaskCollection,
    TaskvizError,
    unknown_choice,
)

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
YEAST_FEATURES = tuple(f"Att{i}" for i in range(1, 104))
YEAST_LABELS = tuple(f"Class{i}" for i in range(1, 15))


@dataclass(frozen=True)
class BuiltIn:
    """What a gallery shows of a built-in collection, and how to load it.

    Args:
        name: what :func:`taskviz.load_collection` takes.
        title: for people.
        n: samples; of all data sets together where the layout is separate.
        task_count: T.
        description: one line.
        licence: of the data, as far as it is known.
        load: split seed → collection.
    """

    name: str
    title: str
    modality: Modality
    layout: Layout
    n: int
    task_count: int
    description: str
    licence: str
    load: Callable[[int], TaskCollection]

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON, without the loader."""
        return {
            "name": self.name,
            "title": self.title,
            "modality": self.modality,
            "layout": self.layout,
            "n": self.n,
            "tasks": self.task_count,
            "description": self.description,
            "licence": self.licence,
        }


def load_built_in(name: str, split_seed: int = 0) -> TaskCollection:
    """A built-in collection by its name."""
    if name not in BUILT_INS:
        raise unknown_choice("collection", name, BUILT_INS)
    return BUILT_INS[name].load(split_seed)


def built_in_names() -> tuple[str, ...]:
    """Names of all built-in collections, in the order of the gallery."""
    return tuple(BUILT_INS)


def _digits(split_seed: int) -> TaskCollection:
    from sklearn.datasets import load_digits

    pixels, digit = load_digits(return_X_y=True)
    features = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))
    tasks = tuple(Task(name, "binary", ("rest", name)) for name in DIGITS)
    targets = {name: (digit == i).astype(np.float64) for i, name in enumerate(DIGITS)}
    return _joint("digits", pixels, targets, tasks, features, split_seed)


def _yeast(split_seed: int) -> TaskCollection:
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
    targets = {name: column[name] for name in YEAST_LABELS}
    return _joint("yeast", inputs, targets, tasks, YEAST_FEATURES, split_seed)


def _yeast_file() -> Path:
    # River is found without being imported: its import takes longer than all else together.
    spec = find_spec("river")
    if spec is None:
        raise TaskvizError(
            "The yeast data come with the package river, which is not installed: "
            "install the packages that requirements.txt names."
        )
    for folder in spec.submodule_search_locations or ():
        path = Path(folder) / "datasets" / "yeast.csv.gz"
        if path.is_file():
            return path
    from river.datasets import Yeast

    return Path(Yeast().path)  # type: ignore[no-untyped-call]


def _linnerud(split_seed: int) -> TaskCollection:
    from sklearn.datasets import load_linnerud

    data = load_linnerud()
    tasks = tuple(Task(str(name), "regression") for name in data.target_names)
    targets = {task.name: data.target[:, i] for i, task in enumerate(tasks)}
    features = tuple(str(name) for name in data.feature_names)
    return _joint("linnerud", data.data, targets, tasks, features, split_seed)


def _read_numbers(path: Path) -> tuple[list[str], NDArray[np.float64]]:
    import gzip

    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            header = file.readline().strip().split(",")
            return header, np.loadtxt(file, delimiter=",", dtype=np.float64, ndmin=2)
    except (OSError, EOFError, ValueError) as error:
        raise TaskvizError(
            f"Cannot read {path.name} of the installed river package ({error}): "
            "install the package again."
        ) from None


def _joint(
    name: str,
    inputs: NDArray[Any],
    targets: Mapping[str, NDArray[np.float64]],
    tasks: tuple[Task, ...],
    features: tuple[str, ...],
    split_seed: int,
) -> TaskCollection:
    known = BUILT_INS[name]
    return TaskCollection.from_arrays(
        name,
        np.asarray(inputs, dtype=np.float64),
        targets,
        tasks,
        make_split([targets[task.name] for task in tasks], tasks, split_seed),
        modality=known.modality,
        feature_names=features,
        origin=Origin(name, known.description, known.licence),
    )


_ALL = (
    BuiltIn(
        "yeast",
        "Yeast genes",
        "table",
        "joint",
        2417,
        14,
        "Expression and phylogenetic profiles of yeast genes; 14 functional classes to predict.",
        "None stated by its source, MULAN; distributed with river (BSD-3-Clause).",
        _yeast,
    ),
    BuiltIn(
        "digits",
        "Handwritten digits",
        "table",
        "joint",
        1797,
        10,
        "Images of 8 × 8 pixels; ten tasks, each one digit against the rest.",
        "CC BY 4.0 (UCI Optical Recognition of Handwritten Digits); distributed with scikit-learn.",
        _digits,
    ),
    BuiltIn(
        "linnerud",
        "Linnerud exercise",
        "table",
        "joint",
        20,
        3,
        "Chin-ups, sit-ups and jumps of 20 men; weight, waist and pulse to predict. For a first "
        "look only: too small to conclude anything.",
        "Distributed with scikit-learn (BSD-3-Clause).",
        _linnerud,
    ),
)
BUILT_INS: Mapping[str, BuiltIn] = MappingProxyType({entry.name: entry for entry in _ALL})
