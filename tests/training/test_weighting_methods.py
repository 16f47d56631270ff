"""Every weighting: it trains, survives a task without gradient, and is what was published."""

import pytest
import torch
import torchjd._mixins
from torch import nn
from torchjd import aggregation, scalarization
from torchjd.autojac import jac_to_grad, mtl_backward

from taskviz.data.builtin import load_built_in
from taskviz.data.tensors import to_tensors
from taskviz.networks import MultiHeadNetwork
from taskviz.training.group import train_group
from taskviz.training.options import TrainingOptions
from taskviz.training.packing import pack, unpack
from taskviz.training.weighting import (
    Step,
    check_weighting,
    describe_weighting,
    make_weighting,
    weighting_class,
    weighting_names,
)
from taskviz.training.weighting.gradnorm import ALPHA, LEARNING_RATE
from taskviz.training.weighting.library import _classes, torchjd_names
from taskviz.values import TaskvizError

NAMES = weighting_names()


@pytest.fixture(scope="module")
def digits():
    """The ten tasks, on tensors."""
    return to_tensors(load_built_in("digits"))


class Bench:
    """A small network in float64 with known batches, stepped by plain descent."""

    def __init__(self, tasks=3, seed=0):
        torch.manual_seed(seed)
        trunk = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 4), nn.Tanh())
        heads = [nn.Linear(4, 1) for _ in range(tasks)]
        self.network = MultiHeadNetwork(trunk, heads).double()
        self.batches = torch.Generator().manual_seed(seed)
        self.tasks = tasks

    def losses(self, inputs, targets):
        features = self.network.trunk(inputs)
        outputs = torch.cat([head(features) for head in self.network.heads], dim=1)
        return features, (outputs - targets).square().mean(dim=0)

    def draw(self):
        def normal(*shape):
            return torch.randn(*shape, generator=self.batches, dtype=torch.float64)

        inputs = normal(12, 5)
        return inputs, inputs @ normal(5, self.tasks) * torch.tensor([1.0, 3.0, 0.2])[: self.tasks]

    def step(self, absent=(), constant=()):
        features, losses = self.losses(*self.draw())
        kept = torch.ones(self.tasks, dtype=torch.float64)
        kept[[*absent, *constant]] = 0
        losses = kept * losses
        if constant:
            losses = losses + 0.7 * torch.nn.functional.one_hot(
                torch.tensor(constant), self.tasks
            ).sum(0)
        known = None
        if absent:
            known = torch.ones(self.tasks, dtype=torch.bool)
            known[list(absent)] = False
        return Step(losses, lambda: known, features, self.network, None, self.step)

    def descend(self, weighting, steps, rate=0.05, absent=lambda i: ()):
        own = weighting.learned()
        for i in range(steps):
            for p in (*self.network.parameters(), *own):
                p.grad = None
            given = self.step(absent(i))
            weighting.backward(given)
            with torch.no_grad():
                for p in (*self.network.parameters(), *own):
                    p -= rate * p.grad
            weighting.after_step(lambda given=given: given.losses.detach() * 0.9)
        weighting.end_epoch()

    def weights(self):
        return torch.cat([p.detach().reshape(-1) for p in self.network.parameters()])


def test_the_list_is_the_library_s_and_begins_with_the_paper_s():
    assert NAMES[:5] == ("equal", "uw", "gradnorm", "pcgrad", "nash-mtl")
    assert len(set(NAMES)) == len(NAMES)
    assert {"cagrad", "mgda", "imtl-g", "aligned-mtl", "upgrad", "famo", "dwa"} <= set(NAMES)
    bases = {"Aggregator", "WeightedAggregator", "GramianWeightedAggregator", "Weighting"}
    offered = {getattr(aggregation, name) for name in set(aggregation.__all__) - bases}
    offered |= {getattr(scalarization, n) for n in set(scalarization.__all__) - {"Scalarizer"}}
    listed = {_classes()[name] for name in torchjd_names()}
    # What is not listed by itself is the weighting inside an aggregator that is.
    modules = {cls.__module__ for cls in listed}
    assert all(cls in listed or cls.__module__ in modules for cls in offered)


@pytest.mark.parametrize("name", NAMES)
def test_every_weighting_reduces_the_loss_on_digits(digits, name):
    options = TrainingOptions(
        epochs=3, patience=0, width=8, batch_size=256, learning_rate=0.02, depth=1
    )
    outcome = train_group(digits, [0, 1, 2], options, weighting=name)
    losses = {
        step: sum(
            row["value"]
            for row in outcome.history
            if (row["step"], row["split"], row["metric"]) == (step, "valid", "loss")
        )
        for step in (1, 3)
    }
    assert losses[3] < 0.9 * losses[1]
    assert not any("found no combination" in note for note in outcome.notes)


@pytest.mark.parametrize("name", NAMES)
def test_every_weighting_survives_a_task_with_zero_gradient(name):
    for given in ({"absent": (1,)}, {"constant": (1,)}, {"absent": (0, 2)}):
        bench = Bench()
        weighting = make_weighting(name, 3).double()
        for _ in range(3):
            for p in bench.network.parameters():
                p.grad = None
            weighting.backward(bench.step(**given))
            weighting.after_step(lambda: torch.tensor([0.5, 0.0, 0.4], dtype=torch.float64))
            trunk = torch.cat([p.grad.reshape(-1) for p in bench.network.shared_parameters()])
            assert torch.isfinite(trunk).all()
            # The others still move the trunk.
            assert trunk.norm() > 0
            assert all(torch.isfinite(p.grad).all() for p in bench.network.heads.parameters())
        weighting.end_epoch()
        assert all(torch.isfinite(p).all() for p in weighting.parameters())
        assert weighting.notes() == []


@pytest.mark.parametrize("name", NAMES)
def test_every_weighting_goes_on_from_its_saved_state(name):
    def rare(i):
        return (1,) if i % 3 == 1 else ()

    bench, other = Bench(), Bench()
    whole, first, second = (make_weighting(name, 3).double() for _ in range(3))
    torch.manual_seed(3)
    bench.descend(whole, 3, absent=rare)
    bench.descend(whole, 3, absent=rare)
    torch.manual_seed(3)
    other.descend(first, 3, absent=rare)
    text, tensors = pack(first.state())
    second.load_state(unpack(text, {name: t.clone() for name, t in tensors.items()}))
    other.descend(second, 3, absent=rare)
    assert torch.equal(bench.weights(), other.weights())


@pytest.mark.parametrize(
    ("name", "direct"), [("pcgrad", aggregation.PCGrad), ("nash-mtl", aggregation.NashMTL)]
)
def test_gradient_methods_agree_with_torchjd_called_directly(name, direct):
    bench, other = Bench(), Bench()
    weighting = make_weighting(name, 3).double()
    aggregator = direct(n_tasks=3) if name == "nash-mtl" else direct()
    torch.manual_seed(5)
    bench.descend(weighting, 5)
    torch.manual_seed(5)
    for _ in range(5):
        for p in other.network.parameters():
            p.grad = None
        features, losses = other.losses(*other.draw())
        mtl_backward(list(losses), features=features, retain_graph=True)
        jac_to_grad(other.network.shared_parameters(), aggregator)
        with torch.no_grad():
            for p in other.network.parameters():
                p -= 0.05 * p.grad
    assert torch.equal(bench.weights(), other.weights())


def test_gradnorm_is_the_published_update():
    """Algorithm 1 with the gradient of L_grad by a second backward pass, and Adam by hand."""
    bench, other = Bench(), Bench()
    weighting = make_weighting("gradnorm", 3).double()
    bench.descend(weighting, 25)

    w = torch.ones(3, dtype=torch.float64)
    first, second = torch.zeros_like(w), torch.zeros_like(w)
    initial, layer = None, other.network.trunk[2].weight
    for t in range(1, 26):
        w.requires_grad_(True)
        _, losses = other.losses(*other.draw())
        initial = losses.detach() if initial is None else initial
        sizes = torch.stack(
            [
                torch.autograd.grad(w[i] * losses[i], layer, create_graph=True)[0].norm()
                for i in range(3)
            ]
        )
        ratio = losses.detach() / initial
        target = sizes.detach().mean() * (ratio / ratio.mean()) ** ALPHA
        (slope,) = torch.autograd.grad((sizes - target).abs().sum(), w, retain_graph=True)
        w = w.detach()
        grads = torch.autograd.grad((w * losses).sum(), list(other.network.parameters()))
        with torch.no_grad():
            for p, grad in zip(other.network.parameters(), grads, strict=True):
                p -= 0.05 * grad
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        w = w - LEARNING_RATE * (first / (1 - 0.9**t)) / ((second / (1 - 0.999**t)).sqrt() + 1e-8)
        w = 3 * w / w.sum()
    torch.testing.assert_close(weighting.weights.detach(), w, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(bench.weights(), other.weights(), rtol=1e-10, atol=1e-12)
    assert float(w.max() - w.min()) > 0.2


def test_a_single_task_is_trained_plainly_under_every_name():
    for name in ("gradnorm", "nash-mtl", "famo", "krum"):
        assert make_weighting(name, 1).name == "equal"


def test_a_method_without_its_package_says_which(monkeypatch):
    describe_weighting.cache_clear()
    monkeypatch.setattr(torchjd._mixins, "find_spec", lambda name: None if name == "ecos" else 1)
    assert "ecos" in describe_weighting("nash-mtl").missing
    with pytest.raises(TaskvizError, match=r"'nash-mtl' cannot run here.*ecos.*pip install"):
        check_weighting("nash-mtl")
    assert describe_weighting("pcgrad").missing == ""
    describe_weighting.cache_clear()


def test_steps_without_a_combination_are_told():
    weighting = make_weighting("nash-mtl", 2)
    weighting.methods["11"] = nn.Module()
    weighting.methods["11"].forward = lambda rows: rows.sum(0) * float("nan")
    rows = torch.randn(2, 5)
    torch.testing.assert_close(weighting.combine(rows), rows.mean(dim=0))
    assert "in 1 of 1 steps" in weighting.notes()[0]


def test_a_class_knows_its_paper_and_its_library():
    cls = weighting_class("cagrad")
    assert "Conflict-Averse Gradient Descent" in cls.source
    assert cls.gradients
    assert not weighting_class("famo").gradients
    assert "torchjd 0.18" in str(cls.version)


def test_packing_keeps_what_it_is_given_and_refuses_the_rest():
    given = {
        "a": [1, 2.5, None, True, float("inf"), "x"],
        3: (torch.arange(3), torch.tensor(2.0, dtype=torch.float64)),
        "dtype": torch.float32,
    }
    found = unpack(*pack(given))
    assert found["a"] == given["a"]
    assert torch.equal(found[3][0], given[3][0])
    assert found[3][1].dtype == torch.float64
    assert found["dtype"] is torch.float32
    with pytest.raises(TypeError):
        pack({"module": nn.Linear(1, 1)})
    text, _ = pack(given)
    with pytest.raises(TaskvizError, match="cannot be read"):
        unpack(text, {})
