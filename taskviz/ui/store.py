"""What pages read: the cache, the job store, collections and matrices, each opened once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from taskviz.affinity import estimator_class
from taskviz.cache import Cache, key_of
from taskviz.data.builtin import BUILT_INS
from taskviz.data.reference import CollectionRef, open_collection
from taskviz.figures.style import duration_words
from taskviz.figures.task_graph import graph_layout
from taskviz.jobs import Job, JobStore
from taskviz.jobs.past_costs import Calibration, past_calibration
from taskviz.ui.text import plural
from taskviz.values import (
    AffinityMatrix,
    Grouping,
    TaskCollection,
    TaskvizError,
    TrainingResult,
)
from taskviz.values.storage import dumps, read_json, write_text
from taskviz.verbs import (
    group_frontier,
    price_groups,
    read_training,
    stored_affinities,
)

if TYPE_CHECKING:
    # What imports torch is imported where it is used: the first page does without.
    from taskviz.affinity.price import Price
    from taskviz.grouping.group_costs import CostModel


def cache() -> Cache:
    """The cache of this installation."""
    return Cache()


@st.cache_resource(show_spinner=False)
def jobs() -> JobStore:
    """The job store of this installation."""
    return JobStore(cache())


def job(key: str | None) -> Job | None:
    """A job by its id; None where there is none."""
    if not key:
        return None
    try:
        return jobs().get(key)
    except TaskvizError:
        return None


def publish(ref: CollectionRef) -> str:
    """A short name of a reference for the URL; other browsers and later days find it again."""
    plain = ref.to_json()
    if ref == CollectionRef(ref.reference) and ref.reference in BUILT_INS:
        return ref.reference
    key = key_of(**plain)
    if cache().find("reference", key) is None:
        cache().put(
            "reference", key, lambda folder: write_text(folder / "ref.json", dumps(plain)), {}
        )
    return f"c-{key}"


def resolve(name: str) -> CollectionRef:
    """The reference behind a name from the URL.

    Raises:
        TaskvizError: the link speaks of a collection that this cache does not hold.
    """
    if not name.startswith("c-"):
        return CollectionRef(name)
    folder = cache().find("reference", name[2:]) if name[2:].isalnum() else None
    if folder is None:
        raise TaskvizError(
            "This link speaks of a collection that is not stored here: choose one on the "
            "Collection page."
        )
    return CollectionRef.from_json(read_json(Path(folder) / "ref.json", "collection reference"))


@st.cache_resource(max_entries=8, show_spinner="Opening the collection…")
def collection(name: str) -> TaskCollection:
    """The collection behind a name from the URL."""
    return open_collection(resolve(name), cache())


def affinities_of(collection: TaskCollection) -> list[tuple[str, AffinityMatrix]]:
    """Key and matrix of everything computed for a collection, newest first."""
    return [(found.key, found.matrix) for found in stored_affinities(collection, cache())]


@st.cache_data(max_entries=256, show_spinner=False)
def price(key: str, _collection: TaskCollection, method: str, options: dict[str, Any]) -> "Price":
    """What an estimator will cost on this device; tried once for each setting."""
    from taskviz.affinity.price import price as measure_price
    from taskviz.engines import pick_device

    estimator = estimator_class(method)(**options)
    return measure_price(estimator, _collection, pick_device("auto"))


@st.cache_data(max_entries=256, show_spinner=False)
def _calibration(
    kind: str,
    method: str,
    like: dict[str, str],
    root: str,
    ended: tuple[int, float],
    _store: JobStore,
) -> Calibration:
    """What past jobs took on this device against what was reckoned; anew when one has ended."""
    from taskviz.engines import pick_device

    device = pick_device("auto").type
    return past_calibration(_store.list(limit=400), kind, method, device, like=like)


def likely(told: float | None, kind: str, method: str, like: Mapping[str, str]) -> str:
    """A time in words, corrected by past jobs, with how far such estimates were off; "" of none.

    Args:
        like: ``network`` and ``way`` of what is to be run: the jobs most alike count.
    """
    if told is None:
        return ""
    store = jobs()
    known = _calibration(kind, method, dict(like), str(store.root), store.ended(), store)
    if not known.jobs:
        return ""
    off = "" if known.error is None else f", usually within a factor of {known.error:.2g}"
    return f"{duration_words(told * known.factor)} by {plural(known.jobs, 'past job')}{off}"


@st.cache_resource(max_entries=64, show_spinner="Pricing the networks…")
def prices(
    key: str, _collection: TaskCollection, unit: str, options: dict[str, Any]
) -> "CostModel":
    """What groups cost in a unit; latency is measured once, so that a slider stands still."""
    return price_groups(_collection, unit, **options)


@st.cache_data(max_entries=64, show_spinner=False)
def layout(key: str, _matrix: AffinityMatrix) -> dict[str, tuple[float, float]]:
    """Positions of the task graph, stable while a threshold moves."""
    return graph_layout(_matrix)


@st.cache_resource(max_entries=64, show_spinner="Grouping for every budget…")
def frontier(
    key: str, _matrix: AffinityMatrix, method: str, options: dict[str, Any]
) -> list[Grouping]:
    """A grouping for each budget 1…T."""
    return group_frontier(_matrix, method, **options)


def publish_plan(plan: Grouping) -> str:
    """Store a plan under the hash of its content; the key goes into the URL."""
    plain = plan.to_json()
    key = key_of(plan=plain)
    if cache().find("plan", key) is None:
        cache().put("plan", key, lambda folder: plan.save(folder / "plan.json"), {})
    return key


def plan(key: str | None) -> Grouping | None:
    """The plan behind a key from the URL; None where there is none."""
    folder = cache().find("plan", key) if key and key.isalnum() else None
    return Grouping.read(folder / "plan.json") if folder else None


@st.cache_resource(max_entries=8, show_spinner="Reading the results…")
def _results(labelled: tuple[tuple[str, str], ...]) -> dict[str, TrainingResult]:
    return {label: read_training(key, cache()) for label, key in labelled}


def results(job: Job) -> dict[str, TrainingResult]:
    """Results of a finished training by contender; empty where the cache no longer holds them."""
    labelled = tuple((job.result or {}).get("results", {}).items())
    try:
        return _results(labelled)
    except TaskvizError:
        return {}


def trainings_of(spec: Mapping[str, Any]) -> list[Job]:
    """Training jobs of the collection that a spec names, newest first."""
    found = jobs().list(limit=200)
    same = [j for j in found if j.spec.get("collection") == spec.get("collection")]
    return [j for j in same if j.kind == "training"]


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The same table with numbers of three or four significant digits."""
    return table.map(lambda value: float(f"{value:.4g}") if isinstance(value, float) else value)


def file_bytes(save: Callable[[Path], object], name: str) -> bytes:
    """What ``save`` writes, for a download."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        save(path)
        return path.read_bytes()


def publish_spec(spec: Mapping[str, Any]) -> str:
    """The URL name of the collection that a job works on."""
    return publish(CollectionRef.from_json(spec["collection"]))


def with_tasks(ref: CollectionRef, tasks: Sequence[str]) -> CollectionRef:
    """The same collection with these tasks only; none given keeps all."""
    return replace(ref, tasks=tuple(tasks))
