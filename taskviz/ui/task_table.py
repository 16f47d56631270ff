"""The table of tasks: kind, gaps, balance as a small chart, a tick box each."""

from typing import Any

import pandas as pd
import streamlit as st

from taskviz.data.summary import describe_tasks
from taskviz.figures.balance import target_counts
from taskviz.ui.store import readable
from taskviz.values import TaskCollection


def task_table(collection: TaskCollection, used: tuple[str, ...]) -> pd.DataFrame:
    """One row a task of the whole collection; ``use`` is ticked for those in use."""
    told = readable(describe_tasks(collection))
    counts = [target_counts(collection, task)["samples"].tolist() for task in collection.names]
    table = pd.DataFrame(
        {
            "use": [task in used for task in collection.names],
            "task": told["task"],
            "kind": told["kind"],
            "missing": told["missing_share"] * 100,
            "distribution": counts,
            "classes": told["classes"],
            "mean": told["mean"],
            "metric": told["metric"].str.replace("_", " "),
        }
    )
    return table.dropna(axis="columns", how="all")


def columns() -> dict[str, Any]:
    """How the columns show."""
    config = st.column_config
    return {
        "use": config.CheckboxColumn("Use", width="small"),
        "task": config.TextColumn("Task"),
        "kind": config.TextColumn("Kind", width="small"),
        "missing": config.NumberColumn("Missing", format="%.1f %%", width="small"),
        "distribution": config.BarChartColumn(
            "Distribution", help="Samples a class, or a histogram of the values", y_min=0
        ),
        "classes": config.TextColumn("Samples a class"),
        "mean": config.NumberColumn("Mean", format="%.3g"),
        "metric": config.TextColumn("Metric shown first"),
    }
