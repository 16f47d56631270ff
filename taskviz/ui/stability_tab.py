"""The tab that answers: would this plan come back if its scores were measured again?"""

from typing import Any

import pandas as pd
import streamlit as st

from taskviz.figures.co_occurrence import co_occurrence, describe_co_occurrence
from taskviz.figures.style import chart_config, group_letter, signed, three_digits
from taskviz.grouping import grouper_class
from taskviz.grouping.base import Affinity
from taskviz.grouping.stability import Stability
from taskviz.grouping.what_if import same_groups
from taskviz.jobs import LIVE, Job
from taskviz.ui import frame, job_panel, state, store, tables, user
from taskviz.ui.number_field import checked, number_field, shut
from taskviz.ui.text import listed, plural, safe
from taskviz.ui.workbench.bench import current_bench
from taskviz.ui.workbench.source import Source
from taskviz.values import Grouping, TaskvizError
from taskviz.verbs import how_redrawn, read_stability

DRAWS = 100
SCORELESS = ("random", "all-together", "all-separate")


def study_job(source_key: str) -> Job | None:
    """The study in the URL, where it is of these scores."""
    job = store.job(state.get("stability"))
    if job is None or job.kind != "stability" or job.spec.get("scores") != source_key:
        return None
    return job


@st.cache_resource(max_entries=32, show_spinner=False)
def _read(key: str) -> Stability:
    return read_stability(key, store.cache())


@st.cache_data(max_entries=64, show_spinner=False)
def _how(key: str, _affinity: Affinity) -> str | None:
    return how_redrawn(_affinity, store.cache())


def found(job: Job | None) -> Stability | None:
    """What a finished study found; None before, or where it is not stored any more."""
    if job is None or job.state != "done":
        return None
    try:
        return _read(str((job.result or {}).get("stability", "")))
    except TaskvizError:
        return None


def badge(source_key: str, plan: Grouping) -> str:
    """How often this very plan returned, for the sentence above the board; empty if not tested."""
    study = found(study_job(source_key))
    if study is None or not _same(study.chosen, plan):
        return ""
    colour = "green" if study.share >= 0.8 else "orange" if study.share < 0.5 else "gray"
    icon = ":material/replay:"
    return f":{colour}-badge[{icon} returned in {study.share:.0%} of {study.draws} redraws]"


@st.fragment
def draw(source: Source) -> None:
    """Start the study of the plan on the board, watch it, read it."""
    bench = current_bench()
    if bench is None or bench.plan is None:
        return
    job = study_job(source.key)
    if job is not None and job.state in LIVE:
        st.markdown("The scores are redrawn within their noise and grouped again. Go on working.")
        job_panel.watch(job)
        return
    study = found(job)
    if study is None:
        st.markdown(
            "Would this plan come back if its scores were measured again? They are redrawn within "
            "their noise and grouped again, in the background."
        )
        if job is not None:
            job_panel.headline(job)
    _start_form(source, again=study is not None)
    if study is not None:
        _answer(study, bench.plan)


def _start_form(source: Source, *, again: bool) -> None:
    if source.method in SCORELESS:
        title = grouper_class(source.method).title
        st.caption(f":material/block: {title} looks at no score, so noise in them changes nothing.")
        return
    noise = None
    how = _how(source.key, source.affinity)
    needs_noise = how is None
    with st.container(horizontal=True, vertical_alignment="bottom"), checked() as wrong:
        draws = number_field(
            "Redraws",
            DRAWS,
            key="stability_draws",
            minimum=10,
            maximum=2000,
            step=10,
            width=140,
        )
        if needs_noise:
            noise = number_field(
                "Assumed noise of an entry",
                None,
                key="stability_noise",
                minimum=0,
                whole=False,
                width=220,
                help="Standard deviation, in the unit of the scores.",
            )
        pressed = user.edit_button(
            "Test the plan on the board" if again else "Test this plan",
            icon=":material/replay:",
            type="secondary" if again else "primary",
            key="test_plan",
            **({"disabled": needs_noise and not noise} | shut(wrong)),
        )
    if how is not None and not again:
        st.caption(f":material/info: {safe(how)}")
    if needs_noise:
        st.caption(
            "These scores have no standard errors: how noisy they are was not measured. Compute "
            "the affinity over several initial states, or say above what you assume."
        )
    bench = current_bench()
    if pressed and bench is not None and bench.plan is not None:
        entries: dict[str, Any] = {
            "scores": source.key,
            "grouping": bench.plan.to_json(),
            "draws": int(draws),
            "noise": None if noise is None else float(noise),
            "costs": None if source.costs is None else source.costs.to_json(),
        }
        count = plural(len(bench.plan.groups), "group")
        title = f"Stability of {count} by {grouper_class(source.method).title}"
        job_panel.start("stability", entries, title=title, url_key="stability")


def _answer(study: Stability, plan: Grouping) -> None:
    if not _same(study.chosen, plan):
        st.info(
            f"This is the study of another plan: {_groups_words(study.chosen)}. Press the button "
            "to test the one on the board."
        )
    count = round(study.share * study.draws)
    st.markdown(
        f"**This grouping returned in {count} of {study.draws} redraws ({study.share:.0%}).** "
        f"{_ties_words(study)}"
    )
    left, right = st.columns([1, 1], gap="large")
    with left:
        st.plotly_chart(
            co_occurrence(study, dark=frame.dark()),
            theme=None,
            key="co_occurrence",
            config=chart_config(),
            alt=describe_co_occurrence(study),
        )
        st.caption(
            "How often two tasks share a group; frames are the groups of the plan. Where all is "
            "firm it is 100 % inside the frames and 0 % outside."
        )
    with right:
        if study.rivals:
            tables.show(
                _table(study),
                hide_index=True,
                key="rivals",
                alt="Other groupings that redraws brought up, the most frequent first",
            )
            st.caption(
                "Difference: score of the other grouping minus that of the plan, on fresh redraws, "
                "positive is better. A tie: the 95 % interval holds 0, so the noise does not tell "
                "them apart."
            )
        for note in study.notes:
            st.caption(f":material/info: {safe(note)}")


def _ties_words(study: Stability) -> str:
    if study.share == 1:
        return "No redraw gave another one."
    if not study.rivals:
        return (
            "No other grouping can be compared with it: the redraws do not know all of its groups."
        )
    ties = len(study.ties)
    if not ties:
        return "Every other grouping found is worse by more than the noise."
    shown = plural(len(study.rivals), "most frequent other grouping")
    return (
        f"Of the {shown}, **{ties} {'ties' if ties == 1 else 'tie'} with it within the noise**: "
        "take whichever suits you."
    )


def _table(study: Stability) -> pd.DataFrame:
    rows = []
    for rival in study.rivals:
        low, high = rival.interval
        rows.append(
            {
                "returned": f"{rival.share:.0%}",
                "difference": signed(rival.difference),
                "95 % interval": f"{three_digits(low)} to {three_digits(high)}",
                "verdict": "tie" if rival.tie else "better" if rival.difference > 0 else "worse",
                # Last: it is as long as there are tasks, and would push the rest out of sight.
                "groups": " | ".join(" ".join(group) for group in rival.grouping.groups),
            }
        )
    return pd.DataFrame(rows)


def _groups_words(plan: Grouping) -> str:
    words = [f"{group_letter(i)}: {listed(group, 4)}" for i, group in enumerate(plan.groups[:4])]
    return "; ".join(words) + (" …" if len(plan.groups) > 4 else "")


def _same(one: Grouping, other: Grouping) -> bool:
    return (
        one.budget == other.budget
        and one.cost_unit == other.cost_unit
        and same_groups(one.groups, other.groups)
    )
