"""The registry of weightings and what a scheme may rely on."""

import sys
import types

import numpy as np
import pytest
import torch
from torch import nn

from taskviz.data.tensors import to_tensors
from taskviz.networks import build_network
from taskviz.training.group import train_group
from taskviz.training.options import TrainingOptions
from taskviz.training.weighting import WEIGHTINGS, Step, Weighting, make_weighting
from taskviz.training.weighting.equal import Equal
from taskviz.values import TaskvizError


@pytest.mark.parametrize("name", list(WEIGHTINGS))
def test_every_weighting_says_what_it_is_and_fills_every_gradient(toy, name):
    weighting = make_weighting(name, 4)
    assert weighting.name == name
    assert weighting.title
    assert weighting.source
    network = build_network(toy, TrainingOptions(), seed=0)
    data = to_tensors(toy)
    features = network.trunk(data.inputs[0][:32])
    losses = torch.stack([head(features).square().mean() for head in network.heads])
    weighting.backward(Step(losses, lambda: None, features, network))
    assert all(p.grad is not None for p in network.parameters())


def test_an_unknown_weighting_names_the_valid_ones():
    with pytest.raises(TaskvizError, match=r"'eqal'.*equal.*Did you mean 'equal'"):
        make_weighting("eqal", 2)


class Uncertain(Weighting):
    """A scalarisation with parameters of its own, and both hooks."""

    name = "uncertain"
    calls: list = []  # noqa: RUF012

    def __init__(self, tasks):
        super().__init__(tasks)
        self.log_variance = nn.Parameter(torch.zeros(tasks))

    def backward(self, step):
        self.before = step.losses.detach()
        weights = torch.exp(-self.log_variance)
        (weights * step.losses + self.log_variance).sum().backward()

    def after_step(self, losses):
        after = losses()
        assert not after.requires_grad
        self.calls.append((self.before, after, self.log_variance.detach().clone()))

    def end_epoch(self):
        self.calls.append("epoch")


class Surgery(Weighting):
    """A gradient method: one gradient a task with respect to the trunk, then their sum."""

    name = "surgery"

    def backward(self, step):
        shared = step.network.shared_parameters()
        own = list(step.network.heads.parameters())
        assert all(p.grad is None for p in step.network.parameters())
        rows = [torch.autograd.grad(loss, shared, retain_graph=True) for loss in step.losses]
        for p, grads in zip(shared, zip(*rows, strict=True), strict=True):
            p.grad = torch.stack(grads).sum(0)
        for p, grad in zip(own, torch.autograd.grad(step.losses.sum(), own), strict=True):
            p.grad = grad


@pytest.fixture
def added(monkeypatch):
    def add(cls):
        cls.title = cls.source = cls.name
        module = types.ModuleType("added_weighting")
        module.Added = cls
        monkeypatch.setitem(sys.modules, "added_weighting", module)
        monkeypatch.setitem(WEIGHTINGS, cls.name, "added_weighting:Added")

    return add


def test_a_weighting_may_learn_and_look_ahead(toy, added):
    added(Uncertain)
    Uncertain.calls.clear()
    options = TrainingOptions(epochs=2, batch_size=50, patience=0)
    train_group(to_tensors(toy), [0, 1], options, weighting="uncertain")
    assert [call == "epoch" for call in Uncertain.calls] == [False, False, True] * 2
    steps = [call for call in Uncertain.calls if call != "epoch"]
    first, last = steps[0], steps[-1]
    assert not torch.equal(first[0], first[1])
    # Adam moves a log-variance by about the learning rate a step.
    assert (first[2].abs() > 5e-4).all()
    assert (last[2].abs() > first[2].abs()).any()


class Asking(Equal):
    """Writes down which tasks had a label in each batch."""

    name = "asking"
    answers: list = []  # noqa: RUF012

    def backward(self, step):
        self.answers.append(step.present())
        super().backward(step)


def test_a_weighting_may_ask_which_tasks_have_a_label_in_the_batch(toy, toy_factory, added):
    added(Asking)
    options = TrainingOptions(epochs=1, batch_size=1)
    for collection in (toy, toy_factory(missing=0.5)):
        Asking.answers.clear()
        train_group(to_tensors(collection), [0, 1, 2], options, weighting="asking")
        if collection is toy:
            assert Asking.answers == [None] * 96
    block = collection.samples[0]
    known = np.array([~np.isnan(target[block.indices("train"), 0]) for target in block.targets[:3]])
    assert torch.stack(Asking.answers).sum(0).tolist() == known.sum(axis=1).tolist()
    assert len(Asking.answers) == 96


def test_a_gradient_method_that_adds_gradients_is_equal_weighting(toy, added):
    added(Surgery)
    data = to_tensors(toy, dtype=torch.float64)
    options = TrainingOptions(epochs=2, patience=0, optimizer="sgd", learning_rate=0.05)
    one = train_group(data, [0, 1, 2], options, weighting="surgery").network.weights
    two = train_group(data, [0, 1, 2], options).network.weights
    for name, array in one.items():
        torch.testing.assert_close(
            torch.from_numpy(array), torch.from_numpy(two[name]), rtol=1e-12, atol=1e-13
        )
