"""Every built-in collection, from loading to predictions."""

import numpy as np
import pytest

import taskviz as tv
from taskviz.data import BUILT_INS
from taskviz.values import TaskCollection

TASKS, ROWS = 3, 240


def small(name: str) -> TaskCollection:
    """Three tasks, and of each data set a few rows."""
    collection = tv.load_collection(name)
    collection = collection.select(min(TASKS, len(collection.tasks)))
    blocks = []
    for block in collection.samples:
        rows = np.sort(np.random.default_rng(0).permutation(len(block))[:ROWS])
        targets = tuple(target[rows] for target in block.targets)
        blocks.append(type(block)(block.inputs[rows], targets, block.split[rows]))
    return type(collection)(
        collection.name,
        collection.tasks,
        tuple(blocks),
        collection.layout,
        collection.modality,
        collection.feature_names,
    )


@pytest.mark.parametrize("name", BUILT_INS)
def test_from_loading_to_predictions(name: str) -> None:
    whole = BUILT_INS[name]
    collection = small(name)
    assert (whole.modality, whole.layout) == (collection.modality, collection.layout)
    options = {"width": 8, "depth": 1}
    affinity = tv.compute_affinity(collection, "sca", n=4, use_cache=False, **options)
    assert np.isfinite(affinity.values).all()
    budget = min(2, len(collection.tasks))
    grouping = tv.group_tasks(affinity, "spectral", budget=budget)
    result = tv.train_groups(
        collection, grouping, epochs=1, batch_size=32, use_cache=False, **options
    )
    test = result.served("test")
    losses = test[test["metric"] == "loss"]
    assert set(losses["task"]) == set(collection.names)
    assert np.isfinite(losses["value"]).all()
    if collection.layout == "joint":
        found = result.predict(collection.samples[0].inputs[:4])
    else:
        found = result.predict(
            {
                task: block.inputs[:4]
                for task, block in zip(collection.names, collection.samples, strict=True)
            }
        )
    assert set(found) == set(collection.names)
    for values in found.values():
        assert len(values) == 4
        assert np.isfinite(values).all()
