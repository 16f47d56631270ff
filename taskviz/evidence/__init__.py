"""Does grouping matter here, which estimator can be trusted, and what follows from it.

``plans`` lists groupings as codes; ``truth`` trains their groups over seeds; ``oracle`` says what
could be reached and ``captured`` what share was; ``against_truth`` does so for estimators
(``sampled`` where tasks are many, ``judged`` for single predictions, ``groupers`` for grouping
methods). ``question`` asks whether grouping matters, round by round (``contrasts``, ``elbow``,
``design_reliability``); ``advice`` puts that into two sentences. ``repeats`` and ``split_half``
measure how reliable a matrix is; ``calibration`` sets predictions beside trained groups.

Names are handed on lazily: reading a stored answer needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskviz.evidence.advice import Recommendation, first_guess, recommend
    from taskviz.evidence.against_truth import DEFAULT_METHODS, CompareOptions, compare
    from taskviz.evidence.answer import Answer, Contrast
    from taskviz.evidence.evidence import Evidence
    from taskviz.evidence.question import AskOptions, ask, rounds

_HOME = {
    "DEFAULT_METHODS": "against_truth",
    "Answer": "answer",
    "AskOptions": "question",
    "CompareOptions": "against_truth",
    "Contrast": "answer",
    "Evidence": "evidence",
    "Recommendation": "advice",
    "ask": "question",
    "compare": "against_truth",
    "first_guess": "advice",
    "recommend": "advice",
    "rounds": "question",
}

__all__ = [
    "DEFAULT_METHODS",
    "Answer",
    "AskOptions",
    "CompareOptions",
    "Contrast",
    "Evidence",
    "Recommendation",
    "ask",
    "compare",
    "first_guess",
    "recommend",
    "rounds",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
