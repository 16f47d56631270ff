"""The answer on the screen: its sentence, the plan, what it gains, what it rests on."""

from typing import Any

import streamlit as st

from taskviz.evidence import Answer, recommend
from taskviz.figures import contrasts, reliability_rounds
from taskviz.figures.style import chart_config, duration_words, group_letter
from taskviz.ui import answers, glossary
from taskviz.ui.text import plural, safe

BADGES = {
    "yes": ":green-badge[:material/check: yes]",
    "no": ":gray-badge[:material/close: no]",
    "cannot tell": ":orange-badge[:material/help: cannot tell yet]",
}
NAMES = {
    "random": "random groups",
    "all-together": "all together",
    "all-separate": "each alone",
}


def headline(answer: Answer) -> None:
    """The verdict in a sentence."""
    st.markdown(f"#### {safe(answer.sentence)}")
    st.markdown(
        f"Does grouping matter here? {BADGES[answer.verdict]} "
        f":gray[after {plural(answer.rounds, 'round')}]"
    )


def draw(found: list[Answer], *, dark: bool) -> None:
    """The latest answer and how it came about."""
    answer = found[-1]
    with st.container(border=True, gap="small"):
        st.markdown("**What we recommend**")
        for sentence in recommend(answer).sentences:
            st.markdown(safe(sentence))
        if answer.budget > 1:
            for number, group in enumerate(answer.grouping.groups):
                names = ", ".join(safe(task) for task in group)
                st.markdown(f"- **{group_letter(number)}** {names}")
    shown = _shown_budget(answer)
    left, right = st.columns(2, gap="medium")
    with left:
        rows = contrast_rows(answer, shown)
        of = "all budgets together" if shown == 0 else plural(shown, "model")
        st.markdown(f"**Expected gain of the best plan**, {of}")
        st.plotly_chart(
            contrasts.contrast_dots(rows, dark=dark),
            theme=None,
            key="contrasts",
            config=chart_config(),
            alt=contrasts.describe_contrasts(rows),
        )
    with right:
        rounds = answers.rounds_of(found)
        st.markdown("**Would other networks choose alike?** Reliability of the plans' scores")
        st.plotly_chart(
            reliability_rounds.reliability_rounds(rounds, dark=dark),
            theme=None,
            key="reliability_rounds",
            config=chart_config(),
            alt=reliability_rounds.describe_reliability_rounds(rounds),
        )
    st.caption(rests_on(answer))
    if answer.more:
        st.caption(f":material/hourglass_top: To settle it: {safe(answer.more)}")
    for note in answer.notes:
        st.caption(f":material/info: {safe(note)}")


def rests_on(answer: Answer) -> str:
    """What was trained and what was estimated."""
    training: dict[str, Any] = dict(answer.settings.get("training") or {})
    depth, width = training.get("depth"), training.get("width")
    network = f" of {plural(int(depth), 'layer')} of {width}" if depth and width else ""
    return (
        f":material/science: Trained: {plural(answer.check_networks, 'network')}{network} in seeds "
        "of their own, compared on test data: the gains above. Estimated: which groups are best, "
        f"from {plural(answer.design_networks, 'other network')} on random groups, by validation "
        f"data. {duration_words(answer.seconds).capitalize()}. Intervals: 95 % over seeds; a "
        "verdict needs 99 %."
    )


def contrast_rows(answer: Answer, budget: int) -> list[dict[str, Any]]:
    """The measured gains at a budget (0: pooled), for figure and table."""
    return [
        {
            "reference": NAMES.get(found.reference, found.reference),
            "gain": found.gain,
            "low": found.low,
            "high": found.high,
            "verdict": found.verdict,
            "seeds": found.seeds,
        }
        for found in answer.contrasts
        if found.budget == budget
    ]


def _shown_budget(answer: Answer) -> int:
    offered = [0, *answer.plans]
    chosen = st.segmented_control(
        "Number of models",
        offered,
        default=answer.budget if answer.budget in offered else 0,
        format_func=lambda budget: "all" if budget == 0 else str(budget),
        required=True,
        key="answer_budget",
        help=glossary.meaning("budget"),
        bind="query-params",
    )
    return int(chosen or 0)
