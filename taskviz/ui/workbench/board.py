"""What the board component draws: columns, cards, scores and their differences, as plain data."""

import math
from typing import Any

from taskviz.figures.style import group_colour, group_letter, signed, theme_of, three_digits
from taskviz.grouping.what_if import Evaluation, evaluate
from taskviz.ui.text import plural
from taskviz.ui.units import cost_words
from taskviz.ui.workbench.bench import Bench
from taskviz.ui.workbench.moves import may_add
from taskviz.ui.workbench.source import Source

COMPACT_ABOVE = 40
NO_CHANGE = 1e-12


def board_data(bench: Bench, source: Source, *, dark: bool) -> dict[str, Any]:
    """Plain data for :func:`~taskviz.ui.group_board.group_board`."""
    assert bench.plan is not None
    assert bench.proposal is not None
    now = evaluate(source.affinity, bench.plan.groups, bench.proposal, source.costs)
    proposed = evaluate(source.affinity, bench.proposal.groups, bench.proposal, source.costs)
    theme = theme_of(dark)
    place = {task: i for i, task in enumerate(source.affinity.tasks)}
    columns = []
    for index, group in enumerate(bench.plan.groups):
        cost = now.costs[index]
        columns.append(
            {
                "letter": group_letter(index),
                "colour": group_colour(index, dark),
                "count": plural(len(group), "task"),
                "cost": "" if cost == 1 and source.costs is None else cost_words(cost, source.unit),
                "cards": [
                    _card(task, index, bench, now, proposed)
                    for task in sorted(group, key=place.__getitem__)
                ],
            }
        )
    said = bench.said
    if said.endswith(".") and " moved to group " in said:
        task = said.partition(" moved to group ")[0]
        if task in place:
            said += f" {_spoken(task, now, proposed)}"
    return {
        "columns": columns,
        "may_add": may_add(bench),
        "no_more": "There is no such group, and the budget does not permit another one.",
        "compact": len(place) > COMPACT_ABOVE,
        "colours": {"better": theme.better, "worse": theme.worse, "muted": theme.muted},
        "revision": bench.revision,
        "said": said if bench.revision else "",
    }


def _card(
    task: str, index: int, bench: Bench, now: Evaluation, proposed: Evaluation
) -> dict[str, Any]:
    score = float(now.members[index, now.tasks.index(task)])
    serving = now.serving[task]
    locked = task in bench.present.locked
    gain = now.gain(proposed, task) if serving == index else math.nan
    change = sense = ""
    if abs(gain) > NO_CHANGE:
        change = signed(now.score(task) - proposed.score(task))
        sense = "better" if gain > 0 else "worse"
    words = "no prediction" if math.isnan(score) else three_digits(score)
    spoken = f"{task}, group {group_letter(index)}, {words}"
    if change:
        spoken += f", {change} against the proposal"
    if serving != index:
        spoken += f", served by group {group_letter(serving)}"
    if locked:
        spoken += ", locked"
    return {
        "task": task,
        "score": words,
        "change": change,
        "sense": sense,
        "served": group_letter(serving) if serving != index else "",
        "locked": locked,
        "spoken": spoken,
    }


def _spoken(task: str, now: Evaluation, proposed: Evaluation) -> str:
    score = now.score(task)
    if math.isnan(score):
        return "Nothing is predicted for it there."
    text = f"Predicted score {three_digits(score)}"
    change = score - proposed.score(task)
    return f"{text}, {signed(change)} against the proposal." if change else f"{text}."
