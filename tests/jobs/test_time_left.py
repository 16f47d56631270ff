import pytest

from taskviz.jobs.reporter import JobProgress
from taskviz.jobs.time_left import TimeLeft


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def run(steps, clock=None):
    clock = clock or Clock()
    left = TimeLeft(clock)
    found = None
    for seconds, progress in steps:
        clock.now += seconds
        found = left.update(progress)
    return found


def test_even_progress_gives_the_rest():
    assert run([(1.0, i / 100) for i in range(1, 26)]) == pytest.approx(75.0)


def test_too_early_to_tell():
    assert run([(0.1, 0.01)]) is None
    assert run([(10.0, 0.0)]) is None


def test_done_is_zero():
    assert run([(5.0, 0.5), (5.0, 1.0)]) == 0.0


def test_a_rush_through_the_cache_is_forgotten():
    # Half of the work was there already; the rest takes 100 s.
    steps = [(0.1, 0.5)] + [(1.0, 0.5 + i / 200) for i in range(1, 41)]
    assert run(steps) == pytest.approx(60.0, rel=0.05)


def test_a_new_stage_starts_anew():
    clock = Clock()
    left = TimeLeft(clock)
    for i in range(1, 11):
        clock.now += 1
        left.update(i / 10)
    clock.now += 1
    assert left.update(0.0) is None
    clock.now += 10
    assert left.update(0.1) == pytest.approx(90.0)


def test_a_stall_makes_it_longer():
    clock = Clock()
    left = TimeLeft(clock)
    for i in range(1, 21):
        clock.now += 1
        before = left.update(i / 40)
    for _ in range(20):
        clock.now += 1
        after = left.update(0.5)
    assert after is None or after > 1.5 * before


def test_what_an_earlier_attempt_did_is_no_rate():
    clock = Clock()
    left = TimeLeft(clock, resumed=True)
    told = []
    # Loading, then 40 % that were there already, in two leaps; after that 0.1 % a second.
    steps = [(2.0, 0.0), (1.0, 0.3), (1.0, 0.4)]
    steps += [(1.0, 0.4 + second / 1000) for second in range(1, 121)]
    for seconds, progress in steps:
        clock.now += seconds
        told.append((progress, left.update(progress)))
    found = [(progress, seconds) for progress, seconds in told if seconds is not None]
    assert found
    for progress, seconds in found:
        assert seconds == pytest.approx((1 - progress) * 1000, rel=0.01)
    assert all(seconds is None for progress, seconds in told if progress <= 0.4)


def test_a_resumed_attempt_is_silent_for_its_first_seconds():
    clock = Clock()
    left = TimeLeft(clock, resumed=True)
    for progress in (0.5, 0.52, 0.54, 0.56):
        clock.now += 1.0
        assert left.update(progress) is None
    assert left.update(1.0) == 0.0


def test_a_later_attempt_counts_as_resumed(job_store, monkeypatch):
    asked = []
    monkeypatch.setattr("taskviz.jobs.reporter.TimeLeft", lambda *, resumed: asked.append(resumed))
    for attempt in (1, 2):
        JobProgress(job_store, "0" * 12, attempt).begin("Training", 10)
    assert asked == [False, False, True, True]
