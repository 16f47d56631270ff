"""A plan as a table."""

import pandas as pd

from taskviz.figures.style import group_letter
from taskviz.values import Grouping


def plan_table(plan: Grouping) -> pd.DataFrame:
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
