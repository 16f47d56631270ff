"""The board of groups: a column a group, a card a task."""

import math

import pandas as pd
import streamlit as st

from taskviz.figures.style import group_letter, three_digits
from taskviz.ui.text import plural, safe
from taskviz.values import AffinityMatrix, Grouping


def affinity_within(matrix: AffinityMatrix, group: tuple[str, ...], task: str) -> float:
    """Mean affinity towards ``task`` of the other members; NaN for a singleton."""
    column = matrix.tasks.index(task)
    values = [matrix.values[matrix.tasks.index(u), column] for u in group if u != task]
    known = [float(value) for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def draw(plan: Grouping, matrix: AffinityMatrix, *, dark: bool) -> None:
    """Groups as cards; each task with the mean affinity of its group mates towards it."""
    with st.grid("auto", min_column_width=210, gap="small"):
        for number, group in enumerate(plan.groups):
            with st.container(border=True, gap="xsmall"):
                st.markdown(f"**Group {group_letter(number)}** · {plural(len(group), 'task')}")
                for task in sorted(group, key=matrix.tasks.index):
                    value = affinity_within(matrix, group, task)
                    shown = "trains alone" if math.isnan(value) else three_digits(value)
                    elsewhere = plan.serving[task] != number
                    served = f" :gray[served by {group_letter(plan.serving[task])}]"
                    st.markdown(f"{safe(task)} :gray[{shown}]{served if elsewhere else ''}")
    st.caption(
        "Beside each task: the mean affinity of its group mates towards it; higher helps more."
    )


def table(plan: Grouping) -> pd.DataFrame:
    """One row a task: its groups and the one that serves it."""
    rows = []
    for task in plan.tasks:
        member = [group_letter(i) for i, group in enumerate(plan.groups) if task in group]
        rows.append(
            {
                "task": task,
                "in groups": ", ".join(member),
                "served by": group_letter(plan.serving[task]),
            }
        )
    return pd.DataFrame(rows)
