"""Collections with every kind of task."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest

from taskviz.values import Task, TaskCollection


def make_mixed(
    n: int = 90, features: int = 5, *, missing: float = 0.2, seed: int = 0
) -> TaskCollection:
    """A table with one task of each kind and a second regression, in an order that mixes them."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(n, features))
    scores = inputs @ rng.normal(size=(features, 6)) + 0.3 * rng.normal(size=(n, 6))
    tasks = (
        Task("class", "multiclass", ("low", "mid", "high")),
        Task("yes", "binary", ("no", "yes")),
        Task("tags", "multilabel", ("a", "b")),
        Task("value", "regression"),
        Task("other", "regression"),
    )
    targets = {
        "class": np.digitize(scores[:, 0], np.quantile(scores[:, 0], [1 / 3, 2 / 3])).astype(float),
        "yes": (scores[:, 1] > 0).astype(float),
        "tags": (scores[:, 2:4] > 0).astype(float),
        "value": 40 + 7 * scores[:, 4],
        "other": scores[:, 5],
    }
    for column in targets.values():
        column[rng.random(column.shape) < missing] = np.nan
    split = rng.permutation(np.repeat([0, 1, 2], [n - 2 * (n // 4), n // 4, n // 4]))
    return TaskCollection.from_arrays("mixed", inputs, targets, tasks, split)


@pytest.fixture
def mixed_factory() -> Callable[..., TaskCollection]:
    """:func:`make_mixed` itself, for tests that vary it."""
    return make_mixed


@pytest.fixture(scope="session")
def mixed() -> TaskCollection:
    """Five tasks of four kinds on 90 rows, a fifth of the labels missing."""
    return make_mixed()


def drop_labels(
    collection: TaskCollection, split: str, tasks: Iterable[int] | None = None
) -> TaskCollection:
    """The same collection with no label of some tasks (of all) in a split."""
    block = collection.samples[0]
    rows, targets = block.indices(split), []
    for number, target in enumerate(block.targets):
        target = target.copy()
        if tasks is None or number in tasks:
            target[rows] = np.nan
        targets.append(target)
    return replace(collection, samples=(replace(block, targets=tuple(targets)),))


@pytest.fixture
def without_labels() -> Callable[..., TaskCollection]:
    """:func:`drop_labels` itself."""
    return drop_labels
