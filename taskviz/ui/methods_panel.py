"""Every grouping method at the current budget, side by side."""

from typing import Any

import pandas as pd
import streamlit as st

from taskviz.figures.style import duration_words, three_digits
from taskviz.grouping import grouper_class
from taskviz.grouping.base import Affinity
from taskviz.grouping.group_costs import CostModel
from taskviz.grouping.objective import density
from taskviz.grouping.what_if import evaluate
from taskviz.ui import presses, state, tables
from taskviz.ui.units import cost_words, number_words
from taskviz.ui.workbench.bench import current_bench
from taskviz.ui.workbench.source import Source, methods_for
from taskviz.values import SubsetTable, TaskvizError
from taskviz.verbs import group_tasks

SECONDS = 20.0
"""Most that the anytime selection may take for this table."""


@st.cache_data(max_entries=64, show_spinner="Trying every method…")
def _side_by_side(
    key: str, _affinity: Affinity, budget: float, _costs: CostModel | None
) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for name in methods_for(_affinity):
        row: dict[str, Any] = {"method": grouper_class(name).title}
        options: dict[str, Any] = {"seconds": SECONDS} if name == "selection" else {}
        try:
            plan = group_tasks(_affinity, name, budget=budget, costs=_costs, **options)
        except TaskvizError as error:
            rows.append({**row, "remark": str(error)})
            continue
        score = evaluate(_affinity, plan.groups).total
        dense = "" if isinstance(_affinity, SubsetTable) else density(_affinity, plan.groups)
        rows.append(
            {
                **row,
                "models": str(len(plan.groups)),
                "cost": number_words(plan.cost, plan.cost_unit),
                "predicted score": "no data" if score is None else three_digits(score),
                "density": dense if isinstance(dense, str) else three_digits(dense),
                "gap to the bound": "none proven"
                if plan.gap is None
                else "optimal"
                if plan.gap <= 1e-9
                else f"{plan.gap:.1%}",
                "took": duration_words(plan.seconds),
                "remark": " ".join(plan.notes),
            }
        )
    return pd.DataFrame(rows).fillna("")


@st.fragment
def draw(source: Source) -> None:
    """A table on demand: method, scores, gap, seconds."""
    bench = current_bench()
    if bench is None:
        return
    budget = bench.present.budget
    # What was asked for stands in the URL: a colleague's link shows the table as well.
    asked = f"{budget:.12g}"
    if presses.button(
        "Compare the methods at the current budget",
        icon=":material/table_rows:",
        key="compare_methods",
    ):
        state.put("methods", asked)
    if state.get("methods") != asked:
        st.caption("Runs every method with its usual options; the selection takes 20 s at most.")
        return
    st.markdown(f"At a budget of **{cost_words(budget, source.unit)}**:")
    with st.container(key="methods_table"):
        tables.show(
            _side_by_side(source.board, source.affinity, budget, source.costs),
            hide_index=True,
            alt="Each method with its scores, its gap and its time",
        )
    st.caption(
        "Predicted score: each task's mean affinity from its group mates, added up (or its loss in "
        "a subset table); no data where a task is alone. Density: what clusterings maximise."
    )
