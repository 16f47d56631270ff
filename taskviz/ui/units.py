"""What the budget is counted in: the picker, the prices behind it, costs in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from taskviz.grouping.group_costs import CostModel
from taskviz.networks import NetworkOptions
from taskviz.ui import glossary, state, store
from taskviz.ui.number_field import checked
from taskviz.ui.options_form import options_form
from taskviz.ui.text import plural, safe
from taskviz.values import TaskCollection, TaskvizError, option_defaults
from taskviz.values.grouping import COST_UNITS
from taskviz.verbs.options import network_options

LABELS = {
    "networks": "models",
    "parameters": "parameters",
    "macs": "multiply-accumulates",
    "milliseconds": "milliseconds",
}
SHORT = {"networks": "models", "macs": "MACs", "milliseconds": "ms"}
SCALES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def choose(collection: TaskCollection | None, imported: bool) -> CostModel | None:
    """Draw the picker; prices in the unit chosen, None for a number of models."""
    unit, linked = _linked()
    if collection is None or imported:
        st.selectbox(
            "Budget counted in",
            [LABELS["networks"]],
            disabled=True,
            key="unit_of_import",
            help=glossary.meaning("budget"),
        )
        st.caption("Imported scores bring no networks, so only models can be counted.")
        return None
    unit = st.selectbox(
        "Budget counted in",
        COST_UNITS,
        index=COST_UNITS.index(unit),
        format_func=LABELS.__getitem__,
        key="budget_unit",
        help="Parameters of all networks together; multiply-accumulates or milliseconds of one "
        "sample through every network, milliseconds measured on this device.",
        persist_state="session",
    )
    if unit == "networks":
        state.put("unit", None)
        return None
    with checked() as wrong:
        options = options_form(NetworkOptions, "priced", linked, folded="Networks priced")
    if wrong:
        return None
    try:
        model = store.prices(state.get("collection") or "", collection, unit, options)
    except TaskvizError as error:
        st.error(safe(error), title="This cannot be the budget")
        return None
    state.put("unit", _token(unit, options))
    for note in model.notes:
        st.caption(f":material/info: {safe(note)}")
    return model


def _token(unit: str, options: Mapping[str, Any]) -> str:
    """Unit and what the networks have apart from the defaults, for the URL."""
    usual = option_defaults(NetworkOptions)
    changed = [f"{name}={value}" for name, value in options.items() if usual.get(name) != value]
    return ";".join([unit, *changed])


def _linked() -> tuple[Any, dict[str, Any]]:
    """The unit and the network options that the URL names; what cannot be read is passed over."""
    unit, *rest = (state.get("unit") or "networks").split(";")
    try:
        options = network_options(dict(part.split("=", 1) for part in rest))
    except (TaskvizError, ValueError):
        options = {}
    return (unit if unit in COST_UNITS else "networks"), options


def number_words(cost: float, unit: str, digits: int = 3) -> str:
    """A cost without its unit: ``3``, ``23.4k``, ``0.107``."""
    if unit == "networks":
        return f"{cost:g}"
    for scale, letter in SCALES:
        if cost >= scale and unit != "milliseconds":
            return f"{cost / scale:.{digits}g}{letter}"
    return f"{cost:.{digits}g}"


def cost_words(cost: float, unit: str) -> str:
    """A cost with its unit: ``3 models``, ``23.4k parameters``."""
    if unit == "networks" and cost == round(cost):
        return plural(int(cost), "model")
    return f"{number_words(cost, unit)} {SHORT.get(unit, unit)}"


def apart(costs: Sequence[float], unit: str) -> dict[float, str]:
    """Costs as texts that all differ: a slider tells its steps by them."""
    for digits in (3, 4, 5, 6):
        words = {cost: number_words(cost, unit, digits) for cost in costs}
        if len(set(words.values())) == len(words):
            return words
    return {cost: f"{cost:.12g}" for cost in costs}
