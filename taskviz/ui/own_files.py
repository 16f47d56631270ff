"""A folder, a .zip or an .npz of the user's own: what it is taken for, what is wrong with it."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from taskviz.data.manifest.guess import manifest_text
from taskviz.data.manifest.keys import FILE_NAME
from taskviz.data.manifest.manifest import Manifest
from taskviz.data.manifest.opened import Opened, open_path
from taskviz.data.reference import CollectionRef
from taskviz.ui import presses, problem_list, store
from taskviz.ui.text import listed, plural, safe
from taskviz.values import Task, TaskvizError


def draw(reference: str, path: Path, label: str, use: Callable[[CollectionRef], None]) -> None:
    """Findings of a thorough check, and the button that takes the collection."""
    found = _checked(reference, str(path), _stamp(path))
    errors = found.findings.errors
    contents = found.contents
    if contents is not None and found.manifest is not None:
        n = sum(len(block.inputs) for block in contents.blocks)
        tasks = [task for block in contents.blocks for task in block.tasks]
        st.markdown(
            f"**{safe(label)}**: {contents.layout} {contents.modality}, {plural(n, 'sample')}, "
            f"{plural(len(tasks), 'task')}; read as {_formats(found.manifest)}."
        )
        st.markdown(f"Tasks: {listed([task.name for task in tasks])}.")
    else:
        st.markdown(f"**{safe(label)}** cannot be used as it is.")
    problem_list.draw(found.findings.problems)
    if path.is_dir():
        blocks = contents.blocks if contents else ()
        _offer_manifest(path, [task for block in blocks for task in block.tasks])
    if presses.button("Use this", type="primary", disabled=bool(errors), icon=":material/check:"):
        ref = CollectionRef(reference)
        store.collection(store.publish(ref))
        use(ref)
        st.rerun()
    if errors:
        st.caption(f"Mend {plural(len(errors), 'problem')} above first.")


@st.cache_resource(max_entries=4, show_spinner="Reading every file…")
def _checked(reference: str, path: str, stamp: float) -> Opened:
    # The reference stands for an upload, the time of change for a folder on this machine.
    return open_path(Path(path), store.cache(), thorough=True)


def _stamp(path: Path) -> float:
    try:
        inside = [entry.stat().st_mtime for entry in path.iterdir()] if path.is_dir() else []
        return max([path.stat().st_mtime, *inside])
    except OSError:
        return 0.0


def _formats(manifest: Manifest) -> str:
    return listed(sorted({part.reader.name for part in manifest.parts}))


def _offer_manifest(path: Path, tasks: list[Task]) -> None:
    """The text of a manifest that would change what is guessed."""
    if (path / FILE_NAME).exists():
        return
    try:
        text = manifest_text(path, tasks)
    except TaskvizError:
        return
    with st.expander(f"Other tasks, names or splits? Put a {FILE_NAME} into the folder"):
        st.code(text, language="toml")
