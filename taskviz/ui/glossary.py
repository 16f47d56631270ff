"""Terms of the field, in one place: helps of controls and the foot of each "?" use it."""

from typing import Final

import streamlit as st

TERMS: Final = {
    "collection": "A set of tasks on the same samples (joint), or each on samples of its own "
    "(separate).",
    "task": "One thing to predict: a column of targets, with its kind and its metric.",
    "affinity": "How much learning a source task beside a target task helps the target; higher "
    "helps more.",
    "source": "The task that may help: a row of the matrix.",
    "target": "The task that is helped or hurt: a column of the matrix.",
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
    "run": "One training job: the chosen plan and what it is compared with, over all seeds.",
    "contender": "One way of grouping that a run trains: the chosen plan or a baseline.",
    "metric": "How predictions are judged; of loss, mae, rmse and error lower is better, of auroc "
    "and balanced accuracy higher.",
    "seed": "What all that is random starts from: the same seed gives the same numbers.",
    "matrix": "The affinity of every source with every target, by one estimator.",
    "density": "How far apart optima lie, scaled by how sharply the losses bend.",
    "smoothness": "How sharply a loss bends: the largest entry of its Hessian's diagonal.",
    "fingerprint": "A hash of the data: equal fingerprints, equal data.",
}
"""Term → one or two plain sentences."""
OF_PAGE: Final = {
    "collection": ("collection", "task", "validation data", "test data", "fingerprint"),
    "affinity": ("affinity", "matrix", "estimator", "standard error", "reliability", "seed"),
    "groups": ("group", "budget", "plan", "serving", "score", "scenario", "affinity"),
    "training": (
        *("run", "contender", "baseline", "gain", "negative transfer"),
        *("weighting", "metric", "seed", "serving", "trunk"),
    ),
    "evidence": ("captured share", "baseline", "reliability", "estimator"),
    "optima": ("optimum", "trunk", "affinity"),
    "landscape": ("optimum", "density", "smoothness", "affinity", "trunk"),
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
