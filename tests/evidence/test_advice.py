"""What is recommended, in words, and the study's figures that the words quote."""

import json
from pathlib import Path

import numpy as np
import pytest

from taskviz.evidence import Contrast, first_guess
from taskviz.evidence.advice import compared
from taskviz.evidence.answer import gain_words
from taskviz.evidence.studied import GUESS_GAIN
from taskviz.values import AffinityMatrix

RESULT = Path(__file__).parents[2] / "benchmarks" / "results" / "evidence_developed.json"


def test_quoted_figures_are_those_of_the_stored_study() -> None:
    study = json.loads(RESULT.read_text(encoding="utf-8"))
    own = study["summary"]["gradient-cosine"]
    assert GUESS_GAIN.settings == len(study["settings"])
    assert pytest.approx(own["gain"], abs=5e-5) == GUESS_GAIN.mean
    assert pytest.approx(own["gain low"], abs=5e-5) == GUESS_GAIN.low
    assert pytest.approx(own["gain high"], abs=5e-5) == GUESS_GAIN.high


def test_a_first_guess_says_that_it_is_one() -> None:
    values = np.kron(np.eye(2), np.ones((2, 2)))
    guess = first_guess(AffinityMatrix(values, tuple("abcd"), "gradient-cosine"), budget=2)
    assert not guess.measured
    assert {frozenset(group) for group in guess.grouping.groups} == {
        frozenset("ab"),
        frozenset("cd"),
    }
    assert "first guess" in guess.sentences[0]
    assert "worse than random" in guess.sentences[1]
    assert guess.low < 0 < guess.high


@pytest.mark.parametrize(
    ("contrast", "words"),
    [
        (
            Contrast("random", 2, 0.02, 0.01, 0.03, "yes", 5),
            "lose 2.0 % less (1.0 to 3.0 %, 5 seeds)",
        ),
        (
            Contrast("random", 2, 0.001, -0.01, 0.012, "cannot tell", 4),
            "show no measurable difference (+0.1 %, −1.0 to +1.2 %, 4 seeds) from",
        ),
        (
            Contrast("random", 2, -0.02, -0.03, -0.01, "no", 5),
            "lose 2.0 % more (1.0 to 3.0 %, 5 seeds)",
        ),
        (Contrast("random", 2, 0.02, float("nan"), float("nan"), "cannot tell", 1), "no interval"),
    ],
)
def test_gains_are_told_with_their_interval(contrast: Contrast, words: str) -> None:
    assert words in gain_words(contrast)


def test_what_shows_no_difference_is_told_once() -> None:
    yes = Contrast("random", 2, 0.02, 0.01, 0.03, "yes", 5)
    none = Contrast("all-together", 2, 0.001, -0.01, 0.012, "cannot tell", 5)
    assert compared({"random groups": yes, "all-together": none}) == (
        "lose 2.0 % less (1.0 to 3.0 %, 5 seeds) than random groups; show no measurable difference "
        "from all-together (+0.1 %, −1.0 to +1.2 %, 5 seeds)"
    )
    told = compared({"random groups": none, "all-together": none, "all-separate": none})
    assert told.startswith("show no measurable difference from random groups (+0.1 %")
    assert told.count("measurable") == 1
    assert "5 seeds), all-together (" in told
    assert told.endswith("5 seeds) and all-separate (+0.1 %, −1.0 to +1.2 %, 5 seeds)")
