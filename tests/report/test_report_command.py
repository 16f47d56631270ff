"""The command in a report repeats its numbers."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import taskviz as tv
from taskviz.cli import main
from taskviz.report.command import repeat_commands
from taskviz.values import AffinityMatrix, Grouping, Origin, TaskCollection, TrainingResult
from taskviz.verbs import contenders, paper_contenders


def run(line: str, capsys: pytest.CaptureFixture[str]) -> dict:  # type: ignore[type-arg]
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "taskviz"]
    assert main([*words[3:], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def rows(result: TrainingResult) -> list[tuple[object, ...]]:
    return [tuple(row) for row in result.metrics.to_numpy(dtype=object)]


@pytest.fixture(scope="module")
def trained():  # type: ignore[no-untyped-def]
    collection = tv.load_collection("linnerud")
    affinity = tv.compute_affinity(collection, "sca", seed=3, device="cpu", n=7, heads="tied")
    plan = tv.group_tasks(affinity, "random", budget=2, seed=3)
    results = tv.compare_groupings(
        collection,
        contenders(collection, affinity, plan, random_draws=2, seed=3),
        seed=3,
        device="cpu",
        epochs=3,
        width=6,
    )
    return collection, affinity, plan, results


def test_one_command_repeats_everything(trained, capsys, monkeypatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    collection, affinity, plan, results = trained
    repeat = repeat_commands(collection, affinity, plan, results)
    assert repeat.notes == ()
    assert repeat.plan is None
    (line,) = repeat.lines
    assert line == (
        "python -m taskviz train linnerud --budget 2 --method sca --affinity-option n=7 "
        "--affinity-option heads=tied --grouper random --seed 3 --weighting equal --width 6 "
        "--epochs 3 --device cpu --baselines --random-draws 2 --seeds 1"
    )
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path))  # computed anew, not read
    found = run(line, capsys)
    assert set(found["contenders"]) == set(results)
    for label, result in results.items():
        again = found["contenders"][label]
        assert again["grouping"]["groups"] == [list(group) for group in result.grouping.groups]
        assert [tuple(row.values()) for row in again["metrics"]] == rows(result)


def test_the_papers_comparison_is_repeated_as_such(trained, capsys, monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    collection, affinity, plan, _ = trained
    groupings, weightings = paper_contenders(collection, plan, "chosen")
    results = tv.compare_groupings(
        collection, groupings, weightings, 3, "cpu", seeds=2, epochs=2, width=6
    )
    (line,) = repeat_commands(collection, affinity, plan, results).lines
    assert line == (
        "python -m taskviz train linnerud --budget 2 --method sca --affinity-option n=7 "
        "--affinity-option heads=tied --grouper random --seed 3 --width 6 --epochs 2 --device cpu "
        "--paper --seeds 2"
    )
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path))
    found = run(line, capsys)["contenders"]
    first = next(iter(results))
    assert list(found) == [first.replace("chosen", "SCA"), *list(results)[1:]]
    for label, result in results.items():
        again = found[label.replace("chosen", "SCA")]["metrics"]
        assert [tuple(row.values()) for row in again] == rows(result), label


def test_seeds_that_differ_take_a_command_a_step(trained, capsys, monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    collection, affinity, _, _ = trained
    plan = tv.group_tasks(affinity, "random", budget=2, seed=8)
    result = tv.train_groups(collection, plan, seed=5, device="cpu", epochs=2)
    repeat = repeat_commands(collection, affinity, plan, {"chosen": result})
    assert [shlex.split(line)[3] for line in repeat.lines] == ["affinity", "group", "train"]
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    run(repeat.lines[0], capsys)
    np.testing.assert_array_equal(AffinityMatrix.read("affinity.json").values, affinity.values)
    assert run(repeat.lines[1], capsys)["groups"] == [list(group) for group in plan.groups]
    again = run(repeat.lines[2], capsys)
    assert [tuple(row.values()) for row in again["metrics"]] == rows(result)


def test_a_plan_made_by_hand_is_given_along(trained, capsys, monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    collection, affinity, _, _ = trained
    names = collection.names
    plan = Grouping.of([names[:1], names[1:]])
    result = tv.train_groups(collection, plan, seed=3, device="cpu", epochs=2)
    repeat = repeat_commands(collection, affinity, plan, {"chosen": result})
    assert repeat.plan == plan
    assert "save the plan below as grouping.json first" in repeat.notes[0]
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    repeat.plan.save("grouping.json")
    again = run(repeat.lines[-1], capsys)
    assert [tuple(row.values()) for row in again["metrics"]] == rows(result)


def test_a_selection_of_tasks_is_named(trained) -> None:  # type: ignore[no-untyped-def]
    collection = trained[0].select(["Waist", "Pulse"])
    repeat = repeat_commands(collection)
    assert repeat.lines == ("python -m taskviz check linnerud --tasks Waist,Pulse",)
    assert repeat.notes == ()


def test_groups_without_training(trained, capsys) -> None:  # type: ignore[no-untyped-def]
    collection, affinity, plan, _ = trained
    (line,) = repeat_commands(collection, affinity, plan).lines
    assert run(line, capsys)["groups"] == [list(group) for group in plan.groups]


def test_an_affinity_alone(trained, capsys) -> None:  # type: ignore[no-untyped-def]
    collection, affinity, _, _ = trained
    (line,) = repeat_commands(collection, affinity).lines
    assert run(line, capsys)["values"] == affinity.values.tolist()


def test_other_matrices_have_commands_of_their_own(trained, capsys) -> None:  # type: ignore[no-untyped-def]
    collection, affinity, plan, _ = trained
    other = tv.compute_affinity(collection, "covariance-cosine", seed=1, device="cpu")
    first, second = repeat_commands(collection, affinity, plan, others=[other]).lines
    assert run(first, capsys)["values"] == other.values.tolist()
    assert run(second, capsys)["groups"] == [list(group) for group in plan.groups]


def test_an_imported_matrix_is_said(trained) -> None:  # type: ignore[no-untyped-def]
    collection, affinity, plan, _ = trained
    repeat = repeat_commands(collection, replace(affinity, method="imported"), plan)
    assert "came from elsewhere (imported)" in repeat.notes[0]
    assert repeat.plan == plan


def test_other_rows_than_the_built_in_are_said(trained, toy: TaskCollection) -> None:  # type: ignore[no-untyped-def]
    changed = trained[0].with_splits([trained[0].samples[0].split[::-1].copy()])
    assert "not linnerud as it comes" in repeat_commands(changed).notes[0]


def test_an_own_table_is_quoted(toy: TaskCollection) -> None:
    origin = Origin(
        "my data; rm -rf x.csv",
        targets=("a,b", "t 1"),
        split_seed=4,
        kinds=(("t 1", "regression"),),
        leave_out=(),
    )
    collection = replace(toy, origin=origin)
    (line,) = repeat_commands(collection).lines
    assert shlex.split(line)[3:] == [
        *("check", "my data; rm -rf x.csv", "--targets", '["a,b", "t 1"]'),
        *("--kind", "t 1=regression", "--leave-out", "", "--tasks", "t0,t1,t2,t3"),
        *("--split-seed", "4"),
    ]


def test_an_upload_is_explained(toy: TaskCollection) -> None:
    collection = replace(toy, origin=Origin("upload:" + "a" * 64, targets=toy.names))
    repeat = repeat_commands(collection)
    assert "was uploaded" in repeat.notes[0]
    assert "--tasks" not in repeat.lines[0]


def test_a_repeated_matrix_has_a_command_of_its_own(capsys, monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    collection = tv.load_collection("linnerud")
    affinity = tv.measure_reliability(collection, "random", repeats=3, seed=2, device="cpu")
    plan = tv.group_tasks(affinity, "spectral", budget=2, seed=2)
    repeat = repeat_commands(collection, affinity, plan)
    assert repeat.lines == (
        "python -m taskviz affinity linnerud --method random --repeats 3 --seed 2 "
        "--out affinity.json",
        "python -m taskviz group affinity.json --budget 2 --method spectral --seed 2 "
        "--out grouping.json",
    )
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = run(repeat.lines[0], capsys)
    assert found["values"] == affinity.values.tolist()
    assert found["reliability"]["grade"] == affinity.reliability["grade"]
    assert run(repeat.lines[1], capsys)["groups"] == [list(group) for group in plan.groups]
