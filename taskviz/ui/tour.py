"""The guided path of a first visit: what to do now, how far one is, and how to leave it."""

from dataclasses import dataclass
from typing import Final

import streamlit as st

from taskviz.ui import presses, state, store
from taskviz.ui.pages import BY_NAME
from taskviz.values import TaskvizError

KEY: Final = "tour"
"""In the URL, so that a refresh goes on."""
EXAMPLE: Final = "yeast"


@dataclass(frozen=True)
class Step:
    """One step: its page, and what to do there."""

    page: str
    words: str


STEPS: Final = (
    Step("collection", "Look at the tasks: 14 functions of genes, predicted from the same inputs."),
    Step(
        "affinity",
        "Press **Make a first guess**. Then click a cell of the heatmap: does one task help the "
        "other, and the other way round?",
    ),
    Step(
        "groups",
        "Move the **budget**: how many models can you afford? Drag a card and see what that is "
        "predicted to cost. Then press **Train these groups**.",
    ),
    Step(
        "training",
        "Press **Start training**. Baselines run beside your groups; you can browse on meanwhile.",
    ),
    Step(
        "report",
        "Read the summary: the recommendation, its evidence, its cost, its doubts. Write a note, "
        "then download it.",
    ),
)


def begin() -> None:
    """Take the example and set out."""
    state.put("collection", EXAMPLE)
    state.put(KEY, "on")


def done() -> int:
    """How many steps are behind the user, by what there is and not by what was clicked."""
    job = store.job(state.get("run"))
    reached = (
        state.get("collection") is not None,
        _has_matrix(),
        state.get("plan") is not None,
        job is not None and job.state == "done",
    )
    return reached.index(False) if False in reached else len(reached)


def _has_matrix() -> bool:
    """One is in the URL, or stored: a page puts it there only after this line is drawn."""
    name = state.get("collection")
    if state.get("matrix") is not None or name is None:
        return state.get("matrix") is not None
    try:
        return bool(store.affinities_of(store.collection(name)))
    except TaskvizError:
        return False


def draw(page: str) -> None:
    """The line at the top of a page; nothing where no tour is on."""
    if state.get(KEY) != "on":
        return
    numbers = {step.page: i for i, step in enumerate(STEPS)}
    reached = done()
    here = numbers.get(page)
    # On a page of the tour its own step is told, wherever one is.
    current = here if here is not None and here <= reached else min(reached, len(STEPS) - 1)
    step = STEPS[current]
    with st.container(border=True, gap="xsmall", key="tour"):
        st.progress(
            (current + 1) / len(STEPS),
            text=f"Guided path · step {current + 1} of {len(STEPS)}: {BY_NAME[step.page].title}",
        )
        st.markdown(step.words)
        with st.container(horizontal=True, vertical_alignment="center"):
            if step.page != page:
                _go(f"Go to {BY_NAME[step.page].title}", step.page, "tour_go")
            elif current + 1 < len(STEPS) and reached > current:
                following = STEPS[current + 1].page
                _go(f"Next: {BY_NAME[following].title}", following, "tour_next")
            if presses.button("Leave the path", key="tour_leave", type="tertiary"):
                state.put(KEY, None)
                st.rerun()


def _go(label: str, page: str, key: str) -> None:
    if presses.button(label, key=key, icon=":material/arrow_forward:"):
        st.switch_page(BY_NAME[page].file, query_params=state.query())
