"""What holds for every registered estimator."""

from collections.abc import Callable

import numpy as np
import pytest

from taskviz.affinity import ESTIMATORS, estimator_class, make_estimator
from taskviz.affinity.base import Estimator
from taskviz.engines import RunContext
from taskviz.progress import Progress
from taskviz.values import Cancelled, TaskCollection, TaskvizError, option_defaults

BRIEF = {"epochs": 3, "width": 16, "inits": 2, "dimension": 24}
JOINT = [name for name in ESTIMATORS if name != "discrepancy"]


def brief(name: str) -> Estimator:
    """With options that keep it short, of those it has."""
    known = estimator_class(name).Options.__dataclass_fields__
    return make_estimator(name, **{k: v for k, v in BRIEF.items() if k in known})


class Watcher(Progress):
    """Adds up the shares of one top-level stage."""

    def __init__(self, cancel: bool = False) -> None:
        self.units, self.done, self.cancel = 1.0, 0.0, cancel

    def begin(self, title: str, units: float) -> None:
        self.units, self.done = max(units, 1e-12), 0.0

    def advance(self, units: float = 1.0, message: str = "") -> None:
        self.done += units

    def check(self) -> None:
        if self.cancel:
            raise Cancelled


@pytest.mark.parametrize("name", ESTIMATORS)
def test_runs_on_mixed_kinds_with_missing_labels_and_repeats_bit_for_bit(
    name: str, toy_factory: Callable[..., TaskCollection]
) -> None:
    made = toy_factory(missing=0.2)
    watcher = Watcher()
    first = brief(name).fit(made, RunContext(7, progress=watcher))
    second = brief(name).fit(made, RunContext(7))
    matrix = first.affinity_
    assert np.array_equal(matrix.values, second.affinity_.values, equal_nan=True)
    apart = ~np.eye(4, dtype=bool)
    assert np.isfinite(matrix.values[apart]).all()
    assert matrix.networks_trained <= first.networks_needed(4)
    assert (matrix.networks_trained == 0) == (first.networks_needed(4) == 0)
    for group in (["t0", "t3"], ["t2", "t1"], ["t3", "t0", "t1", "t2"]):
        scores = first.predict(group)
        assert list(scores) == group
        assert np.isfinite(list(scores.values())).all()
        assert scores == second.predict(group)
        if first.predicts == "loss":
            assert min(scores.values()) > 0
    assert watcher.done == pytest.approx(watcher.units, rel=1e-6) or not watcher.done


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_restored_estimator_predicts_the_same(name: str, toy: TaskCollection) -> None:
    first = brief(name).fit(toy)
    state = {key: np.array(value) for key, value in first.state_.items()}
    again = brief(name).restore(first.affinity_, first.table_, state)
    assert again.predict(["t1", "t3"]) == first.predict(["t1", "t3"])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_bad_groups_are_refused(name: str, toy: TaskCollection) -> None:
    estimator = brief(name).fit(toy)
    for group, text in ((["t0", "t9"], "'t9'"), (["t0", "t0"], "more than once"), ([], "empty")):
        with pytest.raises(TaskvizError, match=text):
            estimator.predict(group)


@pytest.mark.parametrize("name", JOINT)
def test_two_tasks_are_enough(name: str, toy: TaskCollection) -> None:
    estimator = brief(name).fit(toy.select(["t1", "t3"]))
    assert np.isfinite(estimator.affinity_.values[[0, 1], [1, 0]]).all()
    assert np.isfinite(list(estimator.predict(["t3", "t1"]).values())).all()
    assert estimator.affinity_.networks_trained <= estimator.networks_needed(2)


@pytest.mark.parametrize("name", JOINT)
def test_seeds_matter_where_chance_does(name: str, toy: TaskCollection) -> None:
    values = [brief(name).fit(toy, RunContext(seed)).affinity_.values for seed in (0, 1)]
    chance = estimator_class(name).draws
    assert np.array_equal(values[0], values[1], equal_nan=True) != chance


@pytest.mark.parametrize("name", ["tag", "etap", "gradient", "surrogate", "exhaustive", "combined"])
def test_a_cancel_is_heard(name: str, toy: TaskCollection) -> None:
    with pytest.raises(Cancelled):
        brief(name).fit(toy, RunContext(progress=Watcher(cancel=True)))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_says_what_it_is(name: str) -> None:
    found = estimator_class(name)
    assert found.name == name
    for text in (found.title, found.source, found.summary, found.unit):
        assert text.strip()
    assert len(found.summary) < 100
    assert found.predicts in ("affinity", "loss", "gain")
    assert found.Options() is not None
    for field in found.Options.__dataclass_fields__.values():
        assert field.metadata["help"].endswith(".")
    assert set(option_defaults(found.Options)) == set(found.Options.__dataclass_fields__)
