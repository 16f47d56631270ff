"""Who looks at the page: anybody where nobody logs in, else whom ``st.login`` knows."""

from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from taskviz import access
from taskviz.access import Actor
from taskviz.ui import presses
from taskviz.ui.text import safe


def current() -> Actor:
    """Whoever this run of the script is for; in a thread of no session nobody is, with log-in.

    Raises:
        TaskvizError: the access file cannot be used.
    """
    policy = access.policy()
    if not needs_login():
        return policy.anonymous(local=_local())
    if get_script_run_ctx() is None or not st.user.get("is_logged_in"):
        return access.NOBODY
    return policy.person(st.user.to_dict())


def needs_login() -> bool:
    """True where the access file or a section ``[auth]`` of the secrets asks for it.

    Raises:
        TaskvizError: the access file cannot be used.
    """
    return access.policy().login or _has_provider()


def gate() -> None:
    """Let in whoever may see something; everybody else sees the reason, and the script stops.

    From here on whoever looks is who acts. A program that only imports this is its operator's.
    """
    access.set_source(current)
    who = current()
    if who.role != "nobody":
        return
    st.title("taskviz", anchor=False)
    if not _has_provider():
        st.error(
            "The access file asks for a log-in, but no provider is set up: write the section "
            "[auth] into .streamlit/secrets.toml as docs/shared_server.md shows.",
            title="Nobody can log in",
        )
    elif st.user.get("is_logged_in"):
        st.warning(
            f"You are logged in as **{safe(_shown())}**, but are neither a viewer nor an editor "
            "here: ask whoever runs this server.",
            title="Not let in",
        )
        st.button("Log out", icon=":material/logout:", on_click=st.logout)
    else:
        st.markdown("This server shows its data to people who are logged in.")
        st.button("Log in", type="primary", icon=":material/login:", on_click=st.login)
    st.stop()


def card() -> None:
    """Who is logged in, as what, and the way out; nothing where nobody logs in."""
    if not needs_login():
        return
    who = current()
    with st.container(border=True, gap="xsmall"):
        st.caption(f":material/person: {safe(_shown())} · {who.role}")
        if who.why_not:
            st.caption("You see and export; editors start and change things.")
        st.button(
            "Log out",
            icon=":material/logout:",
            type="tertiary",
            key="log_out",
            on_click=st.logout,
        )


def edit_button(label: str, *, owner: str | None = None, place: Any = st, **settings: Any) -> bool:
    """A button that changes something: shut, with the reason, for whoever may not.

    What it starts is refused all the same where it is started; this only says so beforehand.

    Args:
        owner: whose thing it changes; None: nobody's.
        place: where it stands; here.
        settings: of ``st.button``.
    """
    why = why_not(owner)
    if why:
        settings |= {"disabled": True, "help": why}
    return presses.button(label, place=place, **settings)


def why_not(owner: str | None = None) -> str:
    """Why whoever looks may not change a thing; empty where they may."""
    who = current()
    if who.why_not or owner is None or who.role == "operator" or owner == who.name:
        return who.why_not
    return f"This is {safe(owner) or 'the operator'}'s."


def _local() -> bool:
    """True where only this machine can reach the app."""
    address = st.config.get_option("server.address")
    hosts = st.config.get_option("server.allowedHosts")
    # Names of others mean a proxy before it.
    return access.is_local(address or "") and all(access.is_local(host) for host in hosts)


def _has_provider() -> bool:
    try:
        return "auth" in st.secrets
    except (FileNotFoundError, st.errors.StreamlitAPIException):
        return False


def _shown() -> str:
    return str(st.user.get("email") or st.user.get("name") or st.user.get("sub") or "")[:200]
