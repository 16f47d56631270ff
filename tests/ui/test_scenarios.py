from pathlib import Path

import numpy as np
import pytest

from taskviz.cache import Cache
from taskviz.report.plan_difference import changed_groups, difference
from taskviz.ui.scenarios import KIND, list_scenarios, save_scenario
from taskviz.values import AffinityMatrix, Grouping, TaskvizError

VALUES = np.arange(16, dtype=float).reshape(4, 4)
MATRIX = AffinityMatrix(VALUES, tuple("abcd"), "example")
ONE = Grouping.of([("a", "b"), ("c", "d")])
OTHER = Grouping.of([("c", "d", "b"), ("a",)])


def test_saved_scenarios_are_found_by_another_process(tmp_path: Path) -> None:
    save_scenario(Cache(tmp_path), " first  idea ", "because", ONE, "matrix")
    save_scenario(Cache(tmp_path), "second", "", OTHER, "matrix")
    save_scenario(Cache(tmp_path), "first idea", "", OTHER, "another matrix")
    found = list_scenarios(Cache(tmp_path), "matrix")
    assert [(s.name, s.notes, s.plan) for s in found] == [
        ("first idea", "because", ONE),
        ("second", "", OTHER),
    ]


def test_the_same_twice_is_one_and_a_name_is_given_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    save_scenario(cache, "mine", "", ONE, "matrix")
    save_scenario(cache, "mine", "", ONE, "matrix")
    assert len(list_scenarios(cache, "matrix")) == 1
    with pytest.raises(TaskvizError, match="'mine' of this matrix already"):
        save_scenario(cache, "mine", "", OTHER, "matrix")
    with pytest.raises(TaskvizError, match="needs a name"):
        save_scenario(cache, "  ", "", ONE, "matrix")


def test_a_damaged_scenario_is_passed_over(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    saved = save_scenario(cache, "mine", "", ONE, "matrix")
    (cache.folder(KIND, saved.key) / "scenario.json").write_text("{")
    assert list_scenarios(cache, "matrix") == []


def test_the_difference_names_what_moved_and_what_it_gains() -> None:
    table = difference(MATRIX, ONE, OTHER).set_index("task")
    # The first group of the second plan resembles the second group of the first: no move for c, d.
    assert list(table.index[table["moved"]]) == ["b"]
    assert table.loc["b", "before"] == "A"
    assert table.loc["b", "after"] == "B"
    before, after = VALUES[0, 1], (VALUES[2, 1] + VALUES[3, 1]) / 2
    assert table.loc["b", "gain"] == pytest.approx(after - before)
    assert np.isnan(table.loc["a", "gain"])


def test_a_group_names_what_leaves_it_and_what_comes() -> None:
    assert changed_groups(ONE, OTHER) == [("A", ["b"], []), ("B", [], ["b"])]
    assert changed_groups(ONE, ONE) == []


def test_plans_without_scores_still_tell_who_moved() -> None:
    table = difference(None, ONE, OTHER).set_index("task")
    assert list(table.index[table["moved"]]) == ["b"]
    assert table["gain"].isna().all()
