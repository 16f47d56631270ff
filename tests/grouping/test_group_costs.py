"""Prices of groups: exact for counts, a line with a stated error for time."""

from itertools import combinations

import numpy as np
import pytest

from taskviz.grouping import group_costs
from taskviz.grouping.group_costs import CostModel, cost_model, spend
from taskviz.networks import NetworkOptions
from taskviz.networks.cost import network_cost
from taskviz.networks.latency import Latency
from taskviz.values import Grouping, Samples, TaskCollection, TaskvizError

OPTIONS = NetworkOptions(width=7, depth=3)


@pytest.mark.parametrize("unit", ["parameters", "macs"])
def test_every_group_costs_what_its_network_does(toy, unit):
    model = cost_model(toy, unit, OPTIONS)
    for size in range(1, 5):
        for tasks in combinations(range(4), size):
            real = network_cost(toy, tasks, OPTIONS, device="cpu", measure=False)
            assert model([toy.names[t] for t in tasks]) == getattr(real, unit)


def test_macs_say_what_they_leave_out(toy):
    model = cost_model(toy, "macs", OPTIONS)
    assert "not counted: ReLU ×3" in model.notes[0]
    assert cost_model(toy, "parameters", OPTIONS).notes == ()


def test_a_network_is_one_network(toy):
    model = cost_model(toy, "networks")
    assert model(["t1"]) == model(toy.names) == 1.0
    assert model.most_groups(2.9) == 2


def test_costs_of_memberships_are_those_of_names(toy):
    model = cost_model(toy, "parameters", OPTIONS)
    members = np.array([[True, False, True, False], [True] * 4])
    wanted = [model(["t0", "t2"]), model(toy.names)]
    assert model.costs(members).tolist() == wanted
    part = model.of(["t2", "t0"])
    assert part(["t2"]) == model(["t2"])
    assert part.partition(1) == wanted[0]


@pytest.mark.parametrize(
    ("budget", "most"), [(139, 0), (140, 1), (239.99, 1), (240, 2), (440, 4), (10**9, 4)]
)
def test_most_groups_leaves_a_head_for_every_task(budget, most):
    model = CostModel("macs", tuple("abcd"), 100.0, (10.0, 10.0, 15.0, 5.0))
    assert model.most_groups(budget) == most


def test_free_trunks_are_no_reason_for_more_groups_than_tasks():
    assert CostModel("milliseconds", tuple("abc"), 0.0, (1.0,) * 3).most_groups(3.0) == 3


def test_latency_is_a_line_through_the_sizes_measured(toy_factory, monkeypatch):
    collection = toy_factory(kinds=("regression",) * 8)
    asked = []

    def measured(networks, inputs, **_):
        asked.append(([len(n.heads) for n in networks], tuple(inputs.shape)))
        # 2 + 0.5 n, and one size off the line: least squares over n = 1, 2, 4, 8.
        times = {1: 2.5, 2: 3.0, 4: 4.3, 8: 6.0}
        return [Latency(times[len(n.heads)], 0.01 * len(n.heads), 50) for n in networks]

    monkeypatch.setattr(group_costs, "measure_latency", measured)
    model = cost_model(collection, "milliseconds", OPTIONS, device="cpu")
    assert asked == [([1, 2, 4, 8], (1, 6))]
    slope, start = np.polyfit([1, 2, 4, 8], [2.5, 3.0, 4.3, 6.0], 1)
    assert model.trunk == pytest.approx(start)
    assert model.heads == pytest.approx((slope,) * 8)
    misses = [start + slope * n - t for n, t in zip([1, 2, 4, 8], [2.5, 3, 4.3, 6], strict=True)]
    assert model.fit_error == pytest.approx(max(map(abs, misses)))
    assert model.spread == 0.08
    assert f"by up to {model.fit_error:.2g} ms" in model.notes[0]
    assert "CPU" in model.notes[0]


def test_noise_gives_no_head_that_saves_time(toy, monkeypatch):
    falling = iter([3.0, 2.0, 1.0])
    monkeypatch.setattr(
        group_costs,
        "measure_latency",
        lambda networks, inputs: [Latency(next(falling), 0.1, 9) for _ in networks],
    )
    model = cost_model(toy, "milliseconds", device="cpu")
    assert model.heads == (0.0,) * 4
    assert model.trunk == pytest.approx(2.0)
    assert model.fit_error == pytest.approx(1.0)


@pytest.mark.parametrize("tasks", [1, 2, 4])
def test_latency_on_the_device(toy, device, tasks):
    model = cost_model(toy.select(tasks), "milliseconds", OPTIONS, device=device)
    assert model.trunk + model.heads[0] > 0
    assert len(model.heads) == tasks
    assert np.isfinite([model.fit_error, model.spread]).all()


def test_spend_prices_any_grouping(toy):
    model = cost_model(toy, "parameters", OPTIONS)
    grouping = Grouping.of([["t0", "t2"], ["t1", "t3", "t2"]])
    spent = spend(grouping, model)
    assert spent.costs == (model(["t0", "t2"]), model(["t1", "t2", "t3"]))
    assert spent.cost == spent.budget == sum(spent.costs)
    assert spent.cost_unit == "parameters"
    assert spend(spent, model, 10_000).budget == 10_000
    assert Grouping.from_json(spent.to_json()) == spent
    assert Grouping.from_json(grouping.to_json()).cost_unit == "networks"


def test_a_saved_grouping_in_no_known_unit_is_refused():
    saved = Grouping.of([["a"]]).to_json() | {"cost_unit": "<b>bananas</b>"}
    with pytest.raises(TaskvizError, match="Unknown cost unit of a grouping"):
        Grouping.from_json(saved)


def test_notes_are_told_once(toy):
    model = cost_model(toy, "macs", OPTIONS)
    grouping = Grouping.of([toy.names], notes=("first",))
    assert spend(spend(grouping, model), model).notes == ("first", *model.notes)


def test_words_never_shorten_a_budget_below_itself():
    counts = CostModel("macs", ("a",), 1.0, (0.0,))
    assert counts.words(123456789.0) == "123456789 multiply-accumulates"
    time = CostModel("milliseconds", ("a",), 1.0, (0.0,))
    assert time.words(0.123444) == "0.1234 milliseconds"
    for cost in (0.123444, 0.1234, 12.0, 99999.0, 3e-5):
        text = time.words(cost, up=True)
        assert cost * (1 - 1e-9) <= float(text.split()[0]) <= cost * 1.001


def test_what_cannot_be_priced(toy):
    with pytest.raises(TaskvizError, match=r"budget unit 'flops'.*macs"):
        cost_model(toy, "flops")
    model = cost_model(toy.select(["t0", "t1"]), "parameters")
    with pytest.raises(TaskvizError, match="'t2' has no cost in parameters"):
        model(["t0", "t2"])
    with pytest.raises(TaskvizError, match="'t2'"):
        spend(Grouping.of([toy.names]), model)


def test_separate_tasks_have_no_budget_of_passes(toy):
    block = toy.samples[0]
    blocks = tuple(Samples(block.inputs, (t,), block.split) for t in block.targets)
    apart = TaskCollection("apart", toy.tasks, blocks, "separate")
    for unit in ("macs", "milliseconds"):
        with pytest.raises(TaskvizError, match=r"separate.*networks or parameters"):
            cost_model(apart, unit, device="cpu")
    assert cost_model(apart, "parameters", OPTIONS) == cost_model(toy, "parameters", OPTIONS)
