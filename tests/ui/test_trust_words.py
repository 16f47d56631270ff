"""Badges say what was measured, and what better would cost."""

import numpy as np

from taskviz.affinity.reliability import Reliability
from taskviz.evidence.studied import GUESS_GAIN
from taskviz.ui.affinity_words import guess_words, trust_words
from taskviz.values import AffinityMatrix


def matrix(trust: Reliability | None) -> AffinityMatrix:
    plain = None if trust is None else trust.to_json()
    return AffinityMatrix(np.eye(3), ("a", "b", "c"), "sca", reliability=plain)


def test_a_shaky_matrix_tells_the_price_of_a_stable_one() -> None:
    trust = Reliability("shaky", 0.5, 4, "seeds", 0.45, {2: 0.5}, 0.1, networks=7, seconds=2.0)
    words = trust_words(matrix(trust))
    assert words.startswith(":orange-badge[shaky]")
    assert "0\\.50" in words
    # from 0.5 to 0.8 takes four times the repeats: 16 in all, 12 more
    assert "About 16 repeats would make it stable (84 networks, about 25 s more)" in words


def test_a_stable_one_asks_for_nothing_and_an_unmeasured_one_says_so() -> None:
    stable = Reliability("stable", 0.9, 4, "seeds", 0.9, {2: 0.9})
    assert "repeats would" not in trust_words(matrix(stable))
    assert ":green-badge[stable]" in trust_words(matrix(stable))
    # the badge has said the grade, and per cent stands off as everywhere
    by_errors = trust_words(matrix(Reliability("stable", 1.0, 6)))
    assert (
        by_errors == ":green-badge[stable] :gray[100 % of the spread is signal over 6 repeats\\.]"
    )
    assert "Stable" not in trust_words(matrix(stable))
    assert "not measured" in trust_words(matrix(None))


def test_a_first_guess_quotes_the_study() -> None:
    words = guess_words()
    assert f"{100 * GUESS_GAIN.mean:+.1f} %" in words
    assert f"{GUESS_GAIN.settings} settings" in words
    assert "no better than random" in words
