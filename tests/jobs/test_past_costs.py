"""Estimates that past jobs have corrected."""

import math

import pytest

from taskviz.jobs import Job
from taskviz.jobs.past_costs import calibrate, past_calibration


def done(method: str, reckoned: float, took: float, **other: object) -> Job:
    cost = {"method": method, "reckoned_seconds": reckoned, "seconds": took, "device": "cpu"}
    return Job("a", "affinity", "", {}, "done", result={"cost": {**cost, **other}})


def test_the_median_ratio_and_how_far_off_it_is() -> None:
    found = calibrate([1.0, 2.0, 4.0], [3.0, 6.0, 24.0])
    assert (found.factor, found.jobs) == (pytest.approx(3.0), 3)
    # Each against the median of the other two: √18, √18 and 3 where 3, 3 and 6 were right.
    assert found.error == pytest.approx(math.sqrt(2))
    assert calibrate([1.0], [2.0]).error is None
    assert calibrate([0.0, math.nan], [1.0, 1.0]).jobs == 0


def test_only_like_jobs_count() -> None:
    jobs = [
        done("sca", 1.0, 2.0),
        done("sca", 1.0, 2.0, device="cuda"),
        done("tag", 1.0, 9.0),
        Job("b", "affinity", "", {}, "failed"),
        Job("c", "affinity", "", {}, "done", result={"affinity": "k"}),
        Job("d", "affinity", "", {}, "done", result={"cost": {"method": "sca", "device": "cpu"}}),
    ]
    found = past_calibration(jobs, "affinity", "sca", "cpu")
    assert (found.jobs, found.factor) == (1, pytest.approx(2.0))
    assert past_calibration(jobs, "training", "sca", "cpu").jobs == 0
