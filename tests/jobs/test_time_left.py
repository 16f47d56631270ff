import pytest

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
