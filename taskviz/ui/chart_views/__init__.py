"""Zooms that survive a redraw of live charts.

``st.plotly_chart`` takes a chart with another figure for another element, even under the same key:
the browser builds it anew and forgets the zoom. A small script reports how far the reader zoomed,
and the next figure is drawn with these ranges.
"""

import math
import re
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


def watch_views(prefix: str) -> None:
    """Listen to the charts whose keys begin so; once a page."""
    _MOUNT(key=_KEY, data={"prefix": prefix}, height=1, on_views_change=_ignore)


def with_view(figure: Any, key: str, kind: str) -> Any:
    """The figure as far zoomed as the reader left the chart of this key.

    Args:
        figure: changed in place.
        key: of the chart.
        kind: what the axes mean, such as the metric and the scale; another kind starts afresh.
    """
    views: dict[str, Any] = dict((st.session_state.get(_KEY) or {}).get("views") or {})
    view, kinds = views.get(key), st.session_state.setdefault("chart_kinds", {})
    if kinds.get(key, (kind, None))[0] != kind:
        kinds[key] = (kind, view)
    kinds.setdefault(key, (kind, None))
    # What was reported of another kind of axis says nothing of this one.
    if not isinstance(view, dict) or view == kinds[key][1]:
        return figure
    for axis in ("xaxis", "yaxis"):
        ends = view.get(axis)
        if isinstance(ends, list) and len(ends) == 2 and all(map(_number, ends)):
            figure.update_layout({axis: {"range": ends, "autorange": False}})
    return figure


def css_key(key: str) -> str:
    """A key as Streamlit writes it into the class of an element."""
    return re.sub(r"[^a-zA-Z0-9_-]", "-", key.strip())


def _number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _ignore() -> None:
    """The value is read when the next figure is drawn."""
