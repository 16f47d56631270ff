"""Answers to "does grouping matter here?": the newest that is known, and jobs that ask on."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from taskviz.evidence import Answer
from taskviz.figures.reliability_rounds import Round
from taskviz.jobs import Job
from taskviz.ui import job_panel, state, store
from taskviz.values import Grouping, TaskCollection, TaskvizError
from taskviz.verbs import read_answer, stored_answers
from taskviz.verbs.options import SMALL

JOB = "ask"
"""URL key of the job that asks."""
MINUTES = 5
ROUNDS = 5
MORE_ROUNDS = 20


@st.cache_resource(max_entries=64, show_spinner=False)
def _read(key: str) -> Answer:
    return read_answer(key, store.cache())


def job_in_use() -> Job | None:
    """The job in the URL, where it is one that asks."""
    job = store.job(state.get(JOB))
    return job if job is not None and job.kind == "answer" else None


def of_job(job: Job) -> list[Answer]:
    """The answers of a job so far, first round first; those that are still stored."""
    keys = {
        int(point["round"]): str(point["answer"])
        for _, point in store.jobs().metrics(job.id)
        if point.get("metric") == "answer"
    }
    found = []
    for _, key in sorted(keys.items()):
        try:
            found.append(_read(key))
        except TaskvizError:
            continue
    return found


def stored(collection: TaskCollection) -> list[Answer]:
    """The rounds of the answer that rests on most of them, first round first."""
    found = [entry.answer for entry in stored_answers(collection, store.cache())]
    if not found:
        return []
    best = _same(found[0])
    return sorted((a for a in found if _same(a) == best), key=lambda answer: answer.rounds)


def known(collection: TaskCollection) -> list[Answer]:
    """Answers by round: of the job in the URL, else what is stored."""
    job = job_in_use()
    return (of_job(job) if job is not None else []) or stored(collection)


def rounds_of(answers: list[Answer]) -> list[Round]:
    """Networks and reliability a round, for the curve."""
    return [(a.design_networks + a.check_networks, a.reliability) for a in answers]


def start(collection: TaskCollection, entries: dict[str, Any]) -> None:
    """Begin to ask."""
    job_panel.start(
        "answer", entries, title=f"Does grouping matter in {collection.name}?", url_key=JOB
    )


def first_entries(options: Mapping[str, Any] = SMALL) -> dict[str, Any]:
    """A job that answers within a minute, with small networks, and refines for some more."""
    return {"rounds": ROUNDS, "seconds": 60 * MINUTES, "options": dict(options)}


def more_entries(answer: Answer) -> dict[str, Any]:
    """A job that goes on where an answer ended: the same networks, found in the cache, and more."""
    settings = answer.settings
    return {
        "rounds": answer.rounds + MORE_ROUNDS,
        "seconds": 60 * MINUTES,
        "most_models": max(settings.get("budgets") or [4]),
        "overlap": bool(settings.get("overlap")),
        "worth": answer.worth,
        "seed": int(settings.get("seed") or 0),
        "options": dict(settings.get("training") or SMALL),
    }


def verdict_of(collection: TaskCollection, plan: Grouping) -> str | None:
    """What training said of exactly these groups; None where they were not asked about."""
    wanted = {frozenset(group) for group in plan.groups}
    for entry in stored_answers(collection, store.cache()):
        for budget, asked in entry.answer.plans.items():
            contrast = entry.answer.contrast("random", budget)
            if contrast is not None and {frozenset(group) for group in asked.groups} == wanted:
                return contrast.verdict
    return None


def _same(answer: Answer) -> str:
    settings = {name: v for name, v in answer.settings.items() if name != "rounds"}
    return repr(sorted(settings.items(), key=lambda pair: pair[0]))
