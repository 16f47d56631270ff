"""The sample-size study: what it compares, and that it can be kept."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from taskviz.affinity.agreement import rank_agreement
from taskviz.affinity.sample_size import SampleSizeStudy, study_sample_size
from taskviz.affinity.sca import SCA
from taskviz.engines import RunContext
from taskviz.networks import NetworkOptions
from taskviz.values import TaskCollection, TaskvizError

SMALL = NetworkOptions(width=8, depth=1)


def test_the_first_comparison_is_between_two_sca_matrices(toy: TaskCollection) -> None:
    study = study_sample_size(toy, SMALL, RunContext(seed=3), repeats=1, sizes=(16,))
    one = SCA(n=16, width=8, depth=1).fit(toy, RunContext(seed=3)).affinity_
    two = SCA(n=16, width=8, depth=1, inits=2).fit(toy, RunContext(seed=3)).affinity_
    # A mean of two states gives the second one: 2 · mean − first.
    other = type(one)(2 * two.values - one.values, one.tasks, "sca")
    expected = rank_agreement([one, other], ["one", "other"]).loc["one", "other"]
    assert study.inits[0, 0] == pytest.approx(expected, abs=1e-12)


def test_disjoint_samples_agree_more_when_they_are_larger(
    toy_factory: Callable[..., TaskCollection],
) -> None:
    collection = toy_factory(n=1200, kinds=("regression",) * 6, noise=0.5)
    study = study_sample_size(collection, SMALL, RunContext(seed=0), repeats=6, sizes=(5, 300))
    frame = study.to_frame()
    assert frame["samples"].iloc[1] > frame["samples"].iloc[0] + 0.1
    assert (frame["samples_error"] > 0).all()


def test_it_repeats_and_comes_back(toy: TaskCollection, tmp_path: Path) -> None:
    one = study_sample_size(toy, SMALL, RunContext(seed=1), repeats=2, sizes=(8, 16, 400))
    two = study_sample_size(toy, SMALL, RunContext(seed=1), repeats=2, sizes=(8, 16, 400))
    np.testing.assert_array_equal(one.samples, two.samples)
    assert one.n.tolist() == [8, 16]
    assert "Sizes from 400 up are left out" in one.notes[0]
    back = SampleSizeStudy.read(one.save(tmp_path / "study.json"))
    np.testing.assert_array_equal(back.inits, one.inits)
    assert back.options == one.options


def test_settled_needs_all_larger_sizes_too() -> None:
    agreement = np.array([[0.95], [0.5], [0.92], [0.97]])
    study = SampleSizeStudy(np.array([10, 25, 50, 100]), agreement, agreement)
    assert study.settled_at == 50
    assert SampleSizeStudy(np.array([10]), np.array([[0.1]]), np.array([[0.1]])).settled_at is None


def test_too_little_is_said(toy: TaskCollection) -> None:
    with pytest.raises(TaskvizError, match="from 3 tasks on"):
        study_sample_size(toy.select(2), SMALL, RunContext())
    with pytest.raises(TaskvizError, match="two disjoint samples of 500 need 1000"):
        study_sample_size(toy, SMALL, RunContext(), sizes=(500,))
