"""Choose a task collection or bring your own data."""

import streamlit as st

from taskviz.data.builtin import BUILT_INS
from taskviz.data.reference import CollectionRef
from taskviz.ui import (
    frame,
    glossary,
    own_data,
    presses,
    preview_tab,
    state,
    store,
    tables,
    task_table,
    tour,
)
from taskviz.ui.text import plural, safe
from taskviz.values import TaskCollection, TaskvizError
from taskviz.values.escaping import spreadsheet_plain

frame.title("collection")

ICONS = {
    "table": ":material/table:",
    "image": ":material/image:",
    "series": ":material/show_chart:",
    "graph": ":material/hub:",
    "nodes": ":material/share:",
}


def use(ref: CollectionRef) -> None:
    """Make a collection the one in use."""
    state.put("collection", store.publish(ref))


def gallery() -> None:
    """Built-in collections as cards, of one modality where that is picked."""
    found = list(dict.fromkeys(entry.modality for entry in BUILT_INS.values()))
    picked = st.pills(
        "Kind of data", found, default=None, key="gallery_modality", bind="query-params"
    )
    with st.grid("auto", min_column_width=260, gap="small"):
        for entry in BUILT_INS.values():
            if picked is not None and entry.modality != picked:
                continue
            with st.container(border=True, height="stretch", key=f"card_{entry.name}"):
                st.markdown(f"**{safe(entry.title)}**")
                with st.container(horizontal=True, gap="xsmall"):
                    st.badge(entry.modality, icon=ICONS[entry.modality])
                    st.badge(entry.layout, color="gray")
                st.caption(f"{plural(entry.n, 'sample')} · {plural(entry.task_count, 'task')}")
                st.markdown(safe(entry.description))
                st.caption(f"Licence: {safe(entry.licence)}")
                chosen = state.get("collection") == entry.name
                if presses.button(
                    "In use" if chosen else "Use this",
                    key=f"use_{entry.name}",
                    icon=":material/check:" if chosen else None,
                    disabled=chosen,
                ):
                    use(CollectionRef(entry.name))
                    st.rerun()


def overview(collection: TaskCollection) -> None:
    """What is in the collection in use; tasks can be left out."""
    st.subheader(safe(collection.name), anchor=False)
    if collection.origin.description:
        st.markdown(safe(collection.origin.description))
    counts = [
        sum(len(block.indices(split)) for block in collection.samples)
        for split in ("train", "valid", "test")
    ]
    with st.grid(4, min_column_width=190, gap="small"):
        st.metric("Samples", f"{collection.n:,}", border=True)
        st.metric("Tasks", len(collection.tasks), border=True, help=glossary.meaning("task"))
        st.metric("Layout", f"{collection.layout} {collection.modality}", border=True)
        st.metric(
            "Train / valid / test",
            " / ".join(f"{count:,}" for count in counts),
            border=True,
            help="Seeded and stratified where possible. Choices use validation data only.",
        )
    tabs = st.tabs(
        ["Tasks", "Samples"], on_change="rerun", key="collection_tab", bind="query-params"
    )
    if tabs[0].open:
        with tabs[0]:
            pick_tasks(collection)
    if tabs[1].open:
        with tabs[1]:
            preview_tab.draw(collection)


def pick_tasks(collection: TaskCollection) -> None:
    """The table of tasks with a tick box each."""
    ref = store.resolve(state.get("collection") or "")
    whole = store.collection(store.publish(store.with_tasks(ref, [])))
    table = task_table.task_table(whole, collection.names)
    edited = st.data_editor(
        tables.harmless(table),
        hide_index=True,
        disabled=[name for name in table.columns if name != "use"],
        key=f"tasks_{whole.fingerprint[:12]}",
        alt="Tasks with their kind, missing share and balance; untick to leave one out",
        column_config=task_table.columns(),
    )
    wanted = [spreadsheet_plain(task) for task in edited.loc[edited["use"], "task"]]
    if tuple(wanted) == collection.names:
        st.caption("Untick a task to leave it out of everything that follows.")
    elif len(wanted) < 2:
        st.warning("Keep at least 2 tasks: affinity is about pairs.")
    elif presses.button(f"Use these {len(wanted)} tasks", type="primary"):
        use(store.with_tasks(ref, wanted if len(wanted) < len(whole.names) else []))
        st.rerun()


collection = frame.current_collection()
if collection is None:
    st.markdown(
        "Which of your tasks should be trained together? Start with a collection of tasks on the "
        "same data, or several data sets: one that is already here, or your own."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if presses.button(
            "Take the guided path", type="primary", icon=":material/route:", key="tour_begin"
        ):
            tour.begin()
            st.rerun()
        st.caption(
            f"Five steps through {BUILT_INS[tour.EXAMPLE].title}, from tasks to a report; leave it "
            "at any time."
        )
    gallery()
    own_data.draw(use)
else:
    try:
        overview(collection)
    except TaskvizError as error:
        st.error(safe(error))
    with st.expander("Choose another collection", icon=":material/dataset:"):
        gallery()
        own_data.draw(use)
frame.next_step(
    "Compute affinity", "affinity", ready=collection is not None, why="Choose a collection first."
)
