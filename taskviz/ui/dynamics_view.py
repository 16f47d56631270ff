"""Affinities over a joint training: does the ranking of pairs stay as it was at the start?"""

import numpy as np
import streamlit as st

from taskviz.affinity.dynamics import METHODS, DynamicsStudy
from taskviz.affinity.sample_size import RISEN
from taskviz.figures import dynamics
from taskviz.figures.style import chart_config, three_digits
from taskviz.ui import frame, glossary, pair, store, tables
from taskviz.ui.text import safe


def headline(study: DynamicsStudy) -> str:
    """The answer in a sentence a method."""
    table = study.stability()
    parts = []
    for method, title in METHODS.items():
        own = table[table["method"] == method]
        value, error = (float(own[name].to_numpy()[-1]) for name in ("start", "start_error"))
        if np.isnan(value):
            parts.append(f"{title} has no ranking to compare")
            continue
        verdict = (
            "the ranking at the start still stands"
            if value >= RISEN
            else "the start says something, not all"
            if value >= 0.5
            else "the start says little about what training leads to"
        )
        parts.append(
            f"{title}: after {study.epochs[-1]} epochs its ranking of pairs correlates "
            f"**{three_digits(value, error)}** with the one at the start; {verdict}"
        )
    return ". ".join(parts) + "."


def draw(study: DynamicsStudy) -> None:
    """Words, stability, lines a pair, animated matrix."""
    st.markdown(headline(study))
    for note in study.notes:
        st.caption(f":material/info: {safe(note)}")
    dark = frame.dark()
    st.plotly_chart(
        dynamics.stability_lines(study, dark=dark),
        theme=None,
        key="stability_lines",
        config=chart_config(),
        alt=dynamics.describe_stability(study),
    )
    trainings = len(study.loss)
    st.caption(
        "Mean Spearman correlation of the off-diagonal entries"
        + (f", ± one standard error over {trainings} trainings." if trainings > 1 else ".")
    )
    method = st.segmented_control(
        "Affinity by",
        list(METHODS),
        default="sca",
        format_func=METHODS.__getitem__,
        required=True,
        key="dynamics_method",
        help=glossary.meaning("affinity"),
        bind="query-params",
    )
    chosen = pair.boxes(study.names, "dynamics_pair")
    left, right = st.columns(2)
    with left:
        st.markdown("**A line a pair**")
        st.plotly_chart(
            dynamics.pair_lines(study, method, chosen, dark=dark),
            theme=None,
            key="pair_lines",
            config=chart_config(),
            alt=dynamics.describe_dynamics(study, method),
        )
    with right:
        st.markdown("**The matrix, epoch by epoch**")
        st.plotly_chart(
            dynamics.animated_heatmap(study, method, dark=dark),
            theme=None,
            key="animated_heatmap",
            config=chart_config(),
            alt=dynamics.describe_dynamics(study, method),
        )
    with st.expander("The numbers behind", icon=":material/table:"):
        tables.show(
            store.readable(study.stability()), hide_index=True, alt="Rank correlations by epoch"
        )
