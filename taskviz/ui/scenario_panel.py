"""Scenarios along the bottom of the Groups page: save, open, compare two, send to training."""

import math
from typing import Any

import pandas as pd
import streamlit as st

from taskviz.figures.style import signed, theme_of, three_digits
from taskviz.report.plan_difference import difference
from taskviz.ui import (
    comments_panel,
    frame,
    glossary,
    linked,
    presses,
    state,
    store,
    tables,
    user,
)
from taskviz.ui.scenarios import (
    MOST_NAME,
    MOST_NOTES,
    Scenario,
    list_scenarios,
    save_scenario,
)
from taskviz.ui.text import listed, plural, safe
from taskviz.ui.units import cost_words
from taskviz.ui.workbench.bench import current_bench
from taskviz.ui.workbench.moves import show_plan
from taskviz.ui.workbench.source import Source
from taskviz.values import TaskvizError


@st.fragment
def draw(source: Source, *, can_train: bool) -> None:
    """The list, the form, and the comparison of two that are ticked."""
    saved = list_scenarios(store.cache(), source.key)
    left, right = st.columns([2, 3], gap="large")
    with left:
        _save_form(source)
    with right:
        if not saved:
            st.caption("Nothing is saved yet. Save a plan, change it, save it again: then compare.")
        keys = [each.key for each in saved]
        ticked = [each for each in saved if _row(source, each, keys, can_train=can_train)]
    if len(ticked) == 2:
        _compare(source, *ticked)
    elif len(saved) > 1:
        st.caption(
            "Tick two scenarios to see what moves between them."
            if len(ticked) < 2
            else "Tick two only: a comparison is of one with one."
        )


def _save_form(source: Source) -> None:
    with st.form("scenario_form", border=False, clear_on_submit=True):
        name = st.text_input(
            "Name of the scenario",
            max_chars=MOST_NAME,
            key="scenario_name",
            help=glossary.meaning("scenario"),
        )
        notes = st.text_area(
            "Notes", max_chars=MOST_NOTES, height=68, key="scenario_notes", placeholder="Why?"
        )
        pressed = presses.submit(
            "Save scenario",
            icon=":material/bookmark_add:",
            disabled=bool(user.why_not()),
            help=user.why_not() or None,
        )
    bench = current_bench()
    if not pressed or bench is None or bench.plan is None:
        return
    try:
        save_scenario(store.cache(), name or "", notes or "", bench.plan, source.key)
    except TaskvizError as error:
        st.error(safe(error))
        return
    st.rerun(scope="fragment")


def _row(source: Source, scenario: Scenario, keys: list[str], *, can_train: bool) -> bool:
    plan = scenario.plan
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            ticked = linked.tick(safe(scenario.name), "ticked", scenario.key, keys)
            score = "" if plan.score is None else f" · score {three_digits(plan.score)}"
            cost = (
                ""
                if plan.cost_unit == "networks"
                else f" · {cost_words(plan.cost, plan.cost_unit)}"
            )
            st.caption(f"{plural(len(plan.groups), 'model')}{cost}{score}")
            if presses.button(
                "Show", key=f"show_{scenario.key}", type="tertiary", icon=":material/visibility:"
            ):
                bench = current_bench()
                if bench is not None:
                    show_plan(bench, source, plan)
                    st.rerun()
            if presses.button(
                "Train",
                key=f"train_{scenario.key}",
                type="tertiary",
                icon=":material/model_training:",
                disabled=not can_train,
                help=None if can_train else "Imported scores have no data to train on.",
            ):
                state.put("plan", store.publish_plan(plan))
                state.put("run", None)
                frame.go("training")
            comments_panel.draw(scenario.key)
        if scenario.notes:
            st.caption(safe(scenario.notes))
    return ticked


def _compare(source: Source, one: Scenario, other: Scenario) -> None:
    table = difference(source.affinity, one.plan, other.plan)
    moved = [str(task) for task in table.loc[table["moved"], "task"]]
    gain = float(table["gain"].sum())
    what = f"{listed(moved)} moved" if moved else "no task moved"
    worth = f"together the tasks {'gain' if gain > 0 else 'lose'} {three_digits(abs(gain))}"
    st.markdown(
        f"From **{safe(one.name)}** to **{safe(other.name)}**: {what}; "
        f"{worth if gain else 'what is known of both is the same'}."
    )
    theme = theme_of(frame.dark())

    def colour(value: Any) -> str:
        if math.isnan(value) or value == 0:
            return ""
        return f"color: {theme.better if value > 0 else theme.worse}; font-weight: 600"

    shown = table.sort_values(["moved", "gain"], ascending=[False, False]).rename(
        columns={
            "before": f"in {one.name}",
            "after": f"in {other.name}" if other.name != one.name else "in the second",
            "score before": "score there",
            "score after": "score then",
        }
    )
    shown["moved"] = shown["moved"].map({True: "moved", False: ""})
    words: dict[Any, Any] = {
        "gain": _gain,
        "score there": three_digits,
        "score then": three_digits,
    }
    styled = tables.harmless(shown).style.map(colour, subset=["gain"]).format(words)
    with st.container(key="scenario_diff"):
        tables.show(
            styled,
            hide_index=True,
            height=min(38 + 35 * len(shown), 360),
            alt=f"What each task gains from {one.name} to {other.name}",
        )


def _gain(value: float) -> str:
    return "no data" if pd.isna(value) else signed(value)
