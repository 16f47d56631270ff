"""The frame around every page: what is in use, what runs, what comes next."""

from collections.abc import Callable

import streamlit as st

from taskviz.engines import configured_engines
from taskviz.ui import (
    copy_link,
    explain,
    job_panel,
    notifier,
    presses,
    state,
    store,
    theme,
    tour,
    usage,
    user,
)
from taskviz.ui.keyboard import keyboard
from taskviz.ui.pages import BY_NAME
from taskviz.ui.text import plural, safe
from taskviz.values import TaskCollection, TaskvizError

EXAMPLE = "yeast"


def dark() -> bool:
    """True where the browser shows the dark theme."""
    return bool(st.context.theme.type == "dark")


def current_collection() -> TaskCollection | None:
    """The collection in use; None where none is chosen or it cannot be opened (then said)."""
    name = state.get("collection")
    if name is None:
        return None
    try:
        return store.collection(name)
    except TaskvizError as error:
        st.error(safe(error), title="This collection cannot be opened")
        return None


def sidebar() -> None:
    """Collection in use, device, running jobs."""
    theme.apply(dark())
    with st.sidebar:
        user.card()
        name = state.get("collection")
        if name is not None:
            try:
                in_use = store.collection(name)
            except TaskvizError:
                in_use = None
            if in_use is not None:
                with st.container(border=True, gap="xsmall"):
                    st.caption("Collection in use")
                    st.markdown(f"**{safe(in_use.name)}**")
                    st.caption(
                        f"{plural(in_use.n, 'sample')} · {plural(len(in_use.tasks), 'task')} · "
                        f"{in_use.layout}"
                    )
        usage.device_line()
        _engine()
        job_panel.running()
        notifier.draw()
        st.caption(":material/keyboard: Press **?** for all keys.")
        keyboard(dark())


def _engine() -> None:
    """Where jobs run: a choice only where a cluster is configured."""
    engines = configured_engines()
    if len(engines) > 1:
        names = {"local": "This machine", "ray": "Ray cluster"}
        st.segmented_control(
            "Jobs run on",
            engines,
            default=engines[0],
            required=True,
            format_func=names.__getitem__,
            key="engine",
            help="Jobs started from now on; the cluster is the one in TASKVIZ_RAY_ADDRESS.",
            persist_state="session",
        )


def failed(error: TaskvizError) -> None:
    """What kept the page from being drawn, and what to do."""
    st.error(safe(error), title="This page cannot be shown now")


def title(page: str) -> None:
    """Heading of a page."""
    entry = BY_NAME[page]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title(entry.title, anchor=False, width="stretch")
        with st.container(width=170, key="share"):
            copy_link.copy_link()
    st.caption(entry.help)
    tour.draw(page)
    explain.explain(page)


def need_collection() -> TaskCollection:
    """The collection in use; where there is none, say what to do and stop."""
    collection = current_collection()
    if collection is not None:
        return collection
    with st.container(border=True):
        st.markdown("#### No collection is chosen yet")
        st.markdown(
            "A collection is a set of tasks on the same data. Start with a real one that is "
            "already here, 14 gene-function labels of 2,417 yeast genes, or bring your own data."
        )
        with st.container(horizontal=True):
            if presses.button(
                "Use the yeast example", type="primary", icon=":material/play_arrow:"
            ):
                state.put("collection", EXAMPLE)
                st.rerun()
            if presses.button("Choose another", icon=":material/dataset:"):
                go("collection")
    st.stop()


def go(page: str) -> None:
    """Switch to a page and keep the URL state."""
    st.switch_page(BY_NAME[page].file, query_params=state.query())


def next_step(
    label: str, page: str, *, ready: bool, why: str = "", before: Callable[[], object] | None = None
) -> None:
    """The one obvious next step, always in sight at the bottom.

    Args:
        label: what the button says.
        page: where it leads.
        ready: False shows it disabled, with ``why``.
        before: done first, such as putting the choice into the URL.
    """
    with (
        st.bottom,
        st.container(
            horizontal=True, horizontal_alignment="right", vertical_alignment="center", key="next"
        ),
    ):
        if not ready and why:
            st.caption(why)
        pressed = presses.button(
            label,
            type="primary",
            icon=":material/arrow_forward:",
            icon_position="right",
            disabled=not ready,
            key=f"next_{page}",
        )
    if pressed:
        if before is not None:
            before()
        go(page)
