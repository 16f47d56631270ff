"""Estimators on every modality, joint and separate."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from networks.modalities import EVERY, make_collection
from numpy.typing import NDArray

from taskviz.affinity import ESTIMATORS, estimator_class
from taskviz.data import batch_inputs, tensors
from taskviz.data.tensors import to_tensors
from taskviz.engines import RunContext
from taskviz.networks import NetworkOptions, build_network
from taskviz.optima import draw_units, pairwise_distances
from taskviz.optima.plain import plain_distances
from taskviz.training import TrainingOptions, train_grouping
from taskviz.values import Grouping, LazyInputs, TaskvizError
from taskviz.values.inputs import digest_of

QUICK = {
    "width": 4,
    "depth": 1,
    "epochs": 1,
    "n": 4,
    "inits": 2,
    "batch_size": 16,
    "samples": 16,
    "dimension": 8,
    "m": 3,
    "groups": 3,
}

JOINT_ONLY = {"covariance-cosine", "label-correlation"}
"""Defined on tasks that share their samples; on separate data sets they say so."""


@pytest.mark.parametrize(("kind", "layout"), EVERY)
def test_distances_equal_one_backward_pass_a_unit_and_task(kind: str, layout: str) -> None:
    collection = make_collection(kind, layout, n=30, sizes=(0, 1, 2), missing=0.2)
    data = to_tensors(collection, dtype=torch.float64)
    options = NetworkOptions(width=8, depth=2)
    network = build_network(collection, options, seed=0, dtype=torch.float64).eval()
    units = draw_units(data, 5, seed=0)
    found = pairwise_distances(network, units)
    plain = plain_distances(network, units).numpy()
    both = units.known.numpy()
    pairs = both[:, :, None] & both[:, None]
    np.testing.assert_allclose(found.sums, (plain * pairs).sum(axis=0), rtol=1e-9, atol=1e-12)
    assert (found.sums[~np.eye(3, dtype=bool)] > 0).all()


@pytest.mark.parametrize("method", sorted(set(ESTIMATORS) - {"random"}))
@pytest.mark.parametrize("layout", ["joint", "separate"])
def test_every_estimator_works_or_says_why_not(method: str, layout: str) -> None:
    kind = estimator_class(method)
    known = {field.name for field in fields(kind.Options)}
    options = {name: value for name, value in QUICK.items() if name in known}
    refused = layout == "separate" and method in JOINT_ONLY
    for modality in ("series", "graph"):
        collection = make_collection(modality, layout, n=30, missing=0.1)
        estimator = kind(**options)
        if refused or (method == "covariance-cosine" and modality == "graph"):
            with pytest.raises(TaskvizError, match=r"needs (a joint collection|plain vectors)"):
                estimator.fit(collection, RunContext(seed=0))
            continue
        matrix = estimator.fit(collection, RunContext(seed=0)).affinity_
        assert matrix.values.shape == (3, 3)
        assert np.isfinite(matrix.values[~np.eye(3, dtype=bool)]).any()
        scores = estimator.predict(collection.names)
        assert set(scores) == set(collection.names)


class Folder(LazyInputs):
    """Images that are read when asked for, never more than some at once."""

    dtype = np.dtype(np.uint8)

    def __init__(self, images: NDArray[np.uint8]) -> None:
        self.images, self.most = images, 0

    @property
    def fingerprint(self) -> str:
        return digest_of(self.images)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.images.shape

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        self.most = max(self.most, len(rows))
        return self.images[rows]


def test_lazily_read_images_give_what_images_in_memory_give(monkeypatch) -> None:
    monkeypatch.setattr(tensors, "MEASURED", 16)
    monkeypatch.setattr(batch_inputs, "CHUNK_NUMBERS", 1)
    monkeypatch.setattr(tensors, "HELD", 0)
    held = make_collection("image", n=200)
    block = held.samples[0]
    folder = Folder(np.asarray(block.inputs))
    lazy = replace(held, samples=(replace(block, inputs=folder),))
    options = {"width": 8, "depth": 1, "epochs": 1, "batch_size": 16}
    grouping = Grouping((held.names,), dict.fromkeys(held.names, 0), 1, 1)
    for method, own in (("sca", {"n": 5}), ("hoa", {}), ("tag", {})):
        found = []
        for collection in (held, lazy):
            estimator = estimator_class(method)(**{**options, **own})
            found.append(estimator.fit(collection, RunContext(seed=0)).affinity_.values)
        np.testing.assert_allclose(found[0], found[1], rtol=1e-6)
    training = TrainingOptions(**options)
    results = [train_grouping(collection, grouping, training) for collection in (held, lazy)]
    one, other = (result.served("test")["value"] for result in results)
    np.testing.assert_allclose(one, other, rtol=1e-6)
    predicted = [result.predict(folder) for result in results]
    np.testing.assert_allclose(predicted[0]["value"], predicted[1]["value"], rtol=1e-6)
    assert folder.most <= 32
