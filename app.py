"""Page set-up and navigation, nothing else: `python -m taskviz app` or `streamlit run app.py`.

The pages lie in `app_pages/`: a folder named `pages/` would be served by Streamlit itself, past
this file, whenever a link opens a page on a server that has just started.
"""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from taskviz.ui import frame, presses, state, user, warm
from taskviz.ui.pages import ASSETS, PAGES, SECTIONS, PageEntry
from taskviz.values import TaskvizError

st.set_page_config(page_title="taskviz", page_icon=str(ASSETS / "mark.svg"), layout="wide")
st.logo(str(ASSETS / "logo.svg"), icon_image=str(ASSETS / "mark.svg"), size="large")


def draw(entry: PageEntry) -> StreamlitPage:
    """A page for the navigation."""
    return st.Page(
        f"app_pages/{entry.name}.py",
        title=entry.title,
        icon=entry.icon,
        url_path=entry.name,
        help=entry.help,
        default=entry.name == "collection",
    )


sections = {
    section: [draw(entry) for entry in PAGES if entry.section == section] for section in SECTIONS
}
try:
    user.gate()
except TaskvizError as error:
    # An access file that cannot be used lets nobody in.
    frame.failed(error)
    st.stop()
page = st.navigation({name: pages for name, pages in sections.items() if pages}, expanded=True)
state.sync(page.url_path)
presses.next_run(page.url_path)
try:
    frame.sidebar()
    page.run()
    warm.shown()
except TaskvizError as error:
    # Such as a disk that is full or a cache that cannot be used.
    frame.failed(error)
