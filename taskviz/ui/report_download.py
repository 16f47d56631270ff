"""The report taken away: which format, and the button."""

import time
from typing import Final

import streamlit as st

from taskviz.figures.style import duration_words
from taskviz.report.write import FORMATS
from taskviz.ui import report_source
from taskviz.ui.report_source import Made, Offer
from taskviz.ui.text import safe
from taskviz.values import TaskvizError

_FORMAT_WORDS: Final = {"html": "HTML", "pdf": "PDF", "md": "Markdown", "zip": ".zip"}
_MIME: Final = {
    "html": "text/html",
    "pdf": "application/pdf",
    "md": "text/markdown",
    "zip": "application/zip",
}
_SAID: Final = {
    "html": "One file that opens offline in any browser, with charts to hover and zoom.",
    "pdf": "As it prints on A4, by the Chromium that is installed here.",
    "md": "Sentences and tables for a wiki or a repository; figures in words.",
    "zip": "HTML, Markdown, CSV, JSON, every figure as SVG, and the commands that repeat it.",
}


def take_away(offer: Offer, made: Made) -> None:
    """The formats and the button."""
    with st.container(border=True):
        wanted = st.segmented_control(
            "Take it away as",
            FORMATS,
            default="html",
            required=True,
            format_func=_FORMAT_WORDS.__getitem__,
            key="report_format",
        )
        st.caption(_SAID[wanted])
        try:
            with st.spinner("Writing the file…", show_time=True):
                start = time.perf_counter()
                data = report_source.file_of(made, wanted)
                seconds = time.perf_counter() - start
        except TaskvizError as error:
            st.warning(safe(error), title="This format cannot be made here")
            return
        st.download_button(
            "Download the report",
            data,
            file_name=f"taskviz-{offer.name}.{wanted}",
            mime=_MIME[wanted],
            type="primary",
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
            key=f"download_{wanted}",
        )
        st.caption(f"{len(data) / 1e6:.1f} MB, written in {duration_words(seconds)}.")
