"""Each problem is found, with its column and its row in the file."""

import numpy as np
import pandas as pd
import pytest

from taskviz.data.problems import find_problems
from taskviz.data.table import read_table

N = 40
KINDS = {"y1": "regression", "y2": "binary"}


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "a": rng.normal(size=N),
            "b": rng.normal(size=N),
            "c": list("pq") * (N // 2),
            "y1": rng.normal(size=N),
            "y2": rng.permutation(np.arange(N) % 2),
        }
    )


def find(frame, targets=("y1", "y2"), kinds=None, **options):
    return find_problems(frame, targets, kinds or {}, **options)


def only(frame, severity, words, **options):
    found = [p for p in find(frame, **options) if words in p.message]
    assert len(found) == 1, [p.message for p in find(frame, **options)]
    assert found[0].severity == severity
    assert found[0].message.endswith((".", "?"))
    return found[0]


def test_a_clean_table_has_no_problem(frame):
    assert find(frame) == []


def test_constant_target(frame):
    frame["y2"] = "same"
    assert only(frame, "error", "'y2' is constant ('same' in every row)").column == "y2"


def test_target_without_labels(frame):
    frame["y1"] = np.nan
    assert only(frame, "error", "no label in any row").column == "y1"


def test_duplicate_columns(frame):
    frame["d"] = frame["a"]
    assert only(frame, "warning", "Columns 'a' and 'd' hold the same").column == "d"
    frame["y3"] = frame["y1"]
    found = only(frame, "warning", "'y1' and 'y3'", targets=("y1", "y2", "y3"))
    assert "one task" in found.message


def test_duplicates_see_missing_cells_and_types(frame):
    frame.loc[3, "a"] = np.nan
    frame["d"] = frame["a"]
    frame["e"] = frame["a"].fillna(0)
    frame["w"] = np.arange(N) % 5
    frame["v"] = frame["w"].astype(float)
    pairs = [p.message for p in find(frame) if "hold the same" in p.message]
    assert len(pairs) == 2
    assert "'a' and 'd'" in pairs[0]
    assert "'w' and 'v'" in pairs[1]


def test_text_among_the_numbers_of_a_target(frame):
    frame["y1"] = frame["y1"].map(str)
    frame.loc[6, "y1"] = "about 3"
    found = only(frame, "error", "'about 3' is not a number")
    assert (found.column, found.row) == ("y1", 8)
    frame.loc[9, "y1"] = "much"
    assert "(and in 1 more row)" in only(frame, "error", "'about 3'").message


def test_text_among_the_numbers_of_an_input(frame):
    frame["a"] = frame["a"].map(str)
    frame.loc[17, "a"] = "abc"
    found = only(frame, "error", "Column 'a', row 19: 'abc' is not a number")
    assert (found.column, found.row) == ("a", 19)
    assert not [p for p in find(frame, leave_out=["a"]) if p.severity == "error"]


def test_levels_that_look_like_numbers_are_no_mistake(frame):
    frame["a"] = [["1", "2", "3", "4+"][i % 4] for i in range(N)]
    assert find(frame) == []


def test_rows_are_those_of_the_file(tmp_path, frame):
    lines = frame.to_csv(index=False).splitlines()
    lines.insert(5, "")
    cells = lines[10].split(",")
    lines[10] = ",".join([cells[0], "oops", *cells[2:]])
    (tmp_path / "t.csv").write_text("\n".join(lines))
    found = only(read_table(tmp_path / "t.csv").frame, "error", "'oops'")
    assert (found.column, found.row) == ("b", 11)


def test_infinite_values(frame):
    frame.loc[4, "b"] = np.inf
    frame.loc[5, "y1"] = -np.inf
    assert only(frame, "error", "Column 'b', row 6: the value is infinite").row == 6
    assert only(frame, "error", "Target 'y1', row 7: the value is infinite").row == 7
    frame["y2"] = np.where(np.arange(N) % 2, np.inf, 1)
    assert only(frame, "error", "Target 'y2'").severity == "error"


def test_huge_values(frame):
    frame.loc[7, "a"] = 1e31
    frame.loc[8, "y1"] = -1e308
    assert only(frame, "error", "Column 'a', row 9: the value is beyond").row == 9
    assert only(frame, "error", "Target 'y1', row 10: the value is beyond").row == 10


def test_inf_as_a_level_of_text_is_text(frame):
    frame["c"] = ["inf", "sup"] * (N // 2)
    frame["y2"] = np.random.default_rng(2).permutation(frame["c"])
    assert find(frame) == []


def test_fewer_than_two_tasks_and_twenty_rows(frame):
    assert "1 target column:" in only(frame, "error", "at least 2 tasks", targets=("y1",)).message
    assert only(frame, "error", "0 target columns", targets=())
    assert only(frame.iloc[:19], "error", "19 rows of data: at least 20")
    assert find(frame.iloc[:20]) == []


def test_unknown_and_repeated_names(frame):
    assert (
        "did you mean 'y2'"
        in only(frame, "error", "no column 'y22'", targets=("y1", "y22", "y2")).message
    )
    assert only(frame, "error", "no column 'zzz'", leave_out=["zzz"])
    assert only(frame, "error", "more than once", targets=("y1", "y2", "y1"))
    frame.columns = ["a", "a", "c", "y1", "y2"]
    assert only(frame, "error", "More than one column is named 'a'")


def test_class_of_one_row(frame):
    frame["y2"] = ["p", "q"] * (N // 2)
    frame.loc[25, "y2"] = "rare"
    found = only(frame, "warning", "class 'rare' has this one row")
    assert (found.column, found.row) == ("y2", 27)


def test_kinds_that_do_not_fit(frame):
    frame["y3"] = np.arange(N) % 3
    three = ("y1", "y2", "y3")
    found = only(frame, "error", "third value", targets=three, kinds={"y3": "binary"})
    assert (found.column, found.row) == ("y3", 4)
    assert only(frame, "error", "make it binary", kinds={"y2": "multiclass"})
    assert only(frame, "error", "cannot be multilabel", kinds={"y2": "multilabel"})
    assert only(frame, "error", "unknown kind 'x'", kinds={"y2": "x"})
    assert only(frame, "error", "40 classes in 40 rows", kinds={"y1": "multiclass"})
    frame["y1"] = ["u", "v"] * (N // 2)
    assert only(frame, "error", "'u' is not a number", kinds={"y1": "regression"})


def test_many_numeric_classes_are_a_warning():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"a": rng.normal(size=200), "y1": np.arange(200) % 25, "y2": np.arange(200) % 2}
    )
    assert only(frame, "warning", "25 different numbers", kinds={"y1": "multiclass"})
    assert find(frame) == []


def test_free_text_and_dates_as_targets(frame):
    frame["y1"] = [f"words {i}" for i in range(N)]
    kinds = {"y1": "multiclass"}
    assert "leave it out" in only(frame, "error", "40 classes in 40 rows", kinds=kinds).message
    assert only(frame, "error", "free text (40 different values)").row == 2
    frame["y1"] = [f"2024-01-{i % 28 + 1:02d}" for i in range(N)]
    assert only(frame, "error", "holds dates")


def test_leaks(frame):
    frame["d"] = -3 * frame["y1"] + 7
    frame["e"] = np.where(frame["y2"] == 1, "sick", "well")
    frame["f"] = frame["y1"] + np.random.default_rng(1).normal(size=N) * 0.1
    assert only(frame, "warning", "'d' tells target 'y1'").column == "d"
    assert only(frame, "warning", "'e' tells target 'y2'")
    assert not [p for p in find(frame) if p.column == "f"]
    frame["e"] = frame["y2"]
    assert len([p for p in find(frame) if p.column == "e"]) == 1


def test_empty_and_useless_inputs(frame):
    frame["e"] = np.nan
    frame["k"] = 5
    frame["t"] = [f"words {i}" for i in range(N)]
    severities = {p.column: p.severity for p in find(frame)}
    assert severities == {"e": "warning", "k": "note", "t": "warning"}
    assert {p.column for p in find(frame, leave_out=["e", "k", "t"])} == {"e"}


def test_an_input_that_is_named_like_a_target(frame):
    frame["label"] = frame["a"] ** 2
    assert only(frame, "warning", "named like a target").column == "label"


def test_errors_come_first(frame):
    frame["e"] = np.nan
    frame["y1"] = 1.0
    severities = [p.severity for p in find(frame)]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert severities[0] == "error"
