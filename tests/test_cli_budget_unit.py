"""``taskviz group --budget-unit``: budgets in parameters, multiply-accumulates, milliseconds."""

import json

import numpy as np
import pytest

from taskviz.cli import main
from taskviz.values import AffinityMatrix, Grouping, SubsetTable
from taskviz.verbs import contenders, group_frontier, group_tasks, load_collection, price_groups

TASKS = ("Weight", "Waist", "Pulse")
SMALL = ("--network-option", "width=8", "--network-option", "depth=1")
TRUNK, HEAD = 3 * 8, 8  # multiply-accumulates of one hidden layer of 8 on linnerud's three inputs


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    values = np.array([[1.0, 0.9, 0.1], [0.9, 1.0, 0.2], [0.1, 0.2, 1.0]])
    AffinityMatrix(values, TASKS, "made-up").save("m.json")


@pytest.fixture
def run(capsys):
    def call(*arguments):
        status = main([str(word) for word in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return call


def priced(run, source, *arguments):
    status, out, err = run("group", source, *arguments, "--json")
    assert status == 0, err
    return json.loads(out)


def test_a_matrix_with_its_collection(run):
    budget = 2 * TRUNK + 3 * HEAD
    words = ("--collection", "linnerud", "--budget-unit", "macs", *SMALL, "--method", "lloyd")
    words += ("--singletons", "keep")
    found = priced(run, "m.json", *words, "--budget", budget)
    assert (found["cost"], found["budget"], found["cost_unit"]) == (budget, budget, "macs")
    assert found["groups"] == [["Weight", "Waist"], ["Pulse"]]
    assert found["costs"] == [TRUNK + 2 * HEAD, TRUNK + HEAD]
    assert "ReLU" in found["notes"][-1]
    less = priced(run, "m.json", *words, "--budget", budget - 1)
    assert less["groups"] == [list(TASKS)]


def test_a_collection_prices_itself(run):
    found = priced(
        *(run, "linnerud", "--affinity", "label-correlation", "--method", "selection"),
        *("--budget-unit", "parameters", "--budget", 10_000),
    )
    # Width 64, two layers, by default.
    trunk = 3 * 64 + 64 + 64 * 64 + 64
    assert found["costs"] == [trunk + 65 * len(group) for group in found["groups"]]
    assert found["cost"] <= 10_000 < 3 * trunk


def test_all_budgets_at_once_and_what_people_read(run):
    words = ("--collection", "linnerud", "--method", "random", *SMALL)
    found = priced(run, "m.json", *words, "--budget-unit", "macs")
    assert [g["budget"] for g in found] == [k * TRUNK + 3 * HEAD for k in (1, 2, 3)]
    status, out, _ = run("group", "m.json", *words, "--budget-unit", "macs", "--budget", 1234567)
    assert status == 0
    assert "Budget 1234567 macs, cost 96 macs by random" in out
    assert "cost" in out.splitlines()[2]
    found = priced(run, "m.json", *words, "--budget-unit", "milliseconds", "--budget", 1000)
    assert 0 < found["cost"] <= 1000
    assert "measured on" in found["notes"][-1]


def test_networks_stay_the_default(run):
    found = priced(run, "m.json", "--method", "selection", "--budget", 2.5)
    assert (found["cost_unit"], found["budget"], found["cost"]) == ("networks", 2.5, 2.0)
    _, out, _ = run("group", "m.json", "--method", "random", "--budget", 2)
    assert "Budget 2, cost 2 by random" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("m.json", "--budget-unit", "flops"), "choose one of macs, milliseconds"),
        (("m.json", "--budget-unit", "macs"), "--collection"),
        (("linnerud", "--collection", "linnerud", "--budget-unit", "macs"), "leave --collection"),
        (("m.json", "--collection", "linnerud"), "--budget-unit"),
        (("m.json", "--network-option", "width=3"), "--budget-unit"),
        (
            ("m.json", "--collection", "linnerud", "--network-option", "device=x"),
            "'device'",
        ),
        (("m.json", "--collection", "digits", "--budget-unit", "macs"), "'Weight' has no cost"),
        (
            ("m.json", "--collection", "linnerud", "--budget-unit", "macs", *SMALL),
            f"cost {TRUNK + 3 * HEAD} multiply-accumulates",
        ),
    ],
)
@pytest.mark.parametrize("method", ["selection", "lloyd"])
def test_what_cannot_be(run, words, told, method):
    status, out, err = run("group", *words, "--method", method, "--budget", 7)
    assert status == 2
    assert out == ""
    assert told in err
    assert "Traceback" not in err


def test_the_verbs():
    collection = load_collection("linnerud")
    costs = price_groups(collection, "macs", width=8, depth=1)
    matrix = AffinityMatrix.read("m.json")
    found = group_tasks(matrix, "selection", budget=70, costs=costs)
    assert found.cost <= 70
    frontier = group_frontier(matrix, "selection", budgets=[48, 80], costs=costs)
    assert [g.cost for g in frontier] == [48, 72 + HEAD]
    # What a table says of its networks' costs gives way to the price.
    table = SubsetTable(TASKS, np.ones((1, 3), bool), np.ones((1, 3)), np.ones(1))
    assert group_tasks(table, "selection", budget=50, costs=costs).cost == 48


def test_baselines_of_a_plan_with_a_price():
    """10 000 parameters are no 10 000 random groups."""
    grouping = Grouping.of(
        [["Weight", "Waist"], ["Pulse"]], budget=10_000, cost=9_000.0, cost_unit="parameters"
    )
    made = contenders(load_collection("linnerud"), None, grouping, random_draws=1)
    assert len(made["random 1"].groups) == 2
