"""Grouping: what it refuses and what it keeps."""

from pathlib import Path

import pytest

from taskviz.values import Grouping, TaskvizError


def test_of_fills_cost_budget_and_serving() -> None:
    plan = Grouping.of([("a", "b"), ("b", "c")])
    assert plan.cost == plan.budget == 2
    assert plan.serving == {"a": 0, "b": 0, "c": 1}
    assert plan.overlapping
    assert plan.tasks == ("a", "b", "c")


def test_json_round_trip(tmp_path: Path) -> None:
    plan = Grouping.of([("a", "b"), ("c",)], budget=3, score=1.5, objective="o", notes=("n",))
    assert Grouping.read(plan.save(tmp_path / "g.json")) == plan


@pytest.mark.parametrize(
    ("groups", "serving", "says"),
    [
        (((),), {}, "Group 1 is empty"),
        ((("a", "a"),), {"a": 0}, "names a task twice"),
        ((("a",), ("b",)), {"a": 1, "b": 1}, "'a' is served by group 1"),
        ((("a",),), {"a": 0, "z": 0}, "'z' is served but is in no group"),
    ],
)
def test_groups_that_make_no_sense(groups: object, serving: dict[str, int], says: str) -> None:
    with pytest.raises(TaskvizError, match=says):
        Grouping(groups=groups, serving=serving, budget=1, cost=1)  # type: ignore[arg-type]


def test_a_file_without_groups(tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    path.write_text('{"budget": 2}')
    with pytest.raises(TaskvizError, match="needs groups"):
        Grouping.read(path)
