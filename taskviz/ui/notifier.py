"""A browser notification when work ends: off until it is asked for, while a tab is open."""

from typing import Any, Final

import streamlit as st

from taskviz.jobs import Job

_HTML: Final = """<button type="button" aria-pressed="false"></button><span role="status"></span>"""
_CSS: Final = """
:host, div { font-family: var(--st-font); }
button { font: inherit; font-size: 0.875rem; color: var(--st-text-color); cursor: pointer;
  background: transparent; border: 1px solid var(--st-border-color); padding: 0.25rem 0.75rem;
  border-radius: var(--st-base-radius); }
button:hover { border-color: var(--st-primary-color); }
button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
span { display: block; font-size: 0.8rem; color: var(--st-text-color); }
"""
_JS: Final = """
const WANTED = "taskviz-notify", TOLD = "taskviz-notified"

function kept(name) {
  try { return window.localStorage.getItem(name) } catch { return null }
}
function keep(name, value) {
  try { window.localStorage.setItem(name, value) } catch { /* a private window keeps nothing */ }
}

export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button")
  const said = parentElement.querySelector("span")
  const there = "Notification" in window
  const on = () => there && kept(WANTED) === "1" && Notification.permission === "granted"
  const show = () => {
    button.setAttribute("aria-pressed", String(on()))
    button.textContent = on() ? "Notifications are on" : "Notify me when work ends"
  }
  show()
  button.onclick = async () => {
    said.textContent = ""
    if (!there) { said.textContent = "This browser has no notifications."; return }
    if (on()) keep(WANTED, "0")
    else if ((await Notification.requestPermission()) === "granted") keep(WANTED, "1")
    else said.textContent = "The browser does not permit notifications for this page."
    show()
  }
  const told = new Set((kept(TOLD) || "").split(" "))
  for (const job of data.ended) {
    if (told.has(job.id)) continue
    told.add(job.id)
    if (on()) new Notification(job.title, { body: job.state, tag: job.id })
  }
  keep(TOLD, [...told].slice(-200).join(" "))
}
"""
_MOUNT: Final = st.components.v2.component("taskviz_notifier", html=_HTML, css=_CSS, js=_JS)
_ENDED: Final = "ended_jobs"


def ended(jobs: list[Job]) -> None:
    """Take note of jobs that this session saw running and that ended."""
    known: list[dict[str, Any]] = st.session_state.setdefault(_ENDED, [])
    known += [{"id": f"{j.id}-{j.attempt}", "title": j.title, "state": j.state} for j in jobs]
    del known[:-20]


def draw() -> None:
    """The switch, and what there is to tell; in the sidebar, once a page."""
    _MOUNT(key="notifier", data={"ended": list(st.session_state.get(_ENDED, []))})
