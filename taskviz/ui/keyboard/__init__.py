"""Keys for those who use no mouse: to every page, and a list of all keys under ``?``.

The same script mends what Streamlit's navigation says to a screen reader: with headings its list
holds other things than items, which no list may.
"""

from pathlib import Path
from typing import Any, Final

import streamlit as st

from taskviz.ui.pages import PAGES

_HERE: Final = Path(__file__).parent
_MOUNT: Final = st.components.v2.component(
    "taskviz_keyboard",
    html="<span hidden></span>",
    js=(_HERE / "keyboard.js").read_text(encoding="utf-8"),
)
ELSEWHERE: Final = (
    ("Tab, Shift+Tab", "to the next or the last control; the first leads past the navigation"),
    ("Enter, Space", "press a button, open a list"),
    ("arrows", "move a slider, choose in a list; on the Groups page move a task to another group"),
    ("Ctrl+Z, Ctrl+Y", "on the Groups page: undo, redo"),
    ("Esc", "close a list or this window"),
)
"""Keys that are there without the script, as it lists them."""


def keyboard(dark: bool) -> None:
    """Listen; drawn once a run, beside the navigation."""
    data: dict[str, Any] = {
        "dark": dark,
        "pages": [{"key": p.key, "name": p.name, "title": p.title} for p in PAGES],
        "elsewhere": [list(pair) for pair in ELSEWHERE],
    }
    _MOUNT(key="keyboard", data=data, height=1)
