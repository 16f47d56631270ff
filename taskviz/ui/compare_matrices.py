"""Estimators side by side: matrices on one scale, their rank agreement, their price."""

import pandas as pd
import streamlit as st

from taskviz.affinity.agreement import rank_agreement
from taskviz.affinity.reliability import reliability
from taskviz.figures import heatmap
from taskviz.figures.small_heatmap import small_heatmap
from taskviz.figures.style import chart_config, duration_words
from taskviz.ui import glossary, linked, tables
from taskviz.ui.affinity_words import trust_badge
from taskviz.ui.labels import matrix_labels
from taskviz.ui.text import safe
from taskviz.values import AffinityMatrix

MOST = 6


def draw(stored: list[tuple[str, AffinityMatrix]], *, dark: bool) -> None:
    """Choose up to six matrices of one collection and compare them."""
    matrices = dict(stored)
    if len(matrices) < 2:
        st.info("Compute a second matrix, by another estimator or seed, to compare the two.")
        return
    names = matrix_labels(stored)
    picked = linked.several(
        "Matrices",
        "compared",
        list(matrices),
        list(matrices)[:3],
        names.__getitem__,
        most=MOST,
        help=glossary.meaning("matrix"),
    )
    if len(picked) < 2:
        st.caption("Choose at least two.")
        return
    labels = [names[key] for key in picked]
    agreement = rank_agreement([matrices[key] for key in picked], labels)
    st.markdown("**Do they rank the pairs alike?** Spearman correlation of the entries")
    tables.show(
        tables.harmless(agreement).style.format("{:.2f}", na_rep="–"),
        alt="Rank correlation of each two matrices; 1 is the same order, 0 is none",
    )
    order = heatmap.cluster_order(matrices[picked[0]])
    with st.grid("auto", min_column_width=300, gap="small"):
        for key, label in zip(picked, labels, strict=True):
            with st.container(border=True, gap="xsmall"):
                st.markdown(f"**{safe(label)}** {trust_badge(matrices[key])}")
                st.plotly_chart(
                    small_heatmap(matrices[key], order=order, dark=dark),
                    theme=None,
                    key=f"small_{key}",
                    config=chart_config(),
                    alt=heatmap.describe_affinity_heatmap(matrices[key]),
                )
    st.caption(
        "Each heatmap is coloured by the ranks of its own entries, since estimators differ in "
        "unit; all stand in the same order."
    )
    tables.show(
        pd.DataFrame(
            {
                "matrix": labels,
                "time": [duration_words(matrices[key].seconds) for key in picked],
                "networks trained": [matrices[key].networks_trained for key in picked],
                "reliability": [reliability(matrices[key]).grade for key in picked],
            }
        ),
        hide_index=True,
        alt="Cost and reliability of each matrix",
    )
