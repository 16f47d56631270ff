"""The board of groups as a component: drag a card, or move it by the keyboard.

The script reports ``moved`` (task, from, to, revision) and ``locked`` (task, revision) as triggers
and draws whatever it is given; it computes nothing and reaches for nothing outside.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import streamlit as st

_HERE: Final = Path(__file__).parent
_HTML: Final = """<div class="board" role="group" aria-label="Groups of tasks">
<div class="columns"></div>
<div class="live" aria-live="polite"></div>
</div>
"""
_MOUNT: Final = st.components.v2.component(
    "taskviz_group_board",
    html=_HTML,
    css=(_HERE / "board.css").read_text(encoding="utf-8"),
    js=(_HERE / "board.js").read_text(encoding="utf-8"),
)


def group_board(
    data: dict[str, Any],
    *,
    key: str,
    on_moved: Callable[[], None],
    on_locked: Callable[[], None],
) -> None:
    """Mount the board.

    Args:
        data: columns with their cards, colours, revision; see ``workbench.board``.
        key: of the component; ``st.session_state[key].moved`` and ``.locked`` hold the triggers.
        on_moved: called where a card was moved.
        on_locked: called where a lock was pressed.
    """
    _MOUNT(key=key, data=data, on_moved_change=on_moved, on_locked_change=on_locked)
