"""The app with what a server needs: `python -m taskviz app` starts this.

`streamlit run app.py` shows the same pages without the health endpoint.
"""

import streamlit as st

from taskviz.ui import server

app = st.App("app.py", **server.parts())
