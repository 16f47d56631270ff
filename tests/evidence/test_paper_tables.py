"""The paper's tables are made of real trainings, and say of themselves what they rest on."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import taskviz as tv
from benchmarks import paper
from taskviz.values import Grouping, Task, TaskCollection

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def small() -> dict:  # type: ignore[type-arg]
    data = tv.load_collection("digits", tasks=6)
    found = paper.measure(data, (2, 3), 2, paper.Setting(64, 2, epochs=1))
    return {
        "date": "2026-01-01",
        "machine": paper.machine(),
        "seeds": 2,
        "seconds": 61.0,
        "collections": {"digits": found},
        "left_out": {"linnerud": paper.unfit("linnerud")},
    }


def test_every_method_at_every_budget(small: dict) -> None:  # type: ignore[type-arg]
    rows = small["collections"]["digits"]["rows"]
    found = {(row["method"], row["models"]) for row in rows}
    expected = {(m.title, b) for m in paper.METHODS for b in (2, 3)}
    assert found == expected | {("All together", 1), ("Each alone", 6)}
    for row in rows:
        assert row["seeds"] == 2
        parts = row["choosing_seconds"] + row["training_seconds"]
        assert row["seconds"] == pytest.approx(parts)
        assert row["total_error_error"] >= 0
        assert row["training_seconds"] > 0
    cost = {row["method"]: row["choosing_seconds"] for row in rows}
    # Those train networks before they choose, this one draws lots.
    assert min(cost["Ours"], cost["HOA"]) > cost["Random"]


def test_a_cell_is_a_training_repeated_by_hand(small: dict) -> None:  # type: ignore[type-arg]
    from taskviz.affinity.seeds import repeat_seed
    from taskviz.data.splits import resplit

    data = tv.load_collection("digits", tasks=6)
    errors = []
    for number in range(2):
        seed = repeat_seed(0, number)
        split = resplit(data, seed)
        result = tv.train_groups(
            split, Grouping.of([data.names]), seed=seed, device="cpu", epochs=1, patience=0
        )
        test = split.samples[0].indices("test")
        probabilities = result.predict(data.samples[0].inputs[test])
        wrong = 0.0
        for task in data.names:
            true = split.target_of(data.index(task))[test, 0]
            values = np.asarray(probabilities[task])
            positive = values[:, -1] if values.ndim == 2 else values
            wrong += 100 * float(np.mean((positive > 0.5) != (true > 0.5)))
        errors.append(wrong)
    row = next(r for r in small["collections"]["digits"]["rows"] if r["models"] == 1)
    assert row["total_error"] == pytest.approx(np.mean(errors))
    assert row["total_error_error"] == pytest.approx(np.std(errors, ddof=1) / np.sqrt(2))


def test_what_the_commonest_class_gets_wrong() -> None:
    table, rng = tv.load_collection("digits", tasks=2), np.random.default_rng(0)
    assert paper.commonest_error(table) == pytest.approx(
        sum(
            100 * np.mean(table.target_of(i)[table.samples[0].indices("test"), 0] == 1)
            for i in range(2)
        )
    )
    numbers = TaskCollection.from_arrays(
        "numbers",
        rng.normal(size=(9, 2)),
        {"a": rng.normal(size=9)},
        [Task("a", "regression")],
        np.arange(9) % 3,
    )
    assert paper.commonest_error(numbers) is None


def test_the_document_says_what_it_rests_on(small: dict, tmp_path: Path) -> None:  # type: ignore[type-arg]
    paper.write(small, tmp_path / "paper.json", tmp_path / "paper.md")
    text = (tmp_path / "paper.md").read_text()
    for words in ("2026-01-01", "2 seeds", "cores", "python -m benchmarks paper", "linnerud"):
        assert words in text
    answer = small["collections"]["digits"]["commonest_error"]
    assert f"Always answering the commonest class: {answer:.2f}." in text
    row = next(r for r in small["collections"]["digits"]["rows"] if r["method"] == "TAG")
    assert f"{row['total_error']:.2f} ± {row['total_error_error']:.2f}" in text
    assert json.loads((tmp_path / "paper.json").read_text())["collections"]["digits"]["tasks"] == 6


def test_a_part_is_joined_to_what_a_file_has(small: dict, tmp_path: Path) -> None:  # type: ignore[type-arg]
    path = tmp_path / "paper.json"
    fresh = {"collections": {"yeast": {"tasks": 14}}, "left_out": {}, "seconds": 9.0}
    assert paper.joined(paper.before(path), fresh) == fresh
    paper.write(small, path, tmp_path / "paper.md")
    found = paper.joined(paper.before(path), fresh)
    assert list(found["collections"]) == ["yeast", "digits"]
    assert list(found["left_out"]) == ["linnerud"]
    assert found["seconds"] == 70.0
    assert not found["replaced"]
    # ``small`` is in the file: measured again, it replaces what is there.
    words = "with runs of tables that were replaced since"
    assert words not in (tmp_path / "paper.md").read_text(encoding="utf-8")
    twice = paper.joined(paper.before(path), small)
    assert twice["replaced"]
    assert f"2 minutes in all, beside other work, {words}." in paper.markdown(twice)
    assert paper.joined(twice, fresh)["replaced"]


def test_the_command_is_there() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks", "paper", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert "--budgets" in found.stdout
