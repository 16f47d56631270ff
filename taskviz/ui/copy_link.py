"""A button that copies the address of what is shown, for a colleague."""

from typing import Final

import streamlit as st

_HTML: Final = """<div class="row">
<button type="button" title="Copies the address of this view: the same collection,
matrix, threshold, plan and selection open with it.">Copy link</button>
<span aria-live="polite"></span></div>
"""
_CSS: Final = """
:host, div { font-family: var(--st-font); }
.row { display: flex; flex-direction: row-reverse; align-items: center; }
button { font: inherit; font-size: 0.875rem; color: var(--st-text-color); cursor: pointer;
  background: transparent; border: 1px solid var(--st-border-color); padding: 0.25rem 0.75rem;
  border-radius: var(--st-base-radius); white-space: nowrap; }
button:hover { border-color: var(--st-primary-color); }
button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
span { font-size: 0.875rem; color: var(--st-text-color); margin-right: 0.5rem; }
"""
_JS: Final = """
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  // A page that is not served by localhost or HTTPS has no clipboard of its own.
  const field = document.createElement("textarea")
  field.value = text
  document.body.append(field)
  field.select()
  const done = document.execCommand("copy")
  field.remove()
  if (!done) throw new Error("refused")
}

export default function ({ parentElement }) {
  const button = parentElement.querySelector("button")
  const said = parentElement.querySelector("span")
  button.onclick = async () => {
    try {
      await copy(window.location.href)
      said.textContent = "Copied"
    } catch {
      said.textContent = "The browser refused: copy the address bar"
    }
    setTimeout(() => { said.textContent = "" }, 4000)
  }
}
"""
_MOUNT: Final = st.components.v2.component("taskviz_copy_link", html=_HTML, css=_CSS, js=_JS)


def copy_link() -> None:
    """The button; once a page."""
    _MOUNT(key="copy_link", data={})
