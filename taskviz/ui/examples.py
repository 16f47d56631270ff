"""Examples of good and bad groupings, measured: cells of ``docs/paper_tables.md``."""

from dataclasses import dataclass
from typing import Final

import pandas as pd
import streamlit as st

from taskviz.ui import tables


@dataclass(frozen=True)
class Example:
    """A grouping that was trained, and what to learn from it.

    Args:
        verdict: good, bad or no matter.
        collection: a built-in.
        plan: how its groups were made.
        loss: mean test loss over tasks ± standard error over three seeds; lower is better.
        random: likewise of random groups of the same number.
        alone: likewise of each task alone.
        lesson: one sentence.
    """

    verdict: str
    collection: str
    plan: str
    loss: str
    random: str
    alone: str
    lesson: str


EXAMPLES: Final = (
    Example(
        "good",
        "segments",
        "2 models by the pooled surrogate",
        "0.0225 ± 0.0010",
        "0.0263 ± 0.0007",
        "0.0223 ± 0.0010",
        "Two models do as well as seven, and better than two random ones.",
    ),
    Example(
        "bad",
        "segments",
        "3 models by SCA as published",
        "0.0289 ± 0.0013",
        "0.0245 ± 0.0015",
        "0.0223 ± 0.0010",
        "Worse than random groups: a matrix of one initial state was believed.",
    ),
    Example(
        "no matter",
        "yeast",
        "2 models by the pooled surrogate",
        "0.4410 ± 0.0019",
        "0.4396 ± 0.0023",
        "0.4408 ± 0.0021",
        "All are within their errors: take the fewest models.",
    ),
)


def draw() -> None:
    """A table of them."""
    st.markdown("**Good and bad groupings, measured** (mean test loss, lower is better, 3 seeds)")
    tables.show(
        pd.DataFrame(
            [
                {
                    "grouping": each.verdict,
                    "collection": each.collection,
                    "plan": each.plan,
                    "loss": each.loss,
                    "random groups": each.random,
                    "each alone": each.alone,
                    "lesson": each.lesson,
                }
                for each in EXAMPLES
            ]
        ),
        hide_index=True,
        alt="Three groupings that were trained: one good, one bad, one that makes no difference",
    )
