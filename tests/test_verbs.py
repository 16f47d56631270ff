"""The public Python: each step alone, and the way through."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import taskviz as tv
from taskviz import verbs
from taskviz.affinity.base import Estimator, Outcome
from taskviz.cache import Cache
from taskviz.progress import Progress
from taskviz.values import AffinityMatrix, Cancelled, Grouping, SubsetTable, TaskvizError
from taskviz.values.options import option

ROOT = Path(__file__).resolve().parent.parent
FAST = {"epochs": 3, "width": 8}


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


class Noted(Progress):
    def __init__(self):
        self.stages, self.messages, self.points, self.done = [], [], [], 0.0

    def begin(self, title, units):
        self.stages.append(title)
        self.units = units

    def advance(self, units=1.0, message=""):
        self.done += units
        self.messages.append(message)

    def record(self, point):
        self.points.append(dict(point))


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout


@dataclass(frozen=True)
class ToldOptions:
    level: int = option(1, "Nothing.")


class Told(Estimator):
    """Measures nothing; says what every estimator may say."""

    name, title, source, summary, unit = "told", "Told", "here", "a test", "none"
    Options = ToldOptions

    def measure(self, collection, context):
        size = len(collection.tasks)
        membership = np.eye(size, dtype=bool)
        losses = np.where(membership, 0.1 + 0.2, np.nan)
        table = SubsetTable(
            collection.names,
            membership,
            losses,
            np.ones(size),
            np.arange(size),
            split="test",
            estimated=True,
        )
        state = {"weights": np.arange(6, dtype=np.float32).reshape(2, 3).T}
        return Outcome(np.eye(size), table=table, state=state)


class TestPackage:
    def test_importing_it_loads_no_heavy_library(self):
        code = (
            "import sys, taskviz; heavy = ['torch', 'pandas', 'numpy', 'plotly', 'streamlit', "
            "'sklearn', 'sqlite3', 'typer']; print([name for name in heavy if name in sys.modules])"
        )
        assert run_python(code).strip() == "[]"

    def test_its_verbs_load_neither_torch_nor_pandas(self):
        code = (
            "import sys, taskviz; taskviz.load_collection; "
            "print([name for name in ('torch', 'pandas', 'plotly', 'streamlit') "
            "if name in sys.modules])"
        )
        assert run_python(code).strip() == "[]"

    def test_it_hands_on_the_verbs(self):
        assert {
            "compare_groupings",
            "compute_affinity",
            "group_tasks",
            "load_collection",
            "load_result",
            "train_groups",
            "write_report",
        } <= set(dir(tv))
        assert all(hasattr(tv, name) for name in dir(tv))
        assert tv.compute_affinity is verbs.compute_affinity
        with pytest.raises(AttributeError, match="no attribute 'affinity_of'"):
            tv.affinity_of  # noqa: B018

    def test_its_types_tell_the_same_names(self):
        stub = (ROOT / "taskviz" / "__init__.pyi").read_text()
        named = set(re.findall(r"(\w+) as \1", stub))
        assert named == set(dir(tv)) - {"__version__"}

    def test_its_version_is_the_projects(self):
        project = (ROOT / "pyproject.toml").read_text()
        assert f'\nversion = "{tv.__version__}"\n' in project


MATRIX = AffinityMatrix(np.eye(3), ("a", "b", "c"), "planted")


class TestWrongArguments:
    """What is no value of the package is told in one sentence, before anything is computed."""

    @pytest.mark.parametrize(
        ("call", "told"),
        [
            (lambda toy: tv.compute_affinity("yeast"), "collection is 'yeast': what taskviz.load"),
            (lambda toy: tv.measure_reliability("yeast"), "collection is 'yeast'"),
            (lambda toy: tv.does_grouping_matter("yeast"), "collection is 'yeast'"),
            (lambda toy: tv.compare_estimators("yeast"), "collection is 'yeast'"),
            (lambda toy: tv.write_report(collection="yeast", path="r.html"), "collection is 'yea"),
            (lambda toy: tv.compute_affinity(toy, seed=-1), "seed is -1: a whole number from 0 on"),
            (lambda toy: tv.compute_affinity(toy, seed="a"), "seed is 'a': a whole number"),
            (lambda toy: tv.group_tasks(np.eye(3), budget=2), "affinity is of type ndarray"),
            (lambda toy: tv.group_tasks(MATRIX), "budget is missing: a number that says how many"),
            (lambda toy: tv.group_tasks(MATRIX, budget="2"), "budget is '2': a number"),
            (lambda toy: tv.group_tasks(MATRIX, budget=2, seed="a"), "seed is 'a'"),
            (lambda toy: tv.train_groups(toy, [["t0"], ["t1"]]), "grouping is of type list: what"),
            (lambda toy: tv.train_groups(Grouping.of([["t0"]]), toy), "collection is of type Grou"),
            (lambda toy: tv.train_groups(toy, Grouping.of([["t0"]]), seed="a"), "seed is 'a'"),
            (lambda toy: tv.train_groups(toy, Grouping.of([["t0"]]), seeds=["a"]), "seeds is 'a'"),
            (lambda toy: tv.compare_groupings(toy, {"x": [["t0"]]}), "Grouping 'x' is of type li"),
            (lambda toy: tv.compare_groupings(toy, Grouping.of([["t0"]])), "groupings is of type"),
            (lambda toy: tv.compare_groupings(toy, {}, weighting=3), "weighting is 3: a name"),
            (lambda toy: tv.compute_affinity(toy, 3), "Unknown affinity method 3"),
            (lambda toy: tv.compare_estimators(toy, "sca"), r"methods is .* such as \['sca'\]"),
            (lambda toy: tv.compare_estimators(toy, seeds="a"), "'seeds' is 'a'"),
            (lambda toy: tv.compare_estimators(toy, budgets=2), "'budgets' is 2: a list"),
            (lambda toy: tv.write_report(collection=toy, path=None), "report is missing: a path"),
            (
                lambda toy: tv.write_report(collection=toy, affinities=MATRIX, path="r.html"),
                "affinities is of type AffinityMatrix: a list of matrices",
            ),
            (
                lambda toy: tv.write_report(collection=toy, results=[MATRIX], path="r.html"),
                "One of the results is of type AffinityMatrix: a list of training results",
            ),
            (lambda toy: MATRIX.save(None), "file is missing: a path"),
            (lambda toy: AffinityMatrix.read(None), "file is missing: a path"),
            (lambda toy: Grouping.of(["ab"]), r"A group is the text 'ab'"),
            (lambda toy: toy.select("t0"), "selection is the text 't0'"),
            (lambda toy: tv.load_result(None), "folder is missing: a path is needed"),
            (lambda toy: tv.load_collection(pd.DataFrame()), "collection is of type DataFrame"),
            (lambda toy: tv.load_collection("my.csv", targets="ta,tb"), r"such as \['ta', 'tb'\]"),
            (lambda toy: tv.load_collection("yeast", tasks="ta"), r"'tasks' is the text 'ta'"),
            (lambda toy: tv.load_collection("my.csv", leave_out=3), "'leave_out' is 3: a list"),
            (lambda toy: tv.load_collection("my.csv", kinds="ta"), "'kinds' is 'ta': a dictionary"),
        ],
    )
    def test_is_one_sentence(self, toy, call, told):
        with pytest.raises(tv.TaskvizError, match=told) as error:
            call(toy)
        assert str(error.value).endswith(".")

    def test_a_result_needs_a_folder(self, toy, cache):
        grouping = Grouping.of([toy.names])
        result = tv.train_groups(toy, grouping, epochs=1, width=4, cache=cache)
        with pytest.raises(tv.TaskvizError, match="folder is missing: a path is needed"):
            result.save(None)

    def test_numbers_of_numpy_are_numbers(self, toy, cache):
        one, two = (
            tv.compute_affinity(toy, n=5, seed=seed, cache=cache) for seed in (1, np.int64(1))
        )
        np.testing.assert_array_equal(one.values, two.values)
        assert tv.group_tasks(MATRIX, "random", budget=np.int64(2)).cost <= 2


class TestLoading:
    def test_names_and_a_number_of_tasks(self, cache):
        first = tv.load_collection("linnerud", tasks=2, cache=cache)
        assert first.names == ("Weight", "Waist")
        assert tv.load_collection("linnerud", tasks=["Pulse", "Weight"]).names == (
            "Pulse",
            "Weight",
        )

    def test_a_table_with_its_targets(self, tmp_path):
        rng = np.random.default_rng(0)
        rows = [f"{a},{b},{a + b},{int(a > b)}" for a, b in rng.normal(size=(40, 2))]
        path = tmp_path / "mine.csv"
        path.write_text("a,b,total,more\n" + "\n".join(rows))
        collection = tv.load_collection(str(path), targets=["total", "more"], split_seed=3)
        assert [task.kind for task in collection.tasks] == ["regression", "binary"]
        assert tv.load_collection(path, targets=["total", "more"]).n == 40

    def test_an_unknown_name_is_told(self):
        with pytest.raises(TaskvizError, match="'yeast'"):
            tv.load_collection("yeats")
        with pytest.raises(TaskvizError, match="it has 3"):
            tv.load_collection("linnerud", tasks=4)


class TestAffinity:
    def test_twice_gives_the_same_bits_and_computes_once(self, toy, cache):
        first = tv.compute_affinity(toy, "sca", n=20, cache=cache)
        progress = Noted()
        second = tv.compute_affinity(toy, "sca", n=20, cache=cache, progress=progress)
        assert first.to_json() == second.to_json()  # the measured seconds too
        assert progress.messages == ["read from the cache"]
        fresh = tv.compute_affinity(toy, "sca", n=20, cache=cache, use_cache=False)
        np.testing.assert_array_equal(fresh.values, first.values)

    def test_what_changes_a_result_changes_its_key(self, toy, toy_factory):
        keys = [
            verbs.affinity_key(toy, "sca"),
            verbs.affinity_key(toy, "sca", seed=1),
            verbs.affinity_key(toy, "sca", n=20),
            verbs.affinity_key(toy.select(3), "sca"),
            verbs.affinity_key(toy_factory(seed=1), "sca"),
        ]
        assert len(set(keys)) == len(keys)
        assert verbs.affinity_key(toy, "sca", n="100") == keys[0]

    def test_the_key_finds_the_matrix(self, toy, cache):
        matrix = tv.compute_affinity(toy, "sca", n=20, cache=cache)
        key = verbs.affinity_key(toy, "sca", n=20)
        assert verbs.read_affinity(key, cache).to_json() == matrix.to_json()
        assert [found.key for found in verbs.stored_affinities(toy, cache)] == [key]
        assert verbs.stored_affinities(toy.select(2), cache) == []
        assert len(verbs.stored_affinities(None, cache)) == 1

    @pytest.mark.parametrize("key", ["f" * 64, "../../../etc", ""])
    def test_a_key_without_a_matrix_is_told(self, cache, key):
        with pytest.raises(TaskvizError, match="compute it again"):
            verbs.read_affinity(key, cache)

    def test_a_damaged_matrix_is_computed_again(self, toy, cache):
        first = tv.compute_affinity(toy, "sca", n=20, cache=cache)
        key = verbs.affinity_key(toy, "sca", n=20)
        path = cache.folder("affinity", key) / "matrix.json"
        path.write_text(path.read_text().replace("1.0", "2.0", 1))
        again = tv.compute_affinity(toy, "sca", n=20, cache=cache)
        np.testing.assert_array_equal(first.values, again.values)
        assert len(list((cache.root / "damaged").iterdir())) == 1

    def test_table_and_state_of_an_estimator_come_back(self, toy, cache, monkeypatch):
        monkeypatch.setattr("taskviz.affinity.make_estimator", lambda name, **given: Told(**given))
        measured = verbs.fit_estimator(toy, "told", cache=cache)
        again = verbs.fit_estimator(toy, "told", cache=cache)
        assert again is not measured
        table, same = measured.table_, again.table_
        assert (same.tasks, same.split, same.estimated) == (table.tasks, "test", True)
        for name in ("membership", "losses", "cost", "seeds"):
            np.testing.assert_array_equal(getattr(same, name), getattr(table, name))
        np.testing.assert_array_equal(again.state_["weights"], measured.state_["weights"])
        assert again.predict(["t0", "t1"]) == measured.predict(["t0", "t1"])

    def test_unknown_words_are_told(self, toy):
        with pytest.raises(TaskvizError, match="Unknown affinity method"):
            tv.compute_affinity(toy, "scaa")
        with pytest.raises(TaskvizError, match="Unknown option"):
            tv.compute_affinity(toy, "sca", samples=3)
        with pytest.raises(TaskvizError, match="Device"):
            tv.compute_affinity(toy, "sca", device="abacus")


class TestGrouping:
    def test_groups_under_a_budget(self):
        values = np.kron(np.eye(2), np.ones((2, 2)))
        matrix = AffinityMatrix(values, ("a", "b", "c", "d"), "planted")
        made = tv.group_tasks(matrix, "random", budget=2, seed=1)
        assert sorted(made.tasks) == ["a", "b", "c", "d"]
        assert made.cost <= 2
        assert tv.group_tasks(matrix, "random", budget=2, seed=1).groups == made.groups

    def test_a_frontier_over_all_budgets(self):
        matrix = AffinityMatrix(np.eye(3), ("a", "b", "c"), "planted")
        assert [len(g.groups) for g in verbs.group_frontier(matrix, "random")] == [1, 2, 3]
        chosen = verbs.group_frontier(matrix, "random", budgets=[2])
        assert [g.budget for g in chosen] == [2]

    def test_contenders_are_the_same_for_the_same_seed(self, toy):
        chosen = Grouping.of([["t0", "t3"], ["t1", "t2"]], budget=2)
        found = verbs.contenders(toy, None, chosen, random_draws=2, seed=5)
        assert list(found) == ["chosen", "all-together", "all-separate", "random 1", "random 2"]
        assert found["chosen"] is chosen
        assert found["all-together"].groups == (("t0", "t1", "t2", "t3"),)
        assert len(found["all-separate"].groups) == 4
        assert all(len(found[f"random {i}"].groups) == 2 for i in (1, 2))
        again = verbs.contenders(toy, None, chosen, random_draws=2, seed=5)
        assert [g.groups for g in again.values()] == [g.groups for g in found.values()]

    def test_tasks_of_another_collection_are_named(self, toy):
        strange = Grouping.of([["t0", "weight"], ["waist"]])
        with pytest.raises(TaskvizError, match=r"Task 'weight' of the grouping .* 'toy'"):
            verbs.contenders(toy, None, strange)
        matrix = AffinityMatrix(np.eye(2), ("t0", "pulse"), "planted")
        with pytest.raises(TaskvizError, match="Task 'pulse' of the affinity matrix"):
            verbs.contenders(toy, matrix, Grouping.of([["t0"]]))
        with pytest.raises(TaskvizError, match="Task 'weight'"):
            tv.train_groups(toy, strange)


class TestTraining:
    GROUPS = Grouping.of([["t0", "t3"], ["t1", "t2"]])

    def test_train_store_and_read_again(self, toy, cache, tmp_path):
        result = tv.train_groups(toy, self.GROUPS, "equal", 1, "cpu", cache=cache, **FAST)
        assert set(result.served()["task"]) == {"t0", "t1", "t2", "t3"}
        progress = Noted()
        again = tv.train_groups(
            toy, self.GROUPS, seed=1, device="cpu", cache=cache, progress=progress, **FAST
        )
        assert progress.messages == ["read from the cache"]
        assert again.metrics.equals(result.metrics)
        key = verbs.training_key(toy, self.GROUPS, "equal", 1, "cpu", **FAST)
        inputs = toy.samples[0].inputs[:5]
        expected = result.predict(inputs)
        folder = result.save(tmp_path / "result")
        assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}
        for found in (verbs.read_training(key, cache), tv.load_result(folder)):
            for task, values in found.predict(inputs).items():
                np.testing.assert_array_equal(values, expected[task])

    def test_stored_trainings_tell_what_was_trained(self, toy, cache):
        tv.train_groups(toy, self.GROUPS, device="cpu", cache=cache, **FAST)
        (found,) = verbs.stored_trainings(toy, cache)
        assert found.key == verbs.training_key(toy, self.GROUPS, device="cpu", **FAST)
        assert found.grouping == self.GROUPS
        assert found.settings["options"]["epochs"] == 3
        assert verbs.stored_trainings(toy.select(2), cache) == []

    def test_a_comparison_trains_what_is_new_only(self, toy, cache):
        groupings = verbs.contenders(toy, None, self.GROUPS, random_draws=1)
        tv.train_groups(toy, self.GROUPS, device="cpu", cache=cache, **FAST)
        progress = Noted()
        results = tv.compare_groupings(
            toy, groupings, device="cpu", cache=cache, progress=progress, **FAST
        )
        assert list(results) == list(groupings)
        # What was there is told too: curves of it are shown beside the new ones.
        told = {p["contender"] for p in progress.points}
        assert "chosen" in told
        assert told <= set(groupings)
        assert progress.done == pytest.approx(progress.units)
        for label, result in results.items():
            assert result.grouping.groups == groupings[label].groups

    def test_the_same_groups_by_another_method_keep_their_own_name(self, toy, cache):
        one = Grouping.of([toy.names], method="gat-gmm")
        other = Grouping.of([toy.names], method="all-together")
        for grouping in (one, other):
            found = tv.train_groups(toy, grouping, device="cpu", cache=cache, **FAST)
            assert found.grouping.method == grouping.method
        assert len(list(cache.entries("network"))) == 1  # trained once all the same

    def test_without_the_cache_nothing_is_stored(self, toy, cache):
        tv.train_groups(toy, self.GROUPS, device="cpu", cache=cache, use_cache=False, **FAST)
        assert not cache.root.exists()

    @pytest.mark.parametrize(
        ("options", "words"),
        [({"epoch": 3}, "Unknown option"), ({"weighting": "heavy"}, "weighting")],
    )
    def test_unknown_words_are_told(self, toy, cache, options, words):
        with pytest.raises(TaskvizError, match=words):
            tv.train_groups(toy, self.GROUPS, cache=cache, **options)

    @pytest.mark.parametrize("key", ["f" * 64, "../x", ""])
    def test_a_key_without_a_result_is_told(self, cache, key):
        with pytest.raises(TaskvizError, match="train the groups again"):
            verbs.read_training(key, cache)


def test_the_whole_way_to_a_report(toy, cache, tmp_path):
    matrix = tv.compute_affinity(toy, "sca", n=20, device="cpu", cache=cache)
    grouping = tv.group_tasks(matrix, "gat-gmm", budget=2)
    result = tv.train_groups(toy, grouping, device="cpu", cache=cache, **FAST)
    path = tv.write_report(
        collection=toy,
        affinities=[matrix],
        groupings=[grouping],
        results=[result],
        path=tmp_path / "report.html",
    )
    assert path.read_text().startswith("<!")
    with pytest.raises(TaskvizError, match="Task 't3'"):
        tv.write_report(collection=toy.select(3), affinities=[matrix], path=tmp_path / "no.html")
    assert not (tmp_path / "no.html").exists()


def test_a_frontier_is_computed_once_and_can_be_left(tmp_path):
    class Leave(Progress):
        def check(self):
            raise Cancelled

    cache = Cache(tmp_path)
    a = AffinityMatrix(np.random.default_rng(0).normal(size=(6, 6)), tuple("abcdef"), "noise")
    with pytest.raises(Cancelled):
        verbs.kept_frontier(a, "selection", [1, 2, 3], cache=cache, progress=Leave())
    found = verbs.kept_frontier(a, "selection", [1, 2, 3], cache=cache)
    # Read, not made again: nobody asks whether to stop.
    again = verbs.kept_frontier(a, "selection", [1, 2, 3], cache=cache, progress=Leave())
    assert [g.to_json() for g in again] == [g.to_json() for g in found]
    other = verbs.kept_frontier(a, "selection", [1, 2, 3], cache=cache, overlap=False)
    assert other[2].options != found[2].options
