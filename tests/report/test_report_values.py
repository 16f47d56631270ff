"""The values inside a report can be taken out again."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from taskviz.figures.curves import MOST_POINTS
from taskviz.report import read_report, write_report
from taskviz.report.result_json import history_frame, history_json
from taskviz.training.compare import compare, comparison_table, summary_sentences
from taskviz.training.options import TrainingOptions
from taskviz.values import HISTORY_COLUMNS, AffinityMatrix, Grouping, TaskvizError

KEYS = ["group", "task", "split", "metric", "seed", "step"]


def in_order(history: pd.DataFrame) -> pd.DataFrame:
    return history.sort_values(KEYS).reset_index(drop=True)[list(HISTORY_COLUMNS)]


def test_values_come_back(study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = write_report(
        collection=study.collection,
        affinities=[study.affinity],
        groupings=[study.plan],
        results=study.results,
        notes="note",
        path=tmp_path / "r.html",
    )
    read = read_report(path)
    assert read.collection["fingerprint"] == study.collection.fingerprint
    assert [task["name"] for task in read.collection["tasks"]] == list(study.collection.names)
    assert read.affinities[0].to_json() == study.affinity.to_json()
    assert read.groupings == (study.plan,)
    assert list(read.results) == list(study.results)
    for label, result in study.results.items():
        found = read.results[label]
        assert found.grouping == result.grouping
        assert found.serving == result.serving
        pd.testing.assert_frame_equal(found.metrics, result.metrics, check_dtype=False)
        pd.testing.assert_frame_equal(
            in_order(found.history), in_order(result.history), check_dtype=False, rtol=1e-5
        )
    # what was read says what was written
    assert summary_sentences(read.results) == summary_sentences(study.results)
    pd.testing.assert_frame_equal(
        comparison_table(read.results), comparison_table(study.results), check_dtype=False
    )


def test_results_of_several_seeds_come_back_with_their_intervals(toy, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    plans = {
        "chosen": Grouping.of([["t0", "t3"], ["t1", "t2", "t0"]]),
        "all-separate": Grouping.of([[name] for name in toy.names]),
    }
    results = compare(toy, plans, TrainingOptions(epochs=2, width=8), seeds=[0, 1, 2])
    path = write_report(collection=toy, results=results, path=tmp_path / "r.html")
    read = read_report(path).results
    for label, result in results.items():
        assert read[label].seeds == (0, 1, 2)
        for one, other in zip(read[label].runs, result.runs, strict=True):
            assert (one.serving, one.seconds) == (other.serving, other.seconds)
            pd.testing.assert_frame_equal(one.metrics, other.metrics, check_dtype=False)
    assert "3 seeds" in " ".join(summary_sentences(results))
    assert summary_sentences(read) == summary_sentences(results)
    pd.testing.assert_frame_equal(
        comparison_table(read), comparison_table(results), check_dtype=False
    )


def test_a_report_of_what_was_read_is_the_same_again(study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    first = write_report(
        collection=study.collection, results=study.results, path=tmp_path / "a.html"
    )
    read = read_report(first)
    second = write_report(
        collection=study.collection, results=read.results, path=tmp_path / "b.html"
    )
    again = read_report(second)
    for label in read.results:
        pd.testing.assert_frame_equal(again.results[label].history, read.results[label].history)


def test_missing_entries_come_back(tmp_path: Path, toy) -> None:  # type: ignore[no-untyped-def]
    values, support = np.ones((4, 4)), np.ones((4, 4), dtype=np.int64)
    values[1, 2], support[1, 2] = np.nan, 0
    matrix = AffinityMatrix(values, toy.names, "hoa", support=support)
    path = write_report(collection=toy, affinities=[matrix], path=tmp_path / "r.html")
    np.testing.assert_array_equal(read_report(path).affinities[0].values, values)


def test_curves_are_small_and_thinned_where_long() -> None:
    steps = np.arange(1, MOST_POINTS + 1001)
    frame = pd.DataFrame(
        {
            "step": steps,
            "group": 0,
            "task": "t",
            "split": "train",
            "metric": "loss",
            "value": np.sin(steps / 50),
            "seed": 0,
        }
    )
    (line,) = history_json(frame)
    assert len(line["values"]) <= MOST_POINTS
    assert max(line["values"]) == pytest.approx(1.0, abs=1e-3)
    back = history_frame([line])
    joined = back.merge(frame, on="step", suffixes=("", "_given"))
    np.testing.assert_allclose(joined["value"], joined["value_given"], rtol=1e-5)
    short = frame[:50]
    (line,) = history_json(short.iloc[::-1])
    assert line["run"] == [1, 50]
    assert "steps" not in line


def test_uneven_steps_and_missing_values_come_back() -> None:
    frame = pd.DataFrame(
        [(s, 1, "t", "valid", "auroc", v, None) for s, v in ((5, 0.5), (10, np.nan), (30, 0.7))],
        columns=list(HISTORY_COLUMNS),
    )
    back = history_frame(history_json(frame))
    assert list(back["step"]) == [5, 10, 30]
    np.testing.assert_array_equal(back["value"], [0.5, np.nan, 0.7])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path, "There is no file"),
        (lambda path: path.write_text("<html><body>hello</body></html>"), "holds no values"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00bad"), "cannot be read as a report"),
        (
            lambda path: path.write_text(
                '<script type="application/json" id="taskviz-data">{"format": 99}</script>'
            ),
            "report of format 99",
        ),
        (
            lambda path: path.write_text(
                '<script type="application/json" id="taskviz-data">{"format": 1}</script>'
            ),
            "holds no values",
        ),
    ],
)
def test_what_is_no_report_is_told(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    path = tmp_path / "other.html"
    make(path)
    with pytest.raises(TaskvizError, match=message):
        read_report(path)
