"""Terms of the field, in one place: helps of controls and the foot of each "?" use it."""

from typing import Final

import streamlit as st

TERMS: Final = {
    "collection": "A set of tasks on the same samples (joint), or each on samples of its own "
    "(separate).",
    "task": "One thing to predict: a column of targets, with its kind and its metric.",
    "affinity": "How much learning a source task beside a target task helps the target; higher "
    "helps more.",
    "estimator": "A method that guesses affinities without training every group.",
    "standard error": "How far a measured mean is typically off; without one, a value was seen "
    "once only.",
    "reliability": "Would a second measurement choose alike? 1 is always, 0 no better than chance.",
    "group": "Tasks that share one network.",
    "budget": "How many networks, parameters, operations or milliseconds can be afforded at "
    "inference.",
    "plan": "Groups within a budget, and which group serves each task.",
    "serving": "Which group's network answers for a task, chosen on validation data.",
    "score": "What a plan is predicted to be worth; only training measures it.",
    "scenario": "A plan that somebody saved under a name, with notes and comments.",
    "baseline": "What a plan must beat: all tasks together, each alone, random groups.",
    "negative transfer": "Learning together makes a task worse than learning it alone.",
    "gain": "The part of a task's loss alone that a plan saves; below 0 it hurts.",
    "weighting": "How the losses of the tasks of one network are combined.",
    "validation data": "Samples that choices are made on: stopping, serving, plans.",
    "test data": "Samples that no choice was made on; looked at for the final figure alone.",
    "captured share": "The part of the best plan's gain over random groups that a chosen plan "
    "reaches.",
    "optimum": "The shared parameters after one gradient step of one task on one sample.",
    "trunk": "The layers that all tasks of a network share; each task has a head of its own.",
    "job": "Long work in a process of its own; it goes on when the page is closed.",
    "fingerprint": "A hash of the data: equal fingerprints, equal data.",
}
"""Term → one or two plain sentences."""
OF_PAGE: Final = {
    "collection": ("collection", "task", "validation data", "test data", "fingerprint"),
    "affinity": ("affinity", "estimator", "standard error", "reliability"),
    "groups": ("group", "budget", "plan", "serving", "score", "scenario", "affinity"),
    "training": ("baseline", "gain", "negative transfer", "weighting", "serving", "trunk"),
    "evidence": ("captured share", "baseline", "reliability", "estimator"),
    "optima": ("optimum", "trunk", "affinity"),
    "landscape": ("optimum", "affinity", "trunk"),
    "laboratory": ("negative transfer", "gain"),
    "report": ("plan", "scenario", "baseline", "standard error", "fingerprint"),
    "jobs": ("job",),
}
"""Page → the terms that it uses."""


def meaning(term: str) -> str:
    """A help text."""
    return f"{term.capitalize()}: {TERMS[term]}"


def terms(page: str) -> None:
    """The terms of a page, each explained where the mouse or the focus is on it."""
    names = OF_PAGE.get(page, ())
    if not names:
        return
    with st.container(horizontal=True, gap="small"):
        st.caption("Terms:", width="content")
        for name in names:
            st.caption(name, help=TERMS[name], width="content")
