"""Repeated matrices: reliability against what was planted, and against slow formulas."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import spearmanr

import taskviz as tv
from taskviz.affinity.reliability import Reliability, reliability, repeats_for, stepped_up
from taskviz.affinity.seeds import repeat_seed
from taskviz.cache import Cache
from taskviz.evidence.repeats import repeat_affinity
from taskviz.evidence.split_half import PARTITIONS, agreement, partition_weights, split_half
from taskviz.grouping.objective import density
from taskviz.progress import Progress
from taskviz.values import AffinityMatrix, Cancelled, TaskCollection, TaskvizError

NAMES = tuple("abcdefghij")


def planted(noise: float, repeats: int, seed: int = 0, size: int = 10) -> np.ndarray:
    """Repeats of one matrix of spread 1 under independent noise."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(size, size)) + noise * rng.normal(size=(repeats, size, size))


def measure_of(draws: np.ndarray) -> Callable[..., AffinityMatrix]:
    """An estimator that hands out prepared matrices."""
    given = iter(draws)

    def measure(data: TaskCollection, seed: int, progress: Progress) -> AffinityMatrix:
        progress.begin("one", 2)
        progress.advance(2)
        return AffinityMatrix(
            next(given).copy(), data.names, "told", seed=seed, seconds=2.0, networks_trained=3
        )

    return measure


@pytest.mark.parametrize("repeats", [2, 5, 8])
def test_reliability_is_the_planted_share_of_signal(repeats: int) -> None:
    # noise variance 4 a repeat: the mean over R has reliability 1 / (1 + 4/R)
    expected = 1 / (1 + 4 / repeats)
    found = [split_half(planted(2.0, repeats, seed), seed) for seed in range(30)]
    entries = np.mean([each.entries for each in found])
    groups = np.mean([value for each in found for value in each.partitions.values()])
    assert entries == pytest.approx(expected, abs=0.08)
    assert groups == pytest.approx(expected, abs=0.12)
    assert set(found[0].partitions) == {2, 3, 4}


def test_two_repeats_against_the_formula_by_hand() -> None:
    a, b = planted(1.0, 2)
    off = ~np.eye(10, dtype=bool)
    r = spearmanr(a[off], b[off]).statistic
    assert split_half(np.stack([a, b])).entries == pytest.approx(2 * r / (1 + r))


def test_scores_of_partitions_are_the_density_that_groupers_maximise() -> None:
    matrix = AffinityMatrix(planted(0.0, 1)[0].copy(), NAMES, "told")
    weights = partition_weights(10, 3, seed=1)
    assert weights.shape == (PARTITIONS, 100)
    for row in weights[:20].reshape(-1, 10, 10):
        inside = row > 0
        groups, left = [], set(range(10))
        while left:
            first = min(left)
            group = {first} | set(np.flatnonzero(inside[first]))
            groups.append([NAMES[k] for k in sorted(group)])
            left -= group
        assert len(groups) == 3
        expected = density(matrix, groups)
        assert float((row * matrix.values).sum()) == pytest.approx(expected)


def test_unknown_entries_do_not_count() -> None:
    draws = planted(0.5, 4)
    whole = split_half(draws).entries
    draws[:, 0, 1] = np.nan
    draws[1, 2, 3] = np.nan
    found = split_half(draws)
    assert found.entries == pytest.approx(whole, abs=0.05)
    assert all(np.isfinite(value) for value in found.partitions.values())


def test_opposed_halves_are_noise_and_not_beyond() -> None:
    a = planted(0.0, 1)[0]
    found = agreement([(a, -a)], 2.0)
    assert found.share == 0.0
    assert found.entries == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("noise", "repeats", "grade"), [(0.3, 6, "stable"), (1.7, 6, "shaky"), (50.0, 6, "noise")]
)
def test_mean_error_grade_and_price(
    noise: float, repeats: int, grade: str, toy_factory: Callable[..., TaskCollection]
) -> None:
    toy = toy_factory(kinds=("regression",) * 10)
    draws = planted(noise, repeats, seed=3)
    matrix = repeat_affinity(toy, measure_of(draws), repeats=repeats, seed=4)
    assert np.allclose(matrix.values, draws.mean(axis=0))
    assert np.allclose(matrix.standard_error, draws.std(axis=0, ddof=1) / np.sqrt(repeats))
    assert matrix.options["repeats"] == repeats
    assert matrix.networks_trained == 3 * repeats
    assert matrix.seed == 4
    trust = reliability(matrix)
    assert trust.grade == grade
    assert trust.basis == "seeds"
    assert trust.error is not None
    assert (trust.networks, trust.seconds, trust.repeats) == (3, 2.0, repeats)
    if grade == "stable":
        assert trust.next_grade is None
        return
    if trust.share:
        wanted = 0.8 if grade == "shaky" else 0.4
        needed = repeats_for(trust.share, repeats, wanted)
        if needed is not None:
            assert trust.next_grade is not None
            assert trust.price == ((needed - repeats) * 3, (needed - repeats) * 2.0)
            assert stepped_up(trust.share, needed / repeats) >= wanted - 1e-9
            assert stepped_up(trust.share, (needed - 1) / repeats) < wanted


def test_more_repeats_reach_the_grade_that_was_foretold() -> None:
    few = [split_half(planted(2.0, 6, seed), seed).share or 0.0 for seed in range(25)]
    needed = repeats_for(float(np.mean(few)), 6, 0.8)
    assert needed is not None
    many = [split_half(planted(2.0, needed, seed), seed).share or 0.0 for seed in range(25)]
    assert np.mean(many) == pytest.approx(0.8, abs=0.06)


def test_each_repeat_has_its_own_seed_and_split(toy: TaskCollection) -> None:
    seen = []

    def measure(data: TaskCollection, seed: int, progress: Progress) -> AffinityMatrix:
        seen.append((seed, data))
        rng = np.random.default_rng(seed)
        return AffinityMatrix(rng.normal(size=(4, 4)), data.names, "told", seed=seed)

    repeat_affinity(toy, measure, repeats=3, seed=9)
    assert [seed for seed, _ in seen] == [repeat_seed(9, k) for k in range(3)]
    assert seen[0][1] is toy
    assert len({data.fingerprint for _, data in seen}) == 3
    test_rows = [data.samples[0].indices("test").tolist() for _, data in seen]
    assert test_rows[0] == test_rows[1] == test_rows[2], "test rows stay test rows"


def test_what_draws_nothing_is_halved(toy_factory: Callable[..., TaskCollection]) -> None:
    toy = toy_factory(n=400)
    seen = []

    def measure(data: TaskCollection, seed: int, progress: Progress) -> AffinityMatrix:
        rows = data.samples[0].indices("train")
        seen.append(set(rows.tolist()))
        means = data.samples[0].inputs[rows, :4].mean(axis=0)
        return AffinityMatrix(np.repeat(means[:, None], 4, axis=1), data.names, "told", seed=seed)

    matrix = repeat_affinity(toy, measure, repeats=40, draws=False)
    whole, halves = seen[0], seen[1:]
    assert len(halves) == 80
    for first, second in zip(halves[0::2], halves[1::2], strict=True):
        assert first | second == whole
        assert not first & second
    # the error of a mean is known: its standard deviation over the root of n
    inputs = toy.samples[0].inputs[sorted(whole), :4]
    expected = inputs.std(axis=0, ddof=1) / np.sqrt(len(whole))
    assert matrix.standard_error is not None
    assert np.allclose(matrix.standard_error[:, 1], expected, rtol=0.35)
    assert np.allclose(matrix.values[:, 0], inputs.mean(axis=0)), "the matrix is that of all rows"
    trust = reliability(matrix)
    assert trust.basis == "rows"
    assert trust.next_grade is None, "no repeat adds a row"
    assert "two halves of the rows" in trust.sentence


@pytest.mark.parametrize("repeats", [1, 0, 1001, True, 2.5])
def test_a_wrong_number_of_repeats_is_one_sentence(repeats: object, toy: TaskCollection) -> None:
    with pytest.raises(TaskvizError, match="from 2 to 1000"):
        tv.measure_reliability(toy, "random", repeats=repeats)  # type: ignore[arg-type]


def test_chance_is_noise_and_plain_structure_is_stable(
    toy_factory: Callable[..., TaskCollection], tmp_path: object
) -> None:
    toy = toy_factory(n=600, kinds=("regression",) * 6)
    cache = Cache(tmp_path)  # type: ignore[arg-type]
    noise = tv.measure_reliability(toy, "random", repeats=6, cache=cache)
    signal = tv.measure_reliability(toy, "covariance-cosine", repeats=4, cache=cache)
    tied = tv.measure_reliability(toy, "gradient-cosine", repeats=4, inits=4, cache=cache)
    assert reliability(noise).grade == "noise"
    assert reliability(signal).grade == "stable"
    assert reliability(tied).grade == "stable"
    plain = tv.compute_affinity(toy, "covariance-cosine", cache=cache)
    assert np.allclose(signal.values, plain.values)


def test_repeats_are_kept_and_the_same_bits_come_again(
    toy: TaskCollection, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taskviz.affinity.random import RandomAffinity

    calls = []
    measure = RandomAffinity.measure

    def counted(self: RandomAffinity, collection: TaskCollection, context: object) -> object:
        calls.append(1)
        return measure(self, collection, context)  # type: ignore[arg-type]

    monkeypatch.setattr(RandomAffinity, "measure", counted)
    cache = Cache(tmp_path)  # type: ignore[arg-type]
    first = tv.measure_reliability(toy, "random", repeats=3, cache=cache)
    assert len(calls) == 3
    again = tv.measure_reliability(toy, "random", repeats=3, cache=cache)
    assert np.array_equal(first.values, again.values)
    assert reliability(again) == reliability(first)
    tv.measure_reliability(toy, "random", repeats=5, cache=cache)
    assert len(calls) == 5, "three of the five repeats were there"
    from taskviz.verbs import read_affinity, reliability_key, stored_affinities

    key = reliability_key(toy, "random", repeats=3)
    assert np.array_equal(read_affinity(key, cache).values, first.values)
    assert key in [stored.key for stored in stored_affinities(toy, cache)]


def test_a_cancel_between_repeats_is_heard(toy: TaskCollection) -> None:
    class Stop(Progress):
        done = 0.0

        def advance(self, units: float = 1.0, message: str = "") -> None:
            self.done += units

        def check(self) -> None:
            if self.done >= 2:
                raise Cancelled

    with pytest.raises(Cancelled):
        repeat_affinity(toy, measure_of(planted(1, 9, size=4)), repeats=9, progress=Stop())


def test_json_and_back(tmp_path: object) -> None:
    toy_names = NAMES[:4]
    trust = Reliability("shaky", 0.5, 4, "seeds", 0.45, {2: 0.4, 3: 0.6}, 0.1, 7, 1.5)
    matrix = AffinityMatrix(np.eye(4), toy_names, "told", reliability=trust.to_json())
    path = matrix.save(tmp_path / "m.json")  # type: ignore[operator]
    assert reliability(AffinityMatrix.read(path)) == trust
    assert trust.to_json()["next"]["repeats"] == 16
    for bad in ({}, {"grade": "good", "share": 1}, {"grade": "noise", "share": "x"}):
        with pytest.raises(TaskvizError, match="no stored reliability"):
            Reliability.from_json(bad)


def test_two_tasks_have_no_groupings_to_compare(toy: TaskCollection) -> None:
    pair = toy.select(["t0", "t3"])
    matrix = tv.measure_reliability(pair, "gradient-cosine", repeats=3, inits=2)
    assert reliability(matrix).grade == "not measured"
