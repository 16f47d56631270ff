"""Data of the user's own: upload or path, what was found, what is wrong with it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from taskviz.access import actor
from taskviz.data.manifest.opened import is_folder_like
from taskviz.data.problem import Problem
from taskviz.data.problems import find_problems
from taskviz.data.propose import propose_targets
from taskviz.data.reference import CollectionRef
from taskviz.data.table import Table, read_table
from taskviz.data.uploads import store_upload
from taskviz.ui import own_files, presses, problem_list, store, tables, user
from taskviz.ui.text import listed, plural, safe
from taskviz.values import TASK_KINDS, TaskvizError
from taskviz.values.escaping import spreadsheet_plain

ENDINGS = ("csv", "tsv", "txt", "parquet", "pq", "arff", "zip", "npz")
ROLES = ("target", "input", "leave out")


def draw(use: Callable[[CollectionRef], None]) -> None:
    """Bring data; ``use`` takes the finished reference."""
    st.subheader("Bring your own data", anchor=False)
    st.caption(
        "A table (CSV, Parquet, ARFF: one row a sample, inputs and targets in columns), arrays "
        "(.npz), or a .zip of a folder of images, time series, molecules or graphs. It stays on "
        "this machine."
    )
    if user.why_not():
        st.info(user.why_not())
        return
    by_path = user.current().folders != ()
    upload_side, path_side = st.columns([2, 1], vertical_alignment="top")
    with upload_side:
        file = st.file_uploader("Drop a file here", type=list(ENDINGS))
    with path_side:
        path = st.text_input(
            "or a path on this machine",
            key="table_path",
            placeholder="/data/images" if by_path else "not on this server",
            disabled=not by_path,
            help=None if by_path else "Others can reach this app, so it opens no paths: upload.",
        )
    try:
        if file is not None:
            upload = store_upload(file.getvalue(), file.name, store.cache())
            reference, place, label = f"upload:{upload.key}", upload.path, upload.name
        elif path.strip():
            reference, label = path.strip(), ""
            actor().must_open(Path(reference))
            place = Path(reference).expanduser()
        else:
            return
        if is_folder_like(place):
            own_files.draw(reference, place, label or place.name, use)
        else:
            _choose_targets(reference, _read(str(place), label), use)
    except TaskvizError as error:
        st.error(safe(error), title="This file cannot be used")


@st.cache_resource(max_entries=4, show_spinner="Reading the table…")
def _read(path: str, label: str) -> Table:
    return read_table(path, label=label)


def _choose_targets(reference: str, table: Table, use: Callable[[CollectionRef], None]) -> None:
    rows, columns = table.frame.shape
    st.markdown(f"**{safe(table.label)}**: {plural(rows, 'row')}, {plural(columns, 'column')}.")
    for note in table.notes:
        st.caption(f":material/info: {safe(note)}")
    proposals = propose_targets(table.frame)
    offered = pd.DataFrame(
        {
            "column": [p.name for p in proposals],
            "role": [p.role for p in proposals],
            "kind": [p.kind for p in proposals],
            "missing %": [round(100 * p.missing_share, 1) for p in proposals],
            "why": [p.reason for p in proposals],
        }
    )
    st.markdown(f"**Which columns are targets?** {_proposed(offered['role'].tolist())}")
    edited = st.data_editor(
        tables.harmless(offered),
        hide_index=True,
        disabled=["column", "missing %", "why"],
        key=f"roles_{reference}",
        alt="Each column with its role and kind",
        column_config={
            "column": st.column_config.TextColumn("Column"),
            "role": st.column_config.SelectboxColumn("Role", options=list(ROLES), required=True),
            "kind": st.column_config.SelectboxColumn(
                "Kind of task", options=[k for k in TASK_KINDS if k != "multilabel"]
            ),
            "missing %": st.column_config.NumberColumn("Missing %", format="%.1f"),
            "why": st.column_config.TextColumn("Why"),
        },
    )
    edited["column"] = edited["column"].map(spreadsheet_plain)
    ref, problems = _checked(reference, table, edited, {p.name: p.kind for p in proposals})
    problem_list.draw(problems)
    with st.expander("First ten rows"):
        tables.show(table.frame.head(10), alt="First ten rows of the table")
    errors = [problem for problem in problems if problem.severity == "error"]
    if ref.targets:
        st.markdown(f"Targets: {listed(ref.targets)}.")
    if presses.button(
        "Use this table", type="primary", disabled=bool(errors), icon=":material/check:"
    ):
        store.collection(store.publish(ref))
        use(ref)
        st.rerun()
    if errors:
        st.caption(f"Mend {plural(len(errors), 'problem')} above first.")


def _proposed(roles: list[str]) -> str:
    count = roles.count("target")
    if count > 1:
        return "This is a proposal; change what is wrong."
    found = "No column looks like one" if count == 0 else "Only one column looks like one"
    return f"{found}: give at least 2 columns the role target."


def _checked(
    reference: str, table: Table, edited: pd.DataFrame, proposed: Mapping[str, Any]
) -> tuple[CollectionRef, list[Problem]]:
    targets = [str(name) for name in edited.loc[edited["role"] == "target", "column"]]
    chosen = dict(zip(edited["column"], edited["kind"], strict=True))
    kinds = {
        name: str(chosen[name])
        for name in targets
        if isinstance(chosen[name], str) and chosen[name]
    }
    dropped = [str(name) for name in edited.loc[edited["role"] == "leave out", "column"]]
    problems = _problems(reference, table, tuple(targets), kinds, tuple(dropped))
    ref = CollectionRef(reference, tuple(targets), kinds, leave_out=tuple(dropped))
    return ref, problems


@st.cache_data(max_entries=32, show_spinner="Looking for problems…")
def _problems(
    reference: str,
    _table: Table,
    targets: tuple[str, ...],
    kinds: Mapping[str, str],
    dropped: tuple[str, ...],
) -> list[Problem]:
    # The reference stands for the table: an upload is named by its content.
    return list(find_problems(_table.frame, targets, kinds, leave_out=dropped))
