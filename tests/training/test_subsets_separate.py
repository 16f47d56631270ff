"""Subset networks of separate data sets against a slow, obvious loop."""

import numpy as np
import pytest
import torch
from networks.modalities import make_collection
from torch.nn import functional as F

from taskviz.data.splits import resplit
from taskviz.data.tensors import to_tensors
from taskviz.engines import RunContext
from taskviz.networks import build_network
from taskviz.training.separate_batches import separate_batches, steps_an_epoch
from taskviz.training.subsets import Subset, SubsetOptions, train_subsets
from taskviz.values import TaskCollection

OPTIONS = SubsetOptions(width=6, depth=1, epochs=3, batch_size=8, learning_rate=0.02)


def unequal(kind: str) -> TaskCollection:
    """Three data sets, the second of them a third as large."""
    whole = make_collection(kind, "separate", n=40, sizes=(0, 1, 2), missing=0.1)
    blocks = [
        (task, block.inputs[rows], block.targets[0][rows], block.split[rows])
        for task, block, rows in zip(
            whole.tasks, whole.samples, (slice(40), slice(14), slice(40)), strict=True
        )
    ]
    return TaskCollection.from_data_sets(kind, blocks, modality=whole.modality)


@pytest.mark.parametrize("kind", ["table", "series", "graph"])
def test_each_step_takes_a_batch_of_every_member(kind: str) -> None:
    collection, members = unequal(kind), (0, 1)
    context = RunContext(seed=0)
    subset = Subset(("value", "sign"), seed=3)
    run = train_subsets(collection, [subset], OPTIONS, context, dtype=torch.float64)
    data = to_tensors(resplit(collection, 3), dtype=torch.float64)
    network = build_network(data.collection, OPTIONS, seed=3, tasks=members, dtype=torch.float64)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.02, weight_decay=0.0)

    def losses(rows: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
        found = []
        for place, (task, own) in enumerate(zip(members, rows, strict=True)):
            known = own[data.masks[task][own, 0]]
            output = network(data.inputs[task][known], [place])[0]
            target = data.targets[task][known]
            binary = F.binary_cross_entropy_with_logits
            found.append((F.mse_loss if task == 0 else binary)(output, target))
        return found

    best, kept = np.inf, (0.0, 0.0)
    for epoch in range(3):
        steps = 0
        for rows in separate_batches(data, members, 8, seed=3, epoch=epoch):
            optimizer.zero_grad()
            torch.stack(losses(rows)).mean().backward()
            optimizer.step()
            steps += 1
        assert steps == steps_an_epoch(data, 8) == 3
        with torch.no_grad():
            valid = [float(x) for x in losses(tuple(data.rows("valid", t) for t in members))]
            if np.mean(valid) < best:
                best = float(np.mean(valid))
                tested = losses(tuple(data.rows("test", t) for t in members))
                kept = (valid, [float(x) for x in tested])
    np.testing.assert_allclose(run.valid.losses[0, :2], kept[0], rtol=1e-9)
    np.testing.assert_allclose(run.test.losses[0, :2], kept[1], rtol=1e-9)
    assert np.isnan(run.valid.losses[0, 2])
    again = train_subsets(collection, [subset], OPTIONS, context, dtype=torch.float64)
    assert np.array_equal(run.valid.losses, again.valid.losses, equal_nan=True)


def test_batches_cover_each_data_set_evenly() -> None:
    data = to_tensors(unequal("table"))
    steps = list(separate_batches(data, (1, 2), 8, seed=0, epoch=0))
    small, large = (torch.cat(own).tolist() for own in zip(*steps, strict=True))
    rows = data.rows("train", 1).tolist()
    assert sorted(large) == data.rows("train", 2).tolist()
    assert sorted(small[: len(rows)]) == rows
    assert {small.count(row) for row in rows} <= {1, 2, 3}
    alone = [own for (own,) in separate_batches(data, (1,), 8, seed=0, epoch=0)]
    assert torch.cat(alone).tolist() == small
    other = [own for (own,) in separate_batches(data, (1,), 8, seed=0, epoch=1)]
    assert torch.cat(other).tolist() != small
