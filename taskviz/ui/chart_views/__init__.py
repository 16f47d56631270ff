"""Live charts that stay: new points come into the chart that is there, and its zoom stays.

``st.plotly_chart`` takes a chart with another figure for another element, even under the same key:
the browser removes it, builds another and forgets the zoom, which flickers once a second. So the
element is given the same figure again and again, and a small script hands the newest one to Plotly
in the page. Until the script has said that it can (it needs the Plotly that Streamlit loads), each
figure is an element of its own, drawn with the ranges that the reader had zoomed to.
"""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import streamlit as st

_HERE: Final = Path(__file__).parent
_MOUNT: Final = st.components.v2.component(
    "taskviz_chart_views",
    html="<span hidden></span>",
    js=(_HERE / "views.js").read_text(encoding="utf-8"),
)
_KEY: Final = "chart_views"


class LiveCharts:
    """The charts of one page, drawn anew as often as there is something new."""

    def __init__(self) -> None:
        self._figures: dict[str, dict[str, str]] = {}

    def draw(self, figure: Any, key: str, kind: str, *, config: dict[str, Any], alt: str) -> None:
        """Draw a figure, or bring the one of this key up to date.

        Args:
            figure: changed in place where the reader has zoomed.
            key: of the chart.
            kind: what it shows, such as run, metric and scale; another kind starts afresh.
            config: of Plotly.
            alt: what it says, in words.
        """
        shown = css_key(key)
        told: dict[str, Any] = dict(st.session_state.get(_KEY) or {})
        self._figures[shown] = {"spec": figure.to_json(), "kind": kind, "alt": alt}
        held: dict[str, Any] = st.session_state.setdefault("held_charts", {})
        if held.get(key, {}).get("kind") != kind or not told.get("redraws"):
            view = dict(told.get("views") or {}).get(shown)
            held[key] = {"kind": kind, "figure": _zoomed(figure, view, kind), "alt": alt}
        st.plotly_chart(
            held[key]["figure"], theme=None, key=key, config=config, alt=held[key]["alt"]
        )


@contextmanager
def live_charts(prefix: str) -> Iterator[LiveCharts]:
    """Charts whose keys begin so; once a page."""
    charts, place = LiveCharts(), st.container()
    yield charts
    with place:
        _MOUNT(
            key=_KEY,
            data={"prefix": prefix, "figures": charts._figures},
            height=1,
            on_views_change=_ignore,
            on_redraws_change=_ignore,
        )


def css_key(key: str) -> str:
    """A key as Streamlit writes it into the class of an element."""
    return re.sub(r"[^a-zA-Z0-9_-]", "-", key.strip())


def _zoomed(figure: Any, view: object, kind: str) -> Any:
    """The figure as far zoomed as the reader left a chart of this kind."""
    if not isinstance(view, dict) or view.get("kind") != kind:
        return figure
    for axis in ("xaxis", "yaxis"):
        ends = view.get(axis)
        if isinstance(ends, list) and len(ends) == 2 and all(map(_number, ends)):
            figure.update_layout({axis: {"range": ends, "autorange": False}})
    return figure


def _number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _ignore() -> None:
    """The value is read when the next figure is drawn."""
