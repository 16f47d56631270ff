"""How much does each task help each other?"""

from typing import Any

import streamlit as st

from taskviz.affinity import ESTIMATORS, estimator_class
from taskviz.figures.style import duration_words, size_words
from taskviz.jobs import Job
from taskviz.ui import (
    answers,
    compare_matrices,
    frame,
    glossary,
    job_panel,
    matrix_view,
    presses,
    sample_size_tab,
    state,
    store,
    user,
)
from taskviz.ui.affinity_words import guess_words, headline
from taskviz.ui.labels import matrix_labels
from taskviz.ui.number_field import checked, number_field, shut
from taskviz.ui.options_form import options_form, seed_field
from taskviz.ui.text import plural, safe
from taskviz.values import AffinityMatrix, TaskCollection, TaskvizError

FIRST = {"gradient-cosine": " (quick)", "pooled-surrogate": " (accurate)"}


def take_results() -> None:
    """Show what a job of this page found, once, before anything of it is drawn."""
    measurement = answers.job_in_use()
    if measurement is not None and measurement.state == "done":
        key = str((measurement.result or {}).get("affinity", ""))
        if key and st.session_state.get("measured") != measurement.id:
            st.session_state["measured"] = measurement.id
            state.put("matrix", key)
    job = store.job(state.get("job"))
    if job is not None and job.kind == "affinity" and job.state == "done":
        key = str((job.result or {}).get("affinity", ""))
        if key and state.get("matrix") is None:
            state.put("matrix", key)


frame.title("affinity")
collection = frame.need_collection()
take_results()
stored = store.affinities_of(collection)


def price_words(
    collection: TaskCollection, method: str, options: dict[str, Any], repeats: int
) -> str:
    """What a run will cost here, before it is started."""
    cost = store.price(state.get("collection") or "", collection, method, options)
    networks = cost.networks * repeats
    words = "no network to train" if not networks else plural(networks, "network")
    before = [m.seconds / int(m.options.get("repeats", 1)) for _, m in stored if m.method == method]
    likely = store.likely(cost.effort and cost.effort * repeats, "affinity", method, cost.like)
    if likely:
        words += f", {likely}"
    elif cost.seconds is not None:
        seconds = cost.seconds * repeats
        words += f", at most {duration_words(seconds)} if trained one after another"
    if before:
        words += f"; {duration_words(before[0] * repeats)} by the last time here"
    if cost.memory is not None:
        words += f"; up to {size_words(cost.memory)} of memory beside the libraries"
    return words


def choose_estimator(collection: TaskCollection) -> None:
    """Left: an estimator, its options, its price, and the button."""
    method = st.selectbox(
        "Estimator",
        [*FIRST, *(name for name in ESTIMATORS if name not in FIRST)],
        format_func=lambda name: estimator_class(name).title + FIRST.get(name, ""),
        key="estimator",
        help=glossary.meaning("estimator"),
        persist_state="session",
    )
    kind = estimator_class(method)
    st.caption(kind.summary)
    # Above the options, so that it is in sight without scrolling.
    start = st.container(gap="xsmall")
    with checked() as wrong:
        options = options_form(kind.Options, f"opt_{method}")
        repeats = int(
            number_field(
                "Repeat over so many seeds",
                1,
                key="affinity_repeats",
                minimum=1,
                maximum=1000,
                help="From 2 on the matrix is a mean with standard errors, and its reliability is "
                "measured: would two halves of the repeats choose alike? Each repeat draws initial "
                "state, split and subsets anew (a method that draws nothing: halves of the rows) "
                "and costs as much as the first.",
            )
        )
        seed = seed_field("affinity_seed")
    settings: dict[str, Any] = {"icon": ":material/play_arrow:", "width": "stretch"}
    if wrong:
        presses.button("Compute", place=start, **settings, **shut(wrong))
        return
    try:
        kind(**options)
    except TaskvizError as error:
        st.error(safe(error))
        return
    price = price_words(collection, method, options, repeats)
    start.caption(f":material/timer: Cost: {price}.")
    if presses.button("Compute", place=start, **settings):
        job_panel.start(
            "affinity",
            {"method": method, "options": options, "seed": seed, "repeats": repeats},
            title=f"{kind.title} on {collection.name}" + (f", {repeats} times" * (repeats > 1)),
            url_key="job",
        )


def recommended(collection: TaskCollection) -> None:
    """Left, first: what the evidence speaks for, in two steps."""
    st.markdown("**Recommended, in two steps**")
    guess, accurate = estimator_class("gradient-cosine"), estimator_class("pooled-surrogate")
    st.caption(f"1 · **A first guess, at once** by {guess.title.lower()}; trains nothing.")
    if user.edit_button(
        "Make a first guess",
        type="secondary" if stored else "primary",
        icon=":material/bolt:",
        width="stretch",
        key="first_guess",
    ):
        job_panel.start(
            "affinity",
            {"method": guess.name, "options": {}, "seed": 0},
            title=f"{guess.title} on {collection.name}",
            url_key="job",
        )
    few = len(collection.tasks) < 3
    st.caption(
        f"2 · **Measured** by {accurate.title.lower()}: small networks on random groups in "
        f"{answers.ROUNDS} rounds of fresh seeds, for {answers.MINUTES} minutes at the most."
    )
    if user.edit_button(
        "Measure accurately",
        type="primary" if stored else "secondary",
        icon=":material/science:",
        width="stretch",
        key="measure_accurately",
        disabled=few,
        help="From 3 tasks on it can matter which of them train together." if few else None,
    ):
        answers.start(collection, answers.first_entries())


def watch_measurement() -> None:
    """The accurate mode while it runs."""
    job = answers.job_in_use()
    if job is not None:
        job_panel.watch(job, _measurement_so_far)


def _measurement_so_far(job: Job) -> None:
    with st.container(border=True, gap="xsmall"):
        found = answers.of_job(job)
        st.markdown(
            f"**So far:** {safe(found[-1].sentence)}"
            if found
            else "**The first answer comes within about a minute.**"
        )
        job_panel.headline(job)
        if presses.button("See it on the Evidence page", icon=":material/balance:"):
            frame.go("evidence")


def watch_job() -> None:
    """The job in the URL, while it computes an affinity of this page."""
    job_id = state.get("job")
    job = store.job(job_id)
    if job is not None and job.kind == "affinity":
        job_panel.watch(job, ended=_show_result)


def _show_result(job: Job) -> None:
    if job.state == "done" and job.result:
        state.put("matrix", str(job.result["affinity"]))


def choose_matrix() -> tuple[str, AffinityMatrix] | None:
    """The matrix in the URL, else the newest one of this collection; a list where several are."""
    if not stored:
        return None
    keys = [key for key, _ in stored]
    wanted = state.get("matrix")
    if wanted not in keys:
        wanted = keys[0]
    if len(stored) > 1:
        wanted = st.selectbox(
            "Matrix shown",
            keys,
            index=keys.index(wanted),
            format_func=matrix_labels(stored).__getitem__,
            help="Every matrix that was computed for this collection.",
        )
    if state.get("matrix") != wanted:
        state.put("matrix", wanted)
    return wanted, dict(stored)[wanted]


with st.container(key="result_first" if stored else None):
    side, main = st.columns([1, 3], gap="large")
with side:
    current = choose_matrix()
    with st.container(border=True, gap="small"):
        recommended(collection)
    with st.container(border=True):
        choose_estimator(collection)
with main:
    watch_measurement()
    watch_job()
    if current is None:
        with st.container(border=True):
            st.markdown("#### No affinity yet")
            st.markdown(
                "**Make a first guess** to see at once how the tasks may help each other; it "
                "takes seconds and trains nothing. **Measure accurately** trains networks until "
                "one can tell. Any other estimator is below."
            )
    else:
        matrix = current[1]
        st.markdown(headline(matrix))
        if matrix.method == "gradient-cosine":
            st.caption(f":material/bolt: {safe(guess_words())}")
        for note in matrix.notes:
            st.caption(f":material/info: {safe(note)}")
        views = ["Matrix and graph", "Compare", "Sample size", "Table"]
        tabs = st.tabs(views, on_change="rerun", key="affinity_tab", bind="query-params")
        if tabs[0].open:
            with tabs[0]:
                matrix_view.draw_matrix(matrix)
        if tabs[1].open:
            with tabs[1]:
                compare_matrices.draw(stored, dark=frame.dark())
        if tabs[2].open:
            with tabs[2]:
                sample_size_tab.draw(collection, dark=frame.dark())
        if tabs[3].open:
            with tabs[3]:
                matrix_view.draw_table(matrix)
frame.next_step(
    "Find groups", "groups", ready=current is not None, why="Compute an affinity first."
)
