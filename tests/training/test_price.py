"""The price of a training: how many networks, and what a trial says of their time."""

import pytest

from taskviz.training.options import TrainingOptions
from taskviz.training.price import training_price


def test_networks_are_counted_once_each(toy):
    groups = [["t0", "t1"], ["t1", "t0"], ["t2"], ["t3", "t2"]]
    price = training_price(toy, groups, TrainingOptions(epochs=2), seeds=3)
    assert price.networks == 9
    assert price.seconds > 0
    inputs = toy.samples[0].inputs.size * 4
    assert inputs < price.memory < 1e6
    assert training_price(toy, [], TrainingOptions()).networks == 0


def test_time_grows_evenly_with_tasks_and_with_what_was_not_tried(toy_factory, monkeypatch):
    """A step of 1 and 4 tasks takes 1 s and 4 s for the tried batches; scoring takes nothing."""
    data = toy_factory(n=2000)
    told = iter([1.0, 0.0, 4.0, 0.0])
    monkeypatch.setattr("taskviz.training.price._timed", lambda work: next(told))
    options = TrainingOptions(epochs=6, batch_size=32)
    groups = [["t0"], ["t0", "t1", "t2"], ["t0", "t1", "t2", "t3"]]
    price = training_price(data, groups, options, seeds=2)
    rows = len(data.samples[0].indices("train"))
    assert price.seconds == pytest.approx((1 + 3 + 4) * rows / (6 * 32) * 6 * 2)


def test_data_that_cannot_be_tried_have_no_time(toy, without_labels):
    empty = without_labels(toy, "train")
    price = training_price(empty, [["t0"]], TrainingOptions(epochs=1))
    assert price.networks == 1
