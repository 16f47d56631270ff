"""The slider of the inference budget, and the field beside it where models have prices."""

from collections.abc import Mapping

import streamlit as st

from taskviz.ui import glossary
from taskviz.ui.units import LABELS, apart, cost_words
from taskviz.ui.workbench.bench import Bench, current_bench
from taskviz.ui.workbench.frontier import nearest
from taskviz.ui.workbench.source import Source
from taskviz.values import Grouping


def budget_slider(source: Source, plans: Mapping[float, Grouping], bench: Bench) -> float:
    """The budget that is chosen, one of those that have a proposal."""
    key = _key_of(source)
    offered = list(plans)
    if bench.asked is not None:
        st.session_state[key], bench.asked = bench.asked, None
    st.session_state.setdefault(key, bench.present.budget)
    st.session_state[key] = nearest(float(st.session_state[key]), plans)
    counted = LABELS[source.unit]
    label = f"Inference budget: how many {counted} can you afford?"
    if len(offered) == 1:
        st.caption(f"Budget: {cost_words(offered[0], source.unit)}.")
        return offered[0]
    if source.costs is not None:
        return _priced_slider(label, source.unit, offered, key)
    told = glossary.meaning("budget")
    if offered == [float(k) for k in range(1, len(offered) + 1)]:
        st.session_state[key] = int(st.session_state[key])
        return float(st.slider(label, min_value=1, max_value=len(offered), key=key, help=told))
    return float(
        st.select_slider(label, offered, key=key, format_func=lambda b: f"{b:g}", help=told)
    )


def _key_of(source: Source) -> str:
    """Key of the budget slider of a matrix and a unit."""
    unit = "" if source.costs is None else f"_{source.unit}_{source.costs.trunk:g}"
    return f"budget_{source.key[-16:]}{unit}"


def _priced_slider(label: str, unit: str, offered: list[float], key: str) -> float:
    """A slider over what 1…T networks cost, and a field for a budget of one's own."""
    slider, field = st.columns([4, 1], vertical_alignment="bottom")
    with slider:
        words = apart(offered, unit)
        told = glossary.meaning("budget")
        budget = float(
            st.select_slider(label, offered, key=key, format_func=words.__getitem__, help=told)
        )
    least = min(offered)
    with field:
        typed = st.number_input(
            "or type it",
            value=None,
            min_value=0.0,
            format="%g",
            key=f"typed_{key}",
            on_change=_typed,
            args=(f"typed_{key}", offered),
            help="The slider goes to the largest step within it.",
        )
    if typed is not None and typed < least * (1 - 1e-9):
        st.error(
            f"{cost_words(typed, unit)} is below the cheapest groups that cover every task: they "
            f"cost {cost_words(least, unit)}."
        )
    return budget


def _typed(key: str, offered: list[float]) -> None:
    bench, typed = current_bench(), st.session_state[key]
    within = [budget for budget in offered if typed and budget <= typed * (1 + 1e-9)]
    if bench is not None and within:
        bench.asked = max(within)
