"""What a user does to the board: moves and locks a task, steps back, opens a scenario."""

from taskviz.figures.style import group_letter
from taskviz.grouping.what_if import move
from taskviz.ui.workbench.bench import Bench, Snapshot
from taskviz.ui.workbench.frontier import frontier, nearest
from taskviz.ui.workbench.source import Source
from taskviz.values import Grouping, TaskvizError


def may_add(bench: Bench) -> bool:
    """True where the budget permits one more model."""
    if bench.plan is None:
        return False
    return bench.plan.cost + bench.network <= bench.present.budget * (1 + 1e-9)


def move_task(bench: Bench, task: str, target: int, source: int | None = None) -> None:
    """Move a task on the board; what cannot be done changes nothing and is said."""
    present = bench.present
    held = [i for i, group in enumerate(present.groups) if task in group]
    if task in present.locked:
        bench.said = f"{task} is locked."
        return
    if source is None and len(held) == 1:
        source = held[0]
    if target == source or not held:
        return
    alone = source is not None and len(present.groups[source]) == 1
    if target >= len(present.groups) and (alone or not may_add(bench)):
        bench.revision += 1
        bench.said = "The budget does not permit another group."
        return
    try:
        groups = move(present.groups, task, target, source)
    except TaskvizError as error:
        bench.said = str(error)
        return
    bench.notes = ()
    where = next((i for i, group in enumerate(groups) if task in group), 0)
    if target < len(present.groups):
        gone = sum(
            1
            for i in range(target)
            if i < len(present.groups) and set(present.groups[i]) == {task} and i in held
        )
        where = target - gone
    else:
        where = len(groups) - 1
    bench.change(
        Snapshot(present.budget, groups, present.locked),
        f"{task} moved to group {group_letter(where)}.",
    )


def lock_task(bench: Bench, task: str) -> None:
    """Lock a task where it is, or free it again."""
    present = bench.present
    if not any(task in group for group in present.groups):
        return
    locked = present.locked ^ {task}
    bench.change(
        Snapshot(present.budget, present.groups, frozenset(locked)),
        f"{task} is {'locked' if task in locked else 'free again'}.",
    )


def step(bench: Bench, *, back: bool) -> None:
    """Undo or redo; the slider follows."""
    if bench.history.undo() if back else bench.history.redo():
        bench.revision += 1
        bench.notes = ()
        bench.said = "Undone." if back else "Done again."
        bench.made_by = (*bench.made_by[:-1], bench.present.budget)
        bench.asked = bench.present.budget


def reset(bench: Bench) -> None:
    """Back to what the method proposes; locks go."""
    if bench.proposal is not None:
        bench.notes = ()
        bench.change(Snapshot(bench.present.budget, bench.proposal.groups), "Back to the proposal.")


def show_plan(bench: Bench, source: Source, plan: Grouping) -> None:
    """Put a stored plan onto the board, as one step that undo takes back."""
    locked = frozenset(str(t) for t in plan.options.get("locked") or ())
    budget = plan.budget if plan.cost_unit == source.unit else source.cost(plan.groups)
    # The slider has no other steps.
    budget = nearest(budget, frontier(source))
    bench.notes = ()
    bench.change(Snapshot(budget, plan.groups, locked), "The scenario is on the board.")
    bench.made_by = (*bench.made_by[:-1], budget)
    bench.asked = budget
