"""What can go into a report: of the collection in use, or of a report that was opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import streamlit as st

from taskviz.cache import key_of
from taskviz.grouping import GROUPERS
from taskviz.jobs import Job
from taskviz.report.contents import Contents, PinnedPlan
from taskviz.report.design import Design
from taskviz.report.document import Document, Drawn, draw, lay_out
from taskviz.report.facts import Facts
from taskviz.report.write import document_bytes
from taskviz.ui import job_panel, state, store
from taskviz.ui.comments import comments_of
from taskviz.ui.drafts import Draft
from taskviz.ui.labels import matrix_labels
from taskviz.ui.scenarios import Scenario, list_scenarios
from taskviz.values import AffinityMatrix, Grouping, TaskCollection, TaskvizError, TrainingResult


@dataclass(frozen=True)
class Offer:
    """What is there to choose from.

    Args:
        about: what a draft of it belongs to.
        name: for people and for the name of the file.
        facts: of the collection.
        matrices: key → matrix.
        labels: key → words, of matrices, scenarios and runs.
        plan: in the URL, or that of the run.
        results: of the run in the URL.
        scenarios: key → scenario.
        runs: id → job of other trainings that are done.
        whole: everything there is, of a report that was opened.
        design: what its layout begins with.
    """

    about: str
    name: str
    facts: Facts
    matrices: dict[str, AffinityMatrix] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    plan: Grouping | None = None
    results: dict[str, TrainingResult] = field(default_factory=dict)
    scenarios: dict[str, Scenario] = field(default_factory=dict)
    runs: dict[str, Job] = field(default_factory=dict)
    whole: Contents | None = None
    design: Design = field(default_factory=Design)


@st.cache_resource(max_entries=16, show_spinner=False)
def _facts(fingerprint: str, reference: str, _collection: TaskCollection) -> Facts:
    return Facts.of(_collection)


def of_collection(collection: TaskCollection) -> Offer:
    """Everything that is stored of a collection."""
    stored = store.affinities_of(collection)
    job = store.job(state.get("run"))
    results = store.results(job) if job is not None and job.state == "done" else {}
    plan = results["chosen"].grouping if "chosen" in results else store.plan(state.get("plan"))
    keys = dict.fromkeys([key for key, _ in stored])
    scenarios = {
        scenario.key: scenario for key in keys for scenario in list_scenarios(store.cache(), key)
    }
    spec = {"collection": store.resolve(state.get("collection") or "").to_json()}
    runs = {
        other.id: other
        for other in store.trainings_of(spec)
        if other.state == "done" and (job is None or other.id != job.id)
    }
    labels = {
        **matrix_labels(stored),
        **{key: scenario.name for key, scenario in scenarios.items()},
        **{key: job_panel.named(other) for key, other in runs.items()},
    }
    facts = _facts(collection.fingerprint, collection.origin.reference, collection)
    return Offer(
        about=state.get("collection") or "",
        name=collection.name,
        facts=facts,
        matrices=dict(stored),
        labels=labels,
        plan=plan,
        results=results,
        scenarios=scenarios,
        runs=runs,
    )


def contents_of(offer: Offer, draft: Draft) -> Contents:
    """What the draft takes of it."""
    if offer.whole is not None:
        return offer.whole
    picked = [offer.matrices[key] for key in picked_matrices(offer, draft)]
    pinned = [offer.scenarios[key] for key in draft.scenarios if key in offer.scenarios]
    runs = {
        offer.labels[key]: store.results(offer.runs[key]) for key in draft.runs if key in offer.runs
    }
    return Contents(
        facts=offer.facts,
        affinities=tuple(picked),
        groupings=() if offer.plan is None else (offer.plan,),
        results=offer.results,
        frontier=tuple(_budgets(offer)),
        scenarios=tuple(
            PinnedPlan(
                each.name, each.plan, each.notes, tuple(comments_of(store.cache(), each.key))
            )
            for each in pinned
        ),
        runs={name: results for name, results in runs.items() if results},
    )


def picked_matrices(offer: Offer, draft: Draft) -> list[str]:
    """Keys of the matrices that go in: the one in use where none were chosen."""
    if draft.matrices is not None:
        return [key for key in draft.matrices if key in offer.matrices]
    current = state.get("matrix")
    first = current if current in offer.matrices else next(iter(offer.matrices), None)
    return [] if first is None else [first]


def _budgets(offer: Offer) -> Sequence[Grouping]:
    """The plans of every budget by the plan's own method, where its matrix is stored here."""
    plan, key = offer.plan, state.get("matrix") or ""
    if plan is None or key not in offer.matrices or plan.method not in GROUPERS:
        return []
    if plan.cost_unit != "networks":
        # Its prices are not kept: a frontier in models would not be one of this plan.
        return []
    try:
        return store.frontier(key, offer.matrices[key], plan.method, dict(plan.options))
    except TaskvizError:
        return []


@dataclass(frozen=True)
class Made:
    """A document, and the key of all that it depends on."""

    key: str
    document: Document


@st.cache_resource(max_entries=6, show_spinner="Drawing the figures…")
def _drawn(key: str, _contents: Contents, compare: tuple[str, str] | None) -> Drawn:
    return draw(_contents, compare)


@st.cache_resource(max_entries=6, show_spinner=False)
def _document(key: str, _of: Drawn, _design: Design) -> Document:
    return lay_out(_of, _design, datetime.now(UTC))


def document(contents: Contents, design: Design) -> Made:
    """The document: figures are drawn when the content changes, and put in their places when the
    design does; a note draws nothing again.

    Raises:
        TaskvizError: plans to compare that are not there.
    """
    key = key_of(
        collection=contents.facts.to_json(),
        affinities=[matrix.to_json() for matrix in contents.affinities],
        groupings=[grouping.to_json() for grouping in contents.groupings],
        results=_named(contents.results),
        runs={name: _named(results) for name, results in contents.runs.items()},
        scenarios=[pinned.to_json() for pinned in contents.scenarios],
        frontier=[grouping.to_json() for grouping in contents.frontier],
    )
    drawn = _drawn(key, contents, design.compare)
    key = key_of(contents=key, design=design.to_json())
    return Made(key, _document(key, drawn, design))


def _named(results: Mapping[str, TrainingResult]) -> list[object]:
    return [[label, dict(r.settings), r.seconds, r.seed] for label, r in results.items()]


@st.cache_data(max_entries=6, show_spinner=False)
def _bytes(key: str, format: str, _document: Document) -> bytes:  # noqa: A002
    return document_bytes(_document, format)


def file_of(made: Made, format: str) -> bytes:  # noqa: A002
    """The file of a format; a PDF and a .zip start a browser once.

    Raises:
        TaskvizError: a PDF is wanted and there is no Chromium.
    """
    return _bytes(made.key, format, made.document)


def preview(made: Made) -> str:
    """The HTML page."""
    return file_of(made, "html").decode()
