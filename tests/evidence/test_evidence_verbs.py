"""Evidence and answers through verbs, jobs and terminal: kept, taken up again, the same bits."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import taskviz as tv
from taskviz.cache import Cache
from taskviz.cli import main
from taskviz.jobs.kinds import parse_spec
from taskviz.progress import SILENT, Progress
from taskviz.values import Cancelled, TaskCollection, TaskvizError
from taskviz.verbs import (
    evidence_key,
    read_affinity,
    read_answer,
    read_evidence,
    stored_answers,
    stored_evidence,
)

BRIEF = {"epochs": 3, "width": 8}
REF = {"reference": "linnerud"}


class Noted(Progress):
    """Keeps what is recorded; cancels once so many answers are there."""

    def __init__(self, cancel_after: int = 1000) -> None:
        self.points: list[dict[str, object]] = []
        self.cancel_after = cancel_after

    def record(self, point: object) -> None:
        self.points.append(dict(point))  # type: ignore[call-overload]

    def check(self) -> None:
        if len(self.points) >= self.cancel_after:
            raise Cancelled


@pytest.fixture
def five(toy_factory: Callable[..., TaskCollection]) -> TaskCollection:
    return toy_factory(n=120, kinds=("regression",) * 5)


class TestCompare:
    METHODS = ("random", "covariance-cosine", "surrogate")
    SMALL: ClassVar[dict[str, object]] = {"seeds": 2, "draws": 2, "budgets": (2, 3), **BRIEF}

    def test_twice_computes_once_and_reads_the_same(
        self, five: TaskCollection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache = Cache(tmp_path)
        first = tv.compare_estimators(five, self.METHODS, cache=cache, **self.SMALL)
        assert set(first.table["method"]) == set(self.METHODS)
        assert set(first.table["budget"]) == {"all", 2, 3}
        assert first.settings["training"]["width"] == 8
        assert first.settings["training"]["depth"] == 1

        def never(*_: object, **__: object) -> None:
            raise AssertionError("computed again")

        monkeypatch.setattr("taskviz.evidence.against_truth.measure_truth", never)
        again = tv.compare_estimators(five, self.METHODS, cache=cache, **self.SMALL)
        assert again.to_json() == first.to_json()
        key = evidence_key(five, self.METHODS, **self.SMALL)
        assert read_evidence(key, cache).to_json() == first.to_json()
        (kept,) = stored_evidence(five, cache)
        assert kept.key == key

    def test_what_was_estimated_comes_from_a_real_fit(
        self, five: TaskCollection, tmp_path: Path
    ) -> None:
        cache = Cache(tmp_path)
        found = tv.compare_estimators(five, self.METHODS, cache=cache, **self.SMALL)
        rows = found.table.set_index(["method", "overlap", "budget"])
        assert int(rows.loc[("surrogate", False, "all"), "networks"]) == 5 * 10
        assert int(rows.loc[("covariance-cosine", False, "all"), "networks"]) == 0
        # estimators keep to caches of their own: none is free because another trained its networks
        assert (tmp_path / "estimates" / "surrogate").is_dir()
        assert rows.loc[("surrogate", False, "all"), "seconds"] > 0

    def test_the_job_is_the_verb(self, tmp_path: Path) -> None:
        cache = Cache(tmp_path)
        spec = parse_spec(
            "evidence",
            {
                "collection": REF,
                "methods": ["random"],
                "seeds": 2,
                "draws": 1,
                "budgets": [2],
                "options": BRIEF,
            },
        )
        assert spec.to_json()["options"]["depth"] == 1
        key = spec.run("cpu", SILENT, cache)["evidence"]
        assert read_evidence(key, cache).collection == "linnerud"

    @pytest.mark.parametrize(
        ("entries", "words"),
        [
            ({"methods": "sca"}, "list"),
            ({"methods": ["nonsense"]}, "Unknown affinity method"),
            ({"seeds": 1}, "'seeds'"),
            ({"budgets": [0]}, "'budgets'"),
            ({"options": {"n": 1}}, "Unknown option"),
        ],
    )
    def test_a_bad_job_is_one_sentence(self, entries: dict[str, object], words: str) -> None:
        with pytest.raises(TaskvizError, match=words):
            parse_spec("evidence", {"collection": REF, **entries})

    def test_too_few_tasks_are_told(self, toy: TaskCollection, tmp_path: Path) -> None:
        with pytest.raises(TaskvizError, match="3 tasks"):
            tv.compare_estimators(toy.select(2), ["random"], cache=Cache(tmp_path), **BRIEF)

    def test_a_key_without_evidence_is_told(self, tmp_path: Path) -> None:
        for key in ("0" * 64, "../x"):
            with pytest.raises(TaskvizError, match="not stored any more"):
                read_evidence(key, Cache(tmp_path))


class TestAnswer:
    def test_each_round_is_told_kept_and_read(self, five: TaskCollection, tmp_path: Path) -> None:
        cache, progress, heard = Cache(tmp_path), Noted(), []
        answer = tv.does_grouping_matter(
            five,
            rounds=3,
            cache=cache,
            progress=progress,
            on_round=lambda key, each: heard.append((key, each.rounds)),
            **BRIEF,
        )
        points = [point for point in progress.points if point.get("metric") == "answer"]
        assert [point["round"] for point in points] == [1, 2, 3]
        assert [point["answer"] for point in points] == [key for key, _ in heard]
        assert read_answer(str(points[-1]["answer"]), cache).to_json() == answer.to_json()
        assert [kept.answer.rounds for kept in stored_answers(five, cache)] == [3, 2, 1]
        first = read_answer(str(points[0]["answer"]), cache)
        assert first.check_networks < answer.check_networks

    def test_a_cancel_keeps_the_answers_and_more_rounds_go_on(
        self, five: TaskCollection, tmp_path: Path
    ) -> None:
        cache = Cache(tmp_path)
        with pytest.raises(Cancelled):
            tv.does_grouping_matter(
                five, rounds=4, cache=cache, progress=Noted(cancel_after=2), **BRIEF
            )
        kept = stored_answers(five, cache)
        assert [entry.answer.rounds for entry in kept] == [2, 1]
        again = tv.does_grouping_matter(five, rounds=2, cache=cache, **BRIEF)
        assert again.to_json() == kept[0].answer.to_json(), "read, not asked again"
        whole = tv.does_grouping_matter(five, rounds=3, cache=cache, **BRIEF)
        alone = tv.does_grouping_matter(five, rounds=3, cache=Cache(tmp_path / "other"), **BRIEF)
        same = ("verdict", "plans", "reliability", "contrasts", "probability")
        for name in same:
            if name == "plans":
                assert {b: p.groups for b, p in whole.plans.items()} == {
                    b: p.groups for b, p in alone.plans.items()
                }
            else:
                assert repr(getattr(whole, name)) == repr(getattr(alone, name))

    def test_the_recommendation_is_that_of_the_answer(
        self, five: TaskCollection, tmp_path: Path
    ) -> None:
        cache = Cache(tmp_path)
        found = tv.recommend(five, rounds=2, cache=cache, **BRIEF)
        answer = tv.does_grouping_matter(five, rounds=2, cache=cache, **BRIEF)
        assert len(found.sentences) == 2
        assert found.budget == answer.budget
        assert found.grouping.groups == answer.grouping.groups
        covered = {task for group in found.grouping.groups for task in group}
        assert covered == set(five.names)

    def test_the_job_leaves_an_answer_and_a_matrix(self, tmp_path: Path) -> None:
        cache = Cache(tmp_path)
        spec = parse_spec("answer", {"collection": REF, "rounds": 2, "options": BRIEF})
        assert spec.title == "Does grouping matter in linnerud?"
        result = spec.run("cpu", SILENT, cache)
        assert read_answer(result["answer"], cache).rounds == 2
        matrix = read_affinity(result["affinity"], cache)
        assert matrix.method == "pooled-surrogate"
        assert matrix.options["seeds"] == 2

    @pytest.mark.parametrize(
        ("entries", "words"),
        [
            ({"rounds": 0}, "'rounds'"),
            ({"seconds": "soon"}, "'seconds'"),
            ({"seconds": 0}, "'seconds'"),
            ({"most_models": 1}, "'most_models'"),
            ({"worth": 2}, "'worth'"),
            ({"options": {"m": 1}}, "Unknown option"),
        ],
    )
    def test_a_bad_job_is_one_sentence(self, entries: dict[str, object], words: str) -> None:
        with pytest.raises(TaskvizError, match=words):
            parse_spec("answer", {"collection": REF, **entries})

    @pytest.mark.parametrize(
        "settings", [{"rounds": 0}, {"rounds": True}, {"worth": 1.5}, {"seconds": -1.0}]
    )
    def test_bad_settings_are_told(self, five: TaskCollection, settings: dict[str, object]) -> None:
        # Each by itself: the one that is right is not spoken of.
        (name,) = settings
        with pytest.raises(TaskvizError, match=f"^The setting '{name}'[^']* is needed.$"):
            tv.does_grouping_matter(five, **settings)  # type: ignore[arg-type]

    def test_two_tasks_are_told(self, toy: TaskCollection) -> None:
        with pytest.raises(TaskvizError, match="3 to"):
            tv.does_grouping_matter(toy.select(2), **BRIEF)


class TestTerminal:
    @pytest.fixture(autouse=True)
    def own_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path))

    def test_evidence(self, capsys: pytest.CaptureFixture[str]) -> None:
        words = ["evidence", "digits", "--tasks", "4", "--seeds", "2", "--draws", "1"]
        words += ["--methods", "random,covariance-cosine", "--budgets", "2,3", "--epochs", "1"]
        assert main([*words, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["settings"]["seeds"] == 2
        assert {row["method"] for row in found["table"]} == {"random", "covariance-cosine"}
        assert all(np.isfinite(row["oracle"]) for row in found["oracle"])
        assert read_evidence(found["key"]).seconds == found["seconds"]
        assert main(words) == 0
        out = capsys.readouterr().out
        assert "Estimators against truth on digits" in out
        assert "oracle" in out

    def test_recommend(self, capsys: pytest.CaptureFixture[str]) -> None:
        words = ["recommend", "digits", "--tasks", "4", "--rounds", "2", "--epochs", "1"]
        assert main([*words, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert len(found["sentences"]) == 2
        assert found["answer"]["rounds"] == 2
        assert found["measured"] is True
        assert found["guess"]["measured"] is False
        assert main(words) == 0
        out = capsys.readouterr().out.splitlines()
        assert out[:2] == found["guess"]["sentences"]
        assert out[-2:] == found["sentences"]
        assert main([*words, "--guess", "--json"]) == 0
        again = json.loads(capsys.readouterr().out)
        for name in ("method", "groups", "gain", "low", "high", "sentences"):
            assert again[name] == found["guess"][name]

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["evidence", "digits", "--budgets", "two"], "--budgets"),
            (["evidence", "digits", "--methods", "x"], "Unknown affinity method"),
            (["evidence", "digits", "--epoch", "3"], "Unknown option"),
            (["recommend", "digits", "--m", "3"], "Unknown option"),
        ],
    )
    def test_bad_words_are_one_sentence(
        self, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(words) == 2
        assert told in capsys.readouterr().err
