"""SCA over a joint training: each look is what SCA itself says, and looking changes nothing."""

import numpy as np
import pytest
import torch

from taskviz.affinity.dynamics import DynamicsOptions, DynamicsStudy, study_dynamics
from taskviz.affinity.joint_training import JointOptions, JointTraining
from taskviz.affinity.sca import SCA
from taskviz.affinity.seeds import repeat_seed
from taskviz.engines import RunContext
from taskviz.values import TaskvizError

OPTIONS = DynamicsOptions(n=20, every=2, epochs=5, trainings=2, width=8)


@pytest.fixture(scope="module")
def study(toy):
    return study_dynamics(toy, OPTIONS, RunContext(seed=1))


def test_the_start_is_sca_itself(study, toy):
    assert study.epochs.tolist() == [0, 2, 4, 5]
    sca = SCA(n=20, width=8).fit(toy, RunContext(seed=1)).affinity_
    np.testing.assert_allclose(study.matrices["sca"][0, 0], sca.values, rtol=1e-12)


def test_looking_does_not_change_the_training(study, toy):
    context = RunContext(seed=repeat_seed(1, 0))
    plain = JointOptions(epochs=5, width=8)
    training = JointTraining(toy, plain, context, torch.float64)
    for _ in training.steps(context):
        pass
    assert training.mean_loss("valid") == study.loss[0, -1]


def test_stability_starts_at_one(study):
    frame = study.stability()
    at_start = frame[frame["epoch"] == 0]
    assert np.allclose(at_start["start"], 1)
    assert len(frame) == 2 * 4
    assert frame["start"].between(-1, 1).all()
    assert study.error("sca").shape == (4, 4, 4)
    np.testing.assert_allclose(study.mean("sca"), study.matrices["sca"].mean(axis=0))


def test_kept_whole_and_the_same_twice(study, toy, tmp_path):
    again = DynamicsStudy.read(study.save(tmp_path / "dynamics.json"))
    for name in study.matrices:
        np.testing.assert_array_equal(again.matrices[name], study.matrices[name])
    twice = study_dynamics(toy, OPTIONS, RunContext(seed=1))
    np.testing.assert_array_equal(twice.matrices["sca"], study.matrices["sca"])


def test_two_tasks_are_too_few(toy):
    with pytest.raises(TaskvizError, match="from 3 tasks"):
        study_dynamics(toy.select(2), OPTIONS, RunContext())
