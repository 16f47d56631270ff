"""The tasks of a group, by number."""

from collections.abc import Iterable, Sequence

from taskviz.values import TaskvizError, unknown_choice


def member_numbers(tasks: Sequence[str], group: Iterable[str]) -> list[int]:
    """Numbers of a group's tasks, in the order given.

    Raises:
        TaskvizError: an unknown or repeated task, or none.
    """
    given = [group] if isinstance(group, str) else list(group)
    if not given:
        raise TaskvizError("The group is empty: name at least one task.")
    where = {task: number for number, task in enumerate(tasks)}
    for task in given:
        if task not in where:
            raise unknown_choice("task", task, tasks)
    if len(set(given)) < len(given):
        raise TaskvizError(f"The group {'+'.join(given)} names a task more than once.")
    return [where[task] for task in given]
