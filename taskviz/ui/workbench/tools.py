"""The buttons above the board: undo, redo, reset, and moving a task by a list."""

import streamlit as st

from taskviz.figures.style import group_letter
from taskviz.ui.workbench.bench import Bench, current_bench
from taskviz.ui.workbench.moves import lock_task, may_add, move_task, reset, step


def draw(bench: Bench) -> None:
    """A row of buttons."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Undo",
            icon=":material/undo:",
            shortcut="Ctrl+Z",
            key="undo",
            disabled=not bench.history.past,
            on_click=_step,
            kwargs={"back": True},
        )
        st.button(
            "Redo",
            icon=":material/redo:",
            shortcut="Ctrl+Y",
            key="redo",
            disabled=not bench.history.future,
            on_click=_step,
            kwargs={"back": False},
        )
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            key="to_proposal",
            help="Back to what the method proposes for this budget.",
            disabled=bench.plan is bench.proposal,
            on_click=lambda: reset(bench),
        )
        with st.popover(
            "Move", icon=":material/swap_horiz:", help="Move or lock a task by a list."
        ):
            _move_by_list(bench)


def _move_by_list(bench: Bench) -> None:
    groups = bench.present.groups
    tasks = [task for group in groups for task in group]
    task = st.selectbox("Task", list(dict.fromkeys(tasks)), key="list_task")
    letters = [group_letter(i) for i in range(len(groups))]
    if may_add(bench):
        letters.append("New group")
    target = st.selectbox("to group", letters, key="list_group")
    held = [i for i, group in enumerate(groups) if task in group]
    locked = task in bench.present.locked
    st.button(
        "Move",
        key="list_move",
        disabled=locked or letters.index(target) in held,
        on_click=lambda: move_task(bench, task, letters.index(target)),
    )
    st.button(
        "Unlock" if locked else "Lock",
        key="list_lock",
        on_click=lambda: lock_task(bench, task),
    )
    st.caption(
        "On the board: drag a card, or focus it and press an arrow, a group's letter, + for a new "
        "group, Space to lock."
    )


def _step(*, back: bool) -> None:
    bench = current_bench()
    if bench is not None:
        step(bench, back=back)
