"""What Streamlit's theme cannot say: colours of text on dark, visible focus, sizes to hit.

WCAG AA wants 4.5 of text against its ground. In the dark theme no one primary colour gives that
both as the ground of white words (buttons) and as words on the page (the chosen tab), so there the
words take the colour of links.
"""

import streamlit as st

_ALWAYS = """
:focus-visible { outline: 2px solid var(--taskviz-focus) !important; outline-offset: 2px; }
[data-testid="stMultiSelect"] button,
[data-testid="stBaseButton-tertiary"] { min-width: 24px; min-height: 24px; }
"""
# Where columns stand one above the other, what one came to see stands above the settings.
_NARROW = """
@media (max-width: 640px) {
  .st-key-result_first > [data-testid="stLayoutWrapper"] >
    [data-testid="stHorizontalBlock"] > [data-testid="stColumn"]:first-child { order: 1; }
}
"""
_LIGHT = ":root { --taskviz-focus: #0b6e75; }"
_DARK = """
:root { --taskviz-focus: #6fd0d6; }
[data-testid="stSliderThumbValue"] p,
[data-testid="stTab"][aria-selected="true"] p,
[data-testid="stButtonGroup"] [data-selected="true"] p,
[data-testid="stButtonGroup"] [data-selected="true"] [role="img"] { color: #6fd0d6; }
"""


def apply(dark: bool) -> None:
    """Add our rules to the page; drawn once a run."""
    st.html(f"<style>{_ALWAYS}{_NARROW}{_DARK if dark else _LIGHT}</style>")
