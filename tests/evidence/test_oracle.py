"""The cross-fitted oracle and the share captured, on losses made up to have known answers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from taskviz.evidence.captured import captured, mean_interval
from taskviz.evidence.oracle import Reference, halves, random_losses, reference
from taskviz.evidence.plans import code_of, membership_of, partitions
from taskviz.evidence.truth import Truth, plan_of, separate, together
from taskviz.values import TaskvizError

TASKS = tuple("abcde")
CODES = np.arange(1, 32)


def truth_of(
    loss: NDArray[np.float64], noise: float, seeds: int, seed: int = 0, test_noise: float = 0.0
) -> Truth:
    """Losses ``(31, 5)`` plus a noise of each seed, on validation and test apart."""
    rng = np.random.default_rng(seed)
    inside = membership_of(CODES, 5)
    parts = [
        np.where(inside, loss + scale * rng.normal(size=(seeds, *loss.shape)), np.nan)
        for scale in (noise, test_noise or noise)
    ]
    return Truth(TASKS, tuple(range(seeds)), CODES, parts[0], parts[1])


def pair_losses(good: tuple[tuple[int, ...], ...]) -> NDArray[np.float64]:
    """Every stranger in the group costs 0.1, every friend saves 0.05."""
    inside = membership_of(CODES, 5)
    friend = np.zeros((5, 5))
    for group in good:
        friend[np.ix_(group, group)] = 1
    np.fill_diagonal(friend, 0)
    stranger = 1 - friend - np.eye(5)
    return 1 + 0.1 * (inside @ stranger) - 0.05 * (inside @ friend)


GOOD = ((0, 2), (1, 3, 4))
BEST = (code_of((0, 2)), code_of((1, 3, 4)))


def test_without_noise_the_oracle_is_the_best_plan() -> None:
    truth = truth_of(pair_losses(GOOD), 0.0, 4)
    ref = reference(truth, 2)
    assert tuple(sorted(ref.plan)) == tuple(sorted(BEST))
    expected = pair_losses(GOOD)
    losses = [expected[BEST[0] - 1][[0, 2]], expected[BEST[1] - 1][[1, 3, 4]]]
    assert ref.oracle == pytest.approx(np.concatenate(losses).mean())
    assert ref.ceiling == pytest.approx(ref.oracle)
    assert ref.together == pytest.approx(expected[30].mean())
    assert ref.separate == pytest.approx(1.0)
    assert ref.worst.mean() > ref.random.mean() > ref.oracle.mean()


def test_random_is_the_mean_over_all_partitions() -> None:
    truth = truth_of(pair_losses(GOOD), 0.05, 3)
    slow = [truth.plan_losses(tuple(plan)) for plan in partitions(5, 3).tolist()]
    assert random_losses(truth, 3) == pytest.approx(np.mean(slow, axis=0))


def test_noise_alone_leaves_nothing_to_reach() -> None:
    """In-sample, the best of 15 plans looks good; cross-fitted, it is as good as random."""
    flat = np.ones((31, 5))
    reached, seen = [], []
    for seed in range(20):
        truth = truth_of(flat, 0.05, 4, seed)
        ref = reference(truth, 2)
        reached.append(ref.reachable.mean())
        seen.append(ref.random.mean() - truth.plan_losses(ref.plan).mean())
    assert np.mean(seen) > 0.02
    error = np.std(reached, ddof=1) / np.sqrt(20)
    assert abs(np.mean(reached)) < 3 * error + 1e-4


def test_the_oracle_with_overlap_serves_each_task_from_its_best_group() -> None:
    loss = pair_losses(GOOD)
    loss[code_of((0, 1)) - 1, 1] = 0.1  # a helps b; but a itself is better off with c
    truth = truth_of(loss, 0.0, 2)
    apart, shared = reference(truth, 2), reference(truth, 2, overlap=True)
    assert shared.oracle.mean() <= apart.oracle.mean() + 1e-12
    slow = min(
        np.mean(
            [
                min(loss[code - 1, t] for code in (one, two) if code >> t & 1)
                if (one | two) >> t & 1
                else np.inf
                for t in range(5)
            ]
        )
        for one in range(1, 32)
        for two in range(1, 32)
    )
    assert shared.oracle == pytest.approx(slow)


def test_a_task_is_served_by_validation_and_scored_on_test() -> None:
    valid, test = np.full((2, 1, 3, 2), np.nan)
    valid[0, :, 0], test[0, :, 0] = [[0.1, np.nan][0]], 5.0
    valid = np.array([[[0.1, np.nan], [np.nan, 0.2], [0.3, 0.1]]])
    test = np.array([[[5.0, np.nan], [np.nan, 6.0], [1.0, 2.0]]])
    truth = Truth(("a", "b"), (0,), np.array([1, 2, 3]), valid, test)
    # a from its own network (validation 0.1 < 0.3) though that tests worse; b from the pair.
    assert truth.plan_losses((1, 3)) == pytest.approx([(5.0 + 2.0) / 2])


def test_captured_is_zero_for_random_and_one_for_the_oracle() -> None:
    ref = reference(truth_of(pair_losses(GOOD), 0.02, 6), 2)
    assert captured(ref.random[None, None], [ref]).share == pytest.approx(0)
    whole = captured(ref.oracle[None, None], [ref])
    assert whole.share == pytest.approx(1)
    assert (whole.low, whole.high) == pytest.approx((1, 1))
    assert captured(ref.worst[None, None], [ref]).share < 0


def test_its_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(300):
        shared = 0.1 * rng.normal(size=5)
        random = 1 + shared + 0.02 * rng.normal(size=5)
        oracle = 0.8 + shared + 0.02 * rng.normal(size=5)
        achieved = 0.9 + shared + 0.02 * rng.normal(size=5)
        ref = Reference(2, False, random, random, oracle, oracle, random, random, ())
        found = captured(achieved[None, None], [ref])
        hits += found.low <= 0.5 <= found.high
    assert 0.90 <= hits / 300 <= 0.99


def test_nothing_reachable_gives_no_share() -> None:
    level = np.ones(3)
    ref = Reference(2, False, level, level, level + 0.1, level, level, level, ())
    found = captured(level[None, None], [ref])
    assert np.isnan(found.share)
    assert found.gain == 0


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 12])
def test_halves_part_the_seeds(count: int) -> None:
    found = halves(count)
    assert len(found) >= 1
    for half in found:
        assert len(half) == count // 2
        assert len(set(half.tolist())) == len(half)
    if count in (2, 4, 8):
        as_sets = {frozenset(half.tolist()) for half in found}
        assert not any(frozenset(range(count)) - half in as_sets for half in as_sets)


def test_mean_interval_is_students() -> None:
    mean, low, high = mean_interval(np.array([1.0, 2.0, 3.0]))
    # t(2) at 97.5 % is 4.3027; the standard error 1/sqrt(3).
    assert (mean, high - mean) == pytest.approx((2.0, 4.302653 / np.sqrt(3)), rel=1e-5)
    assert mean - low == pytest.approx(high - mean)
    assert np.isnan(mean_interval(np.array([1.0]))[1])


def test_what_is_missing_is_said() -> None:
    truth = truth_of(pair_losses(GOOD), 0.0, 1)
    with pytest.raises(TaskvizError, match="cannot be halved"):
        reference(truth, 2)
    part = Truth(TASKS, (0, 1), CODES[:3], np.zeros((2, 3, 5)), np.zeros((2, 3, 5)))
    with pytest.raises(TaskvizError, match="every group"):
        reference(part, 2)
    with pytest.raises(TaskvizError, match=r"a\+c was not trained"):
        part.plan_losses((5,))


def test_plans_by_name() -> None:
    assert plan_of([["c", "a"], ["b"]], ("a", "b", "c")) == (2, 5)
    assert together(3) == (7,)
    assert separate(3) == (1, 2, 4)
