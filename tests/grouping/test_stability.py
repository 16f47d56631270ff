"""Bootstrap of an affinity: what returns, what changes, what ties."""

import numpy as np
import pytest

from taskviz.cache import Cache
from taskviz.grouping.group_costs import CostModel
from taskviz.grouping.resampling import resampler
from taskviz.grouping.stability import Stability, stability
from taskviz.grouping.what_if import edited_plan
from taskviz.progress import Progress
from taskviz.values import AffinityMatrix, Cancelled, SubsetTable, TaskvizError
from taskviz.verbs import group_tasks, read_stability, stability_key, study_stability


def blocks(error):
    """Two pairs that belong together, and the noise of each entry."""
    values = np.kron(np.eye(2), np.ones((2, 2)))
    return AffinityMatrix(
        values, tuple("abcd"), "blocks", standard_error=np.full((4, 4), float(error))
    )


@pytest.mark.parametrize("method", ["selection", "lloyd"])
def test_without_noise_nothing_changes(method):
    found = stability(blocks(1e-6), method, 2, draws=20)
    assert found.share == 1.0
    assert found.draws == 20
    np.testing.assert_array_equal(found.together, np.kron(np.eye(2), np.ones((2, 2))))
    assert found.rivals == ()


def test_noise_makes_rivals_and_shares_add_up():
    found = stability(blocks(2.0), "selection", 2, draws=60, options={"overlap": False}, rivals=99)
    assert 0 < found.share < 1
    assert found.share + sum(rival.share for rival in found.rivals) == pytest.approx(1.0)
    shares = [rival.share for rival in found.rivals]
    assert shares == sorted(shares, reverse=True)
    np.testing.assert_array_equal(found.together, found.together.T)
    assert (np.diag(found.together) == 1).all()
    # With noise this large no other grouping is told from the chosen one.
    assert found.ties == found.rivals
    assert found.to_json()["draws"] == 60


def test_a_clearly_worse_rival_is_no_tie():
    # a–b and c–d are certain; whether e goes with the one or the other pair is not.
    values = np.zeros((5, 5))
    for s, t in [("a", "b"), ("c", "d")]:
        values["abcde".index(s), "abcde".index(t)] = values["abcde".index(t), "abcde".index(s)] = 9
    error = np.full((5, 5), 0.01)
    error[4] = error[:, 4] = 1.0
    a = AffinityMatrix(values, tuple("abcde"), "doubt", standard_error=error)
    found = stability(a, "selection", 2, draws=60, options={"overlap": False})
    assert 0.2 < found.share < 0.8
    assert len(found.rivals) == 1
    assert found.rivals[0].tie
    assert found.together[0, 1] == found.together[2, 3] == 1
    assert found.together[0, 4] + found.together[2, 4] == pytest.approx(1)
    assert 0.2 < found.together[0, 4] < 0.8
    # The same with e leaning clearly to one side: it returns almost always, and is no tie.
    sure = values.copy()
    sure[4, :2] = sure[:2, 4] = 4
    b = AffinityMatrix(sure, tuple("abcde"), "sure", standard_error=error)
    found = stability(b, "selection", 2, draws=60, options={"overlap": False})
    assert found.share > 0.95


def test_it_repeats_by_seed():
    first, again, other = (
        stability(blocks(1.0), "selection", 2, draws=15, seed=s).to_json() for s in (3, 3, 4)
    )
    for run in (first, again, other):
        run.pop("chosen")
    assert first == again
    assert first != other


def table(seeds=None, repeats=1):
    rng = np.random.default_rng(0)
    membership = np.array([[1, 1, 0], [0, 1, 1], [1, 1, 1], [0, 0, 1], [1, 0, 0]], dtype=bool)
    membership = np.tile(membership, (repeats, 1))
    losses = np.where(membership, rng.random(membership.shape), np.nan)
    given = None if seeds is None else np.repeat(np.arange(seeds), len(membership) // seeds)
    return SubsetTable(("x", "y", "z"), membership, losses, np.ones(len(membership)), given)


def test_seeds_are_drawn_whole():
    draw, said = resampler(table(seeds=4, repeats=4))
    assert "4 seeds" in said
    drawn = draw(np.random.default_rng(1))
    assert len(drawn) == 20
    # Every network is there as often as there are seeds.
    assert (drawn.membership.sum(axis=0) == table(repeats=4).membership.sum(axis=0)).all()


def test_repeats_are_drawn_within_each_network():
    draw, said = resampler(table(repeats=3))
    assert "repeats" in said
    given, drawn = table(repeats=3), draw(np.random.default_rng(1))
    key = [tuple(row) for row in given.membership]
    assert sorted(key) == sorted(tuple(row) for row in drawn.membership)
    losses = {(k, tuple(np.nan_to_num(row))) for k, row in zip(key, given.losses, strict=True)}
    for k, row in zip(drawn.membership, drawn.losses, strict=True):
        assert (tuple(k), tuple(np.nan_to_num(row))) in losses


def test_a_table_measured_once_may_lose_its_cover():
    found = stability(table(), "selection", 2, draws=40)
    assert found.draws < 40
    assert any("could not be grouped" in note for note in found.notes)
    assert any("lacks about a third" in note for note in found.notes)


def test_one_may_resample_in_ones_own_way():
    def draw(rng):
        return blocks(0.0)

    found = stability(blocks(1.0), "lloyd", 2, draws=3, resample=draw)
    assert found.share == 1.0
    assert found.notes == ()


def test_what_cannot_be_answered():
    bare = AffinityMatrix(np.eye(3), tuple("abc"), "bare")
    with pytest.raises(TaskvizError, match="has no standard errors"):
        stability(bare, "selection", 2)
    assert stability(bare, "selection", 2, draws=5, noise=0.1).draws == 5
    with pytest.raises(TaskvizError, match="must be above 0"):
        stability(bare, "selection", 2, noise=0.0)
    with pytest.raises(TaskvizError, match="looks at no affinity"):
        stability(blocks(1), "random", 2)
    with pytest.raises(TaskvizError, match="2 are needed"):
        stability(blocks(1), "selection", 2, draws=1)


def test_it_can_be_cancelled():
    class Stop(Progress):
        def check(self):
            raise Cancelled

    with pytest.raises(Cancelled):
        stability(blocks(1), "selection", 2, progress=Stop())


def test_an_edited_plan_is_counted_beside_what_its_method_makes():
    a = blocks(0.5)
    proposal = stability(a, "selection", 2, draws=20, options={"overlap": False}).chosen
    edited = edited_plan(a, (("a", "c"), ("b", "d")), proposal)
    found = stability(a, "selection", 2, draws=40, options={"overlap": False}, chosen=edited)
    assert found.chosen == edited
    assert found.share < 0.2
    best = found.rivals[0]
    assert best.grouping.groups == proposal.groups
    assert best.share > 0.8
    assert best.difference > 0
    assert not best.tie


def test_a_budget_in_another_unit():
    a = blocks(1e-6)
    prices = CostModel("parameters", tuple("abcd"), 100.0, (10.0,) * 4)
    found = stability(a, "selection", 240.0, draws=5, options={"overlap": False}, costs=prices)
    assert found.chosen.cost_unit == "parameters"
    assert found.share == 1.0
    # One network is all that fits now.
    found = stability(a, "selection", 239.0, draws=5, options={"overlap": False}, costs=prices)
    assert found.chosen.groups == (tuple("abcd"),)
    assert found.share == 1.0


def test_it_is_the_same_when_read_again(tmp_path):
    found = stability(blocks(2.0), "lloyd", 2, draws=20)
    again = Stability.read(found.save(tmp_path / "stability.json"))
    assert again.to_json() == found.to_json()
    np.testing.assert_array_equal(again.together, found.together)


def test_the_study_of_a_plan_is_computed_once(tmp_path):
    a = blocks(1.0)
    cache = Cache(tmp_path)
    plan = group_tasks(a, "selection", budget=2, overlap=False)
    counted = Counted()
    one = study_stability(a, plan, draws=12, cache=cache, progress=counted)
    assert counted.done == 24
    two = study_stability(a, plan, draws=12, cache=cache, progress=counted)
    assert counted.done == 24
    assert one.to_json() == two.to_json()
    key = stability_key(a, plan, draws=12)
    assert read_stability(key, cache).share == one.share
    # Noisier scores are other scores.
    assert stability_key(blocks(2.0), plan, draws=12) != key
    with pytest.raises(TaskvizError, match="not stored any more"):
        read_stability("0" * 64, cache)


class Counted(Progress):
    """Counts what is reported."""

    done = 0.0

    def advance(self, units=1.0, message=""):
        self.done += units


class StopAfter(Progress):
    """Cancels once so many draws were asked for."""

    def __init__(self, checks):
        self.left = checks

    def check(self):
        self.left -= 1
        if self.left < 0:
            raise Cancelled


def test_a_stopped_study_goes_on_where_it_ended(tmp_path, monkeypatch):
    from taskviz.grouping.selection import Selection

    calls = []
    plain = Selection.group
    monkeypatch.setattr(
        Selection, "group", lambda self, *given: calls.append(1) or plain(self, *given)
    )
    a, cache = blocks(1.0), Cache(tmp_path / "stopped")
    plan = group_tasks(a, "selection", budget=2, overlap=False)
    with pytest.raises(Cancelled):
        # 2 batches of 10, each with a check before it, and 5 draws of the third.
        study_stability(a, plan, draws=40, cache=cache, progress=StopAfter(28))
    calls.clear()
    resumed = study_stability(a, plan, draws=40, cache=cache)
    # The plan itself, and the draws of the two batches that were not finished.
    assert len(calls) == 1 + 20
    whole = study_stability(a, plan, draws=40, cache=Cache(tmp_path / "whole"))
    assert resumed.share == whole.share
    assert resumed.to_json()["rivals"] == whole.to_json()["rivals"]
    np.testing.assert_array_equal(resumed.together, whole.together)
    # More draws, or another plan from the same method, take up the same ones.
    calls.clear()
    study_stability(a, plan, draws=50, cache=cache)
    assert len(calls) == 1 + 10
    calls.clear()
    edited = edited_plan(a, (("a", "c"), ("b", "d")), plan)
    study_stability(a, edited, draws=50, cache=cache)
    assert len(calls) == 1
