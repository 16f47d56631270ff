"""The frontier shows each plan's score at its budget, and which plan is in use."""

import pytest

from taskviz.figures.frontier import budget_frontier, describe_budget_frontier
from taskviz.values import Grouping

OBJECTIVE = "density: Σ over groups of the mean row sum, higher is better"


def plan(budget: float, score: float | None, **fields: object) -> Grouping:
    groups = [[f"t{i}" for i in range(k, 6, int(budget))] for k in range(int(budget))]
    return Grouping.of(groups, budget=budget, score=score, objective=OBJECTIVE, **fields)


def test_points_are_the_plans_in_order() -> None:
    plans = [plan(3, 0.9), plan(1, 0.2), plan(2, 0.5)]
    figure = budget_frontier(plans, current_budget=2)
    line = next(t for t in figure.data if t.name == "best plan found")
    assert (list(line.x), list(line.y)) == ([1, 2, 3], [0.2, 0.5, 0.9])
    assert list(line.customdata) == [1, 2, 3]
    dot = next(t for t in figure.data if t.name == "current plan")
    assert (list(dot.x), list(dot.y)) == ([2], [0.5])
    assert figure.layout.yaxis.title.text == "density (higher is better)"
    assert "proven bound" not in {t.name for t in figure.data}


def test_bound_is_drawn_where_proven() -> None:
    plans = [plan(1, 0.2, bound=0.2, gap=0.0), plan(2, 0.5, bound=0.6, gap=0.2), plan(3, 0.9)]
    figure = budget_frontier(plans)
    bound = next(t for t in figure.data if t.name == "proven bound")
    assert (list(bound.x), list(bound.y)) == ([1, 2], [0.2, 0.6])
    hover = next(t for t in figure.data if t.name == "best plan found").hovertext
    assert "proven optimal" in hover[0]
    assert "gap 20.00%" in hover[1]
    assert "gap" not in hover[2]


def test_a_plan_edited_by_hand_is_the_dot() -> None:
    figure = budget_frontier([plan(1, 0.2), plan(2, 0.5)], current=plan(2, 0.4), current_budget=1)
    dot = next(t for t in figure.data if t.name == "current plan")
    assert (list(dot.x), list(dot.y)) == ([2], [0.4])


def _axis(plans: list[Grouping], current: Grouping | None = None) -> tuple[float, float] | None:
    found: tuple[float, float] | None = budget_frontier(plans, current=current).layout.xaxis.range
    return found


def test_no_budget_without_a_plan_is_on_the_axis() -> None:
    low, high = _axis([plan(k, k / 9) for k in range(1, 7)]) or (0, 0)
    assert 0 < low < 1
    assert 6 < high < 7
    many = [Grouping.of([["a", "b"]], budget=b, score=0.1) for b in range(1, 500, 20)]
    low, high = _axis(many) or (0, 0)
    assert 0 < low < 1
    assert high > 481
    low, high = _axis([plan(2, 0.2), plan(3, 0.5)], current=plan(5, 0.4)) or (0, 0)
    assert 1 < low < 2
    assert 5 < high < 6
    assert _axis([plan(2, 0.2)]) is None


def test_plans_without_a_score_are_said() -> None:
    figure = budget_frontier([plan(1, None), plan(2, None)], current_budget=1)
    assert len(figure.data) == 0
    assert "no plan has a score" in figure.layout.annotations[0].text
    assert "no plan has a score" in describe_budget_frontier([plan(1, None)])
    assert len(budget_frontier([plan(1, None), plan(2, 0.5)]).data[0].x) == 1


@pytest.mark.parametrize("current", [None, 2.0])
def test_description(current: float | None) -> None:
    text = describe_budget_frontier([plan(1, 0.2), plan(2, 0.5)], current_budget=current)
    assert "0.200 at 1.00, 0.500 at 2.00" in text
    assert ("current plan" in text) == (current is not None)


def test_names_are_no_markup() -> None:
    evil = Grouping.of([['<a href="https://x.example">x</a>'], ["b"]], score=1.0)
    figure = budget_frontier([evil])
    assert "<a" not in figure.data[0].hovertext[0]
