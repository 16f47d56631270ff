"""Does grouping matter: a planted structure must be found, shuffled labels must not convince."""

from dataclasses import replace

import numpy as np
import pytest

from taskviz.affinity import make_estimator
from taskviz.engines import RunContext
from taskviz.evidence import Answer, AskOptions, ask, recommend
from taskviz.evidence.answer import Contrast
from taskviz.evidence.contrasts import call_level, contrast_of, verdict_of, what_it_takes
from taskviz.grouping.selection import Selection
from taskviz.training.subsets import SubsetOptions
from taskviz.values import TaskCollection, TaskvizError

from .conftest import FAMILIES, two_families


@pytest.fixture(scope="module")
def told(narrow: SubsetOptions) -> list[Answer]:
    seen: list[Answer] = []
    options = AskOptions(rounds=3, most_models=3)
    last = ask(two_families(), narrow, options, RunContext(), seen.append)
    assert seen[-1] is last
    return seen


def as_sets(groups: tuple[tuple[str, ...], ...]) -> set[frozenset[str]]:
    return {frozenset(group) for group in groups}


def test_planted_families_are_found_and_told(told: list[Answer]) -> None:
    answer = told[-1]
    assert answer.verdict == "yes"
    assert as_sets(answer.plans[2].groups) == {frozenset(family) for family in FAMILIES}
    whole = answer.contrast("all-together", 2)
    assert whole is not None
    assert whole.verdict == "yes"
    assert whole.gain > 0.1
    assert answer.probability > 0.99
    assert answer.reliability > 0.8


def test_two_families_need_two_models(told: list[Answer]) -> None:
    assert told[-1].budget == 2
    advice = recommend(told[-1])
    assert advice.measured
    assert "Train 2 models" in advice.sentences[0]
    assert "Nothing measured speaks for more" not in advice.sentences[0]
    assert advice.low > 0


@pytest.mark.parametrize(
    ("low", "words"),
    [(0.003, "It is not settled that more"), (-0.003, "Nothing measured speaks for more")],
)
def test_what_is_not_called_is_not_denied(told: list[Answer], low: float, words: str) -> None:
    unsure = tuple(
        replace(c, verdict="cannot tell", gain=0.016, low=low, high=0.029)
        if c.reference == "all-together"
        else c
        for c in told[-1].contrasts
    )
    first = recommend(replace(told[-1], contrasts=unsure)).sentences[0]
    assert first.startswith(words)
    assert "predicted to lower" not in first


def test_every_round_rests_on_more(told: list[Answer]) -> None:
    assert [answer.rounds for answer in told] == [1, 2, 3]
    assert [answer.design_networks for answer in told] == [12, 24, 36]
    checks = [answer.check_networks for answer in told]
    assert checks == sorted(checks)
    assert [answer.contrasts[0].seeds for answer in told] == [3, 4, 5]


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("covariance-cosine", {}),
        ("gradient-cosine", {"width": 1, "depth": 1, "activation": "tanh"}),
        ("surrogate", {}),
        ("pooled-surrogate", {}),
        ("exhaustive", {"seeds": 2}),
    ],
)
def test_estimators_find_the_planted_families(
    method: str, options: dict[str, object], narrow: SubsetOptions
) -> None:
    if method in ("surrogate", "pooled-surrogate", "exhaustive"):
        options = {**vars(narrow), **options}
    estimator = make_estimator(method, **options).fit(two_families(), RunContext())
    plan = Selection(overlap=False).group(estimator, 2.0)  # type: ignore[arg-type]
    assert as_sets(plan.groups) == {frozenset(family) for family in FAMILIES}


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_labels_do_not_convince(seed: int, narrow: SubsetOptions) -> None:
    collection = two_families(seed=seed, shuffled=True)
    answer = ask(collection, narrow, AskOptions(rounds=3, most_models=3), RunContext(seed))
    assert answer.verdict in ("no", "cannot tell")
    if answer.budget > 1:
        assert "Nothing measured speaks for more" in recommend(answer).sentences[0]


def test_the_same_question_gets_the_same_answer(narrow: SubsetOptions) -> None:
    options = AskOptions(rounds=1, most_models=2, random_plans=1)
    first, second = (
        {**ask(two_families(200), narrow, options, RunContext(4)).to_json(), "seconds": 0}
        for _ in range(2)
    )
    for answer in (first, second):
        answer["more"] = ""
        for plan in [answer["grouping"], *answer["plans"].values()]:
            plan["seconds"] = 0
    assert first == second


def test_an_answer_survives_json(told: list[Answer], tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = told[0].save(tmp_path / "answer.json")
    assert Answer.read(path).to_json() == told[0].to_json()
    (tmp_path / "wrong.json").write_text("{}")
    with pytest.raises(TaskvizError, match="no saved answer"):
        Answer.read(tmp_path / "wrong.json")


def test_verdicts_follow_the_interval() -> None:
    sure = np.array([0.020, 0.021, 0.022, 0.020, 0.021])
    assert verdict_of(sure, 0.005) == "yes"
    assert verdict_of(-sure, 0.005) == "no"
    assert verdict_of(sure / 1e4, 0.005) == "yes"
    assert verdict_of(np.array([0.1, -0.1, 0.05]), 0.005) == "cannot tell"
    assert verdict_of(sure[:2], 0.005) == "cannot tell"
    assert contrast_of("random", 2, np.array([np.nan, np.nan]), 0.005).seeds == 0


@pytest.mark.parametrize(
    ("reliability", "seeds", "most"),
    [(float("nan"), 7, 0.02), (0.0, 7, 0.02), (0.9, 7, 0.08), (0.9, 27, 0.10)],
)
def test_false_calls_are_rare_where_there_is_nothing(
    reliability: float, seeds: int, most: float
) -> None:
    """Noise, looked at from the third check seed on; strict where looks are many."""
    rng = np.random.default_rng(0)
    calls = 0
    for _ in range(500):
        gains = 0.02 * rng.normal(size=seeds)
        calls += any(
            verdict_of(gains[:k], 0.005, call_level(reliability, k)) == "yes"
            for k in range(3, seeds + 1)
        )
    assert calls / 500 < most


def test_two_tasks_cannot_be_asked(narrow: SubsetOptions) -> None:
    pair: TaskCollection = two_families(100).select(2)
    with pytest.raises(TaskvizError, match="3 to 40 tasks"):
        ask(pair, narrow, AskOptions(), RunContext())


def test_the_time_of_more_seeds_is_that_of_trained_networks() -> None:
    open_still = Contrast("random", 0, 0.01, -0.01, 0.03, "cannot tell", 4)
    gains = np.array([0.03, -0.01, 0.02, 0.0])
    told = what_it_takes(open_still, gains, 0.005, 40, 0.5)
    # Ten networks a seed, half a second each.
    seeds = int(told.split()[1])
    assert told.endswith(f"({10 * seeds} networks to check, about {5 * seeds} s here).")
    assert what_it_takes(open_still, gains, 0.005, 40, None).endswith(
        f"({10 * seeds} networks to check)."
    )
