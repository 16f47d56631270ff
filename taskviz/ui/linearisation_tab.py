"""The tab that answers: how far can first-order estimates of this network be trusted?"""

import streamlit as st

from taskviz.figures import linearisation
from taskviz.figures.style import chart_config
from taskviz.jobs import LIVE
from taskviz.ui import frame, glossary, job_panel, state, store, tables, user
from taskviz.ui.number_field import checked, number_field, shut
from taskviz.values import TaskCollection
from taskviz.verbs.linearisation import stored_linearisations

JOB = "linear"


def draw(collection: TaskCollection) -> None:
    """Start it, watch it, read it."""
    st.markdown(
        "The gradient-based estimator replaces training by a first-order expansion around a joint "
        "network. This measures what the expansion misses when the network moves by 1 to 10 % of "
        "its length, over random groups of tasks."
    )
    job = store.job(state.get(JOB))
    if job is not None and job.kind == "linearisation":
        job_panel.watch(job)
        if job.state in LIVE:
            return
    found = stored_linearisations(collection, store.cache())
    if found:
        st.plotly_chart(
            linearisation.linearisation_lines(found, dark=frame.dark()),
            theme=None,
            key="linearisation",
            config=chart_config(),
            alt=linearisation.describe_linearisation(found),
        )
        label = next(iter(found))
        if len(found) > 1:
            label = (
                st.selectbox(
                    "Table of", list(found), key="linearisation_table", bind="query-params"
                )
                or label
            )
        tables.show(
            store.readable(found[label]), hide_index=True, alt="The numbers behind the chart"
        )
        st.caption(
            "Residual: sum of squares of what the expansion misses, as a share of the outputs'; "
            "mean over subsets with its standard error, on validation samples."
        )
    with st.container(horizontal=True, vertical_alignment="bottom"), checked() as wrong:
        subsets = number_field(
            "Random groups",
            100,
            key="linear_subsets",
            minimum=1,
            maximum=10_000,
            width=160,
            help=glossary.meaning("group"),
        )
        if user.edit_button(
            "Measure again" if found else "Measure the error",
            icon=":material/play_arrow:",
            key="start_linearisation",
            **shut(wrong),
        ):
            job_panel.start(
                "linearisation",
                {"subsets": int(subsets)},
                title=f"Linearisation error on {collection.name}",
                url_key=JOB,
            )
