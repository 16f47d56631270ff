"""What a task of a manifest predicts: its name, columns, kind and metric."""

from collections.abc import Mapping
from typing import Any

from taskviz.data.manifest.keys import FILE_NAME, TASK, short, text
from taskviz.data.readers.base import Findings, Target, check_kind
from taskviz.values.task import SHOWN_METRICS


def target_from(
    task: Mapping[str, Any], number: int, findings: Findings, *, needed: bool
) -> Target | None:
    """What one of ``[[tasks]]`` asks for; None where an error was noted.

    Args:
        task: the table.
        number: its place, from 0.
        findings: errors go there.
        needed: its name is a column where no target is named.
    """
    where = f"{FILE_NAME}, task {number + 1}"
    before = len(findings.errors)
    name, target = task.get("name"), task.get("target")
    if target is None:
        columns: tuple[str, ...] = (name,) if isinstance(name, str) and needed else ()
    elif isinstance(target, str) and target:
        columns = (target,)
    elif isinstance(target, list) and target and all(isinstance(t, str) and t for t in target):
        columns = tuple(target)
    else:
        findings.error(f"{where}: target is {short(target)}; {TASK['target']} is needed.")
        return None
    if name is None and len(columns) == 1:
        name = columns[0]
    if not isinstance(name, str) or not name.strip():
        findings.error(f"{where} has no name: give every task a name of its own.")
        return None
    kind, metric = text(task, "kind"), text(task, "metric")
    problem = check_kind(kind, f"{FILE_NAME}: task {name!r}")
    if problem:
        findings.error(problem)
    elif metric and metric not in SHOWN_METRICS.get(kind, sum(SHOWN_METRICS.values(), ())):
        known = ", ".join(SHOWN_METRICS.get(kind, SHOWN_METRICS["binary"]))
        findings.error(
            f"{FILE_NAME}: task {name!r} has the unknown metric {metric!r}; choose one of {known}."
        )
    if len(columns) > 1 and kind not in ("", "multilabel"):
        findings.error(
            f"{FILE_NAME}: task {name!r} has {len(columns)} target columns, so its kind is "
            f"multilabel and not {kind!r}."
        )
    return Target(name, columns, kind, metric) if len(findings.errors) == before else None
