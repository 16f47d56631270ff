"""A budget in another unit than networks is never told as a number of models."""

import numpy as np
import pytest

from taskviz.figures.frontier import budget_frontier
from taskviz.grouping.group_costs import CostModel
from taskviz.grouping.within_budget import frontier_within
from taskviz.report.command import repeat_commands
from taskviz.report.facts import Facts
from taskviz.report.sections import _score_statement
from taskviz.report.summary import summarise
from taskviz.values import AffinityMatrix


@pytest.fixture
def matrix(toy):
    values = [[1.0 if s == t else 1 / (1 + s + t) for t in range(4)] for s in range(4)]
    return AffinityMatrix(np.array(values), toy.names, "label-correlation", seed=0)


@pytest.fixture
def frontier(matrix):
    model = CostModel("parameters", matrix.tasks, 1234500.0, (10.0,) * 4)
    return frontier_within(matrix, "selection", model, [1234567, 2469050])


def test_summary(toy, matrix, frontier):
    told = summarise(Facts.of(toy), [matrix], frontier[0], {})
    assert "given that 1234567 parameters can be afforded" in told.question
    assert "This takes 1234540 of the 1234567 parameters of the budget." in told.answer


def test_statement(frontier):
    told = _score_statement(frontier[0], trained=False)
    assert told.startswith("Budget 1234567 parameters, cost 1234540 parameters.")


def test_commands_do_not_give_it_as_a_number_of_networks(toy, matrix, frontier):
    repeat = repeat_commands(toy, matrix, frontier[1])
    assert not any("--budget" in line for line in repeat.lines)
    assert repeat.plan == frontier[1]
    assert any("a budget in parameters" in note for note in repeat.notes)


def test_axis(frontier):
    figure = budget_frontier(frontier)
    assert figure.layout.xaxis.title.text == "budget (parameters)"
    assert figure.layout.xaxis.dtick is None
