"""After a training: the answer, the tables, the curves, what had been predicted, downloads."""

from collections.abc import Callable, Mapping

import pandas as pd
import streamlit as st

from taskviz.figures import comparison
from taskviz.figures.style import chart_config
from taskviz.jobs import Job
from taskviz.training.compare import comparison_table, summary_sentences
from taskviz.ui import calibration_view, frame, live_curves, store, training_downloads
from taskviz.ui.text import safe
from taskviz.values import TaskCollection, TrainingResult

TABS = ("Result", "Curves", "Predicted against measured", "All metrics", "Downloads")


def draw(collection: TaskCollection, job: Job) -> None:
    """Sentences, then a tab for each view; a tab is computed when it is opened."""
    found = store.results(job)
    if not found:
        st.warning(
            "The results of this run are no longer in the cache: train again to see them.",
            title="Nothing stored",
        )
        return
    for line in summary_sentences(found):
        st.markdown(safe(line))
    tabs = st.tabs(list(TABS), on_change="rerun", key="result_tab", bind="query-params")
    views: tuple[Callable[[], None], ...] = (
        lambda: _result(found),
        lambda: live_curves.draw_results(found, job, dark=frame.dark()),
        lambda: calibration_view.draw(collection, found, job.id, dark=frame.dark()),
        lambda: _metrics(found),
        lambda: training_downloads.draw(collection, found, job),
    )
    for tab, view in zip(tabs, views, strict=True):
        if tab.open:
            with tab:
                view()


def _result(found: Mapping[str, TrainingResult]) -> None:
    table = comparison_table(found)
    left, right = st.columns(2)
    left.plotly_chart(
        comparison.contenders_dots(found, dark=frame.dark()),
        theme=None,
        key="dots",
        config=chart_config(),
        alt=comparison.describe_contenders(found),
    )
    right.plotly_chart(
        comparison.gains_bars(table, dark=frame.dark()),
        theme=None,
        key="gains",
        config=chart_config(),
        alt=comparison.describe_gains(table),
    )
    st.dataframe(
        store.readable(table),
        hide_index=True,
        alt="Test metric of each task under each contender",
    )


def _metrics(found: Mapping[str, TrainingResult]) -> None:
    label = st.selectbox("Contender", list(found), key="metric_contender")
    frame_: pd.DataFrame = found[label].metrics
    st.dataframe(store.readable(frame_), hide_index=True, alt="Every measured metric")
