"""Early losses: all subsets, or the surrogate on some."""

import numpy as np
import pytest

from taskviz.affinity import make_estimator
from taskviz.values import TaskCollection


def test_all_subsets_for_a_tenth_of_the_epochs(toy: TaskCollection) -> None:
    early = make_estimator("early", epochs=40).fit(toy)
    brief = make_estimator("exhaustive", epochs=4).fit(toy)
    assert np.array_equal(early.affinity_.values, brief.affinity_.values)
    assert early.predict(["t0", "t3"]) == brief.predict(["t0", "t3"])
    assert any("4 of 40 epochs" in note for note in early.affinity_.notes)
    assert early.networks_needed(4) == 15


def test_some_subsets_by_the_surrogate(toy: TaskCollection) -> None:
    early = make_estimator("early", epochs=20, m=8, seeds=3, share=0.2).fit(toy)
    fitted = make_estimator("surrogate", epochs=4, m=8, seeds=3).fit(toy)
    assert np.array_equal(early.affinity_.values, fitted.affinity_.values)
    assert early.predict(["t0", "t1"])["t1"] == pytest.approx(fitted.predict(["t0", "t1"])["t1"])
    assert early.affinity_.networks_trained == early.networks_needed(4) == 24


def test_many_tasks_do_not_train_everything_by_default() -> None:
    assert make_estimator("early").networks_needed(8) == 255
    assert make_estimator("early").networks_needed(14) == 140
