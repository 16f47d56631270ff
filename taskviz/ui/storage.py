"""What the results take of the disk, on the Jobs page: sizes, limit, room, an archive of all."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import streamlit as st

from taskviz.access import actor
from taskviz.care.limit import keep_within_limit, limit, set_limit
from taskviz.care.used import sizes
from taskviz.jobs.in_use import in_use
from taskviz.jobs.workspace import export_workspace
from taskviz.ui import presses, store, tables, user
from taskviz.ui.text import safe
from taskviz.values import TaskvizError

MOST_DOWNLOAD = 200_000_000
"""A download is held in memory; more than this is for the terminal."""


def draw() -> None:
    """Folded, since walking a large cache takes a moment."""
    with st.expander(
        "Storage",
        icon=":material/hard_drive:",
        on_change="rerun",
        key="storage",
        bind="query-params",
    ) as box:
        if not box.open:
            return
        try:
            _inside()
        except TaskvizError as error:
            st.error(safe(error))


def _inside() -> None:
    cache = store.cache()
    found, most = sizes(cache), limit(cache)
    total = sum(size for _, size in found.values())
    st.markdown(
        f"**{total / 1e6:,.1f} MB** are used"
        + (", without a limit." if most is None else f" of {most / 1e9:,.3g} GB.")
    )
    table = pd.DataFrame(
        [
            {"kind": kind, "how many": count, "MB": float(f"{size / 1e6:.3g}")}
            for kind, (count, size) in found.items()
        ]
    )
    if found:
        tables.show(
            table,
            hide_index=True,
            width=420,
            height=min(38 + 35 * len(table), 600),
            alt="Kinds of what is stored, how many, megabytes",
        )
    st.caption(
        "When the limit is passed, what was not used for longest goes after a job. Uploads, plans, "
        "scenarios, imported scores, pinned runs and what a job at work may need stay."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.number_input(
            "Limit, GB (0: none)",
            value=0.0 if most is None else most / 1e9,
            min_value=0.0,
            format="%g",
            key="storage_limit",
            width=180,
            disabled=bool(_why()),
        )
        if _button("Set the limit", ":material/check:"):
            _may("set the limit")
            set_limit(cache, int(wanted * 1e9) or None)
            st.rerun()
        if _button("Make room now", ":material/cleaning_services:"):
            _may("make room")
            removed = keep_within_limit(cache, *in_use(store.jobs()))
            smaller = store.jobs().vacuum()
            st.toast(f"{(removed + smaller) / 1e6:,.1f} MB are free again.")
    _archive(total)


def _archive(total: int) -> None:
    if total > MOST_DOWNLOAD:
        st.caption("All of it as one archive: `python -m taskviz workspace export all.zip`.")
        return
    if user.edit_button(
        "Prepare an archive of everything", icon=":material/folder_zip:", key="storage_export"
    ):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "workspace.zip"
            export_workspace(path, store.jobs())
            st.download_button(
                "Download workspace.zip",
                path.read_bytes(),
                "workspace.zip",
                "application/zip",
                icon=":material/download:",
            )
    st.caption(
        "`python -m taskviz workspace import workspace.zip` takes it in elsewhere. Checkpoints are "
        "not part of it."
    )


def _why() -> str:
    """The whole server's disk is its operator's business once people have names."""
    who = actor()
    if who.role == "operator" or (who.role == "editor" and not who.name):
        return ""
    return who.why_not or "Whoever runs this server does this in a terminal."


def _may(what: str) -> None:
    if _why():
        raise TaskvizError(f"You may not {what} here: ask whoever runs this server.")


def _button(label: str, icon: str) -> bool:
    return presses.button(label, icon=icon, disabled=bool(_why()), help=_why() or None)
