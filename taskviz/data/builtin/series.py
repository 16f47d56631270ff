"""Time series that aeon carries from the UCR and UEA archives."""

import numpy as np

from taskviz.data.builtin.entry import packaged_file
from taskviz.data.contents import Block, Contents, class_task, one_against_rest
from taskviz.data.readers.ts_file import read_ts

UCR_SETS = ("ArrowHead", "GunPoint", "ItalyPowerDemand", "OSULeaf", "ACSF1", "BasicMotions")


def ucr_six() -> Contents:
    """Six data sets of their own inputs and classes."""
    blocks = []
    for name in UCR_SETS:
        values, codes, classes = _both_parts(name)
        task = class_task(name, classes)
        blocks.append(Block(values, (task,), {name: codes.astype(np.float64)}))
    return Contents("series", tuple(blocks), "separate")


def vowels() -> Contents:
    """Nine speakers of Japanese vowels, each against the rest; series of 7 to 29 steps."""
    values, codes, _ = _both_parts("JapaneseVowels")
    found = one_against_rest(codes, tuple(f"speaker {i}" for i in range(1, 10)))
    return Contents("series", (Block(values, found.tasks, found.targets),))


def _both_parts(
    name: str,
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Training and test file in one: the archive's training parts are too small to divide."""
    parts = [
        read_ts(packaged_file("aeon", "datasets", "data", name, f"{name}_{part}.ts"))
        for part in ("TRAIN", "TEST")
    ]
    length = max(part.values.shape[2] for part in parts)
    values = np.concatenate(
        [
            np.pad(
                p.values, ((0, 0), (0, 0), (0, length - p.values.shape[2])), constant_values=np.nan
            )
            for p in parts
        ]
    )
    classes = parts[0].classes
    codes = np.array([classes.index(label) for part in parts for label in part.labels])
    return values, codes, classes
