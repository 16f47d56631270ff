"""Estimates that past jobs have corrected."""

import math

import pytest

from taskviz.jobs import Job
from taskviz.jobs.past_costs import calibrate, most_alike, past_calibration


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


def test_networks_one_by_one_do_not_tell_of_stacked_ones() -> None:
    like = {"way": "stacked", "network": "mlp"}
    jobs = [
        done("surrogate", 10.0, 2.0, **like),
        done("surrogate", 10.0, 12.0, way="one by one", network="lstm"),
        done("surrogate", 10.0, 16.0, way="one by one", network="nnconv"),
        done("surrogate", 10.0, 3.0),
    ]

    def factor(**other: str) -> float:
        return past_calibration(jobs, "affinity", "surrogate", "cpu", like=other).factor

    assert factor(**like) == pytest.approx(0.2)
    # Too few jobs with this trunk, or none: those of the same way.
    assert factor(way="one by one", network="lstm") == pytest.approx((1.2 * 1.6) ** 0.5)
    assert factor(way="one by one", network="gcn") == pytest.approx((1.2 * 1.6) ** 0.5)
    # Nothing alike: all of them, jobs of earlier versions too.
    assert factor(way="by layer", network="mlp") == pytest.approx((0.3 * 1.2) ** 0.5)
    assert past_calibration(jobs, "affinity", "surrogate", "cpu").jobs == 4
    jobs += [done("surrogate", 10.0, 12.0, way="one by one", network="lstm")] * 2
    assert factor(way="one by one", network="lstm") == pytest.approx(1.2)
    assert factor(way="one by one", network="nnconv") == pytest.approx(1.2)


def test_jobs_that_do_not_say_how_they_ran_serve_where_nothing_does() -> None:
    old = done("equal", 1.0, 3.0).result
    assert old is not None
    own = [old["cost"]]
    assert list(most_alike(own, {"way": "stacked", "network": "mlp"})) == own
    assert list(most_alike(own, {"network": "mlp"})) == own
    assert list(most_alike([], {"network": "mlp"})) == []
