"""What differs between two plans: who moved, and what each task is predicted to gain."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from taskviz.figures.style import group_letter
from taskviz.grouping.base import Affinity
from taskviz.grouping.what_if import Evaluation, align, evaluate
from taskviz.values import Grouping

if TYPE_CHECKING:
    import pandas as pd

Groups = tuple[tuple[str, ...], ...]


def difference(affinity: Affinity | None, one: Grouping, other: Grouping) -> "pd.DataFrame":
    """One row a task: where it is in each plan, its predicted score in each, what it gains.

    Letters of ``other`` follow the groups of ``one`` that they resemble most, so that only a task
    in another company counts as moved. ``gain`` is above 0 where ``other`` is better for the task
    and NaN where one of them says nothing.

    Args:
        affinity: scores come from it; None, or one of other tasks, gives none.
    """
    import pandas as pd

    again = align(other.groups, one.groups)
    before, after = _evaluated(affinity, one.groups), _evaluated(affinity, again)
    tasks = one.tasks if affinity is None else affinity.tasks
    rows: list[Mapping[str, Any]] = []
    for task in dict.fromkeys((*tasks, *other.tasks)):
        here, there = _letters(one.groups, task), _letters(again, task)
        known = before is not None and after is not None
        rows.append(
            {
                "task": task,
                "before": here,
                "after": there,
                "moved": here != there,
                "score before": before.score(task) if before else float("nan"),
                "score after": after.score(task) if after else float("nan"),
                "gain": after.gain(before, task) if known else float("nan"),  # type: ignore[union-attr, arg-type]
            }
        )
    return pd.DataFrame(rows)


def changed_groups(one: Grouping, other: Grouping) -> list[tuple[str, list[str], list[str]]]:
    """Letter of each group, the tasks that ``other`` takes out of it and those it puts in."""
    again = align(other.groups, one.groups)
    found = []
    for i in range(max(len(one.groups), len(again))):
        before = one.groups[i] if i < len(one.groups) else ()
        after = again[i] if i < len(again) else ()
        out = [task for task in before if task not in after]
        new = [task for task in after if task not in before]
        if out or new:
            found.append((group_letter(i), out, new))
    return found


def _evaluated(affinity: Affinity | None, groups: Groups) -> Evaluation | None:
    if affinity is None or {task for group in groups for task in group} != set(affinity.tasks):
        return None
    return evaluate(affinity, groups)


def _letters(groups: Groups, task: str) -> str:
    return ", ".join(group_letter(i) for i, group in enumerate(groups) if task in group)
