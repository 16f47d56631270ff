"""The tab that answers: are more samples what this matrix lacks?"""

import numpy as np
import streamlit as st

from taskviz.affinity.sample_size import RISEN
from taskviz.figures import sample_size
from taskviz.figures.style import chart_config, three_digits
from taskviz.jobs import LIVE, Job
from taskviz.ui import job_panel, presses, state, store, tables, user
from taskviz.ui.number_field import checked, number_field, shut
from taskviz.ui.text import safe
from taskviz.values import TaskCollection, TaskvizError
from taskviz.verbs import read_sample_size

COLUMNS = ("samples", "samples_error")


def draw(collection: TaskCollection, *, dark: bool) -> None:
    """Start the study, watch it, read it."""
    st.markdown(
        "SCA at several sample sizes: do two disjoint samples rank the pairs alike, and do two "
        "initial states?"
    )
    job = store.job(state.get("study"))
    if job is None or job.kind != "sample-size":
        with checked() as wrong:
            repeats = number_field(
                "Repeats", 8, key="study_repeats", minimum=2, maximum=100, width=180
            )
        if user.edit_button(
            "Start the study", icon=":material/play_arrow:", type="primary", **shut(wrong)
        ):
            job_panel.start(
                "sample-size",
                {"options": {}, "repeats": int(repeats)},
                title=f"Sample size of SCA on {collection.name}",
                url_key="study",
            )
        return
    job_panel.watch(job)
    if job.state == "done":
        _answer(job, dark=dark)
    if job.state not in LIVE and presses.button("Another study", icon=":material/add:"):
        state.put("study", None)
        st.rerun()


def _answer(job: Job, *, dark: bool) -> None:
    try:
        study = read_sample_size(str(job.result.get("study", "")), store.cache())
    except TaskvizError as error:
        st.warning(safe(error))
        return
    last = study.to_frame().iloc[-1]
    settled = study.settled_at
    if settled is None:
        words = f"Even at n = {int(last['n']):,} two disjoint samples do not rank the pairs alike."
    else:
        words = f"From **n = {settled:,}** on two disjoint samples rank the pairs alike."
        frame = study.to_frame().set_index("n")
        value, spread = (float(frame[c].to_numpy()[frame.index == settled][0]) for c in COLUMNS)
        words += f" They correlate {three_digits(value, spread)} there."
        if np.isfinite(spread) and value - 2 * spread < RISEN:
            words += " That is within two standard errors of 0.9: a larger n may be needed."
    if last["inits"] < 0.5:
        words += (
            " Two initial states do not, at any n: more samples cannot help, more **inits** can."
        )
    st.markdown(words)
    st.plotly_chart(
        sample_size.sample_size_lines(study, dark=dark),
        theme=None,
        key="sample_size",
        config=chart_config(),
        alt=sample_size.describe_sample_size(study),
    )
    st.caption(
        "Mean Spearman correlation of the off-diagonal entries, with one standard error over "
        f"{study.options.get('repeats')} repeats; the dotted line is 0.9."
    )
    for note in study.notes:
        st.caption(f":material/info: {safe(note)}")
    tables.show(
        store.readable(study.to_frame()), hide_index=True, alt="The numbers behind the chart"
    )
