"""Collections as the study uses them."""

from dataclasses import dataclass

import numpy as np

from taskviz.data import load_built_in, make_split
from taskviz.values import Task, TaskCollection


@dataclass(frozen=True)
class Setting:
    """One collection as the study uses it: tasks by place, or all."""

    name: str
    built_in: str
    tasks: tuple[int, int] = (0, 8)

    def load(self, split_seed: int) -> TaskCollection:
        """As a table, with its own test rows for each ``split_seed``."""
        collection = load_built_in(self.built_in, split_seed)
        if collection.modality == "image":
            collection = pooled_pixels(collection, split_seed)
        if collection.layout == "separate":
            collection = leaf_outlines(collection, split_seed)
        return collection.select(collection.names[slice(*self.tasks)])


def pooled_pixels(collection: TaskCollection, split_seed: int, rows: int = 3000) -> TaskCollection:
    """Images as a table of 2 × 2 means, so that a fully connected network takes them."""
    block = collection.samples[0]
    keep = np.sort(np.random.default_rng(0).permutation(len(block))[:rows])
    images = np.asarray(block.inputs[keep], dtype=np.float64)
    n, c, h, w = images.shape
    flat = images.reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5)).reshape(n, -1)
    targets = {task.name: block.targets[i][keep] for i, task in enumerate(collection.tasks)}
    split = make_split(list(targets.values()), collection.tasks, split_seed)
    return TaskCollection.from_arrays(collection.name, flat, targets, collection.tasks, split)


def leaf_outlines(collection: TaskCollection, split_seed: int) -> TaskCollection:
    """Of the six sets of series the leaves, every fourth step; each species against the rest."""
    number = collection.index("OSULeaf")
    outlines = np.asarray(collection.samples_of(number).inputs, dtype=np.float64)[:, 0, ::4]
    species = collection.target_of(number)[:, 0]
    names = collection.tasks[number].classes
    tasks = tuple(Task(f"leaf {name}", "binary", ("rest", name)) for name in names)
    targets = {t.name: (species == i).astype(np.float64) for i, t in enumerate(tasks)}
    split = make_split(list(targets.values()), tasks, split_seed)
    return TaskCollection.from_arrays("leaves", outlines, targets, tasks, split)


DEVELOPED_ON = (
    Setting("digits", "digits"),
    Setting("yeast 1-8", "yeast"),
    Setting("yeast 7-14", "yeast", (6, 14)),
    Setting("segments", "segments"),
    Setting("tumours", "tumours"),
    Setting("leaves", "ucr-six"),
)
HELD_OUT = (Setting("mnist", "mnist"), Setting("molecules-table", "molecules-table"))
OUTER_SPLITS = (0, 1)
