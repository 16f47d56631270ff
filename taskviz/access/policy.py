"""The access file of a shared server: who comes in, as what; see docs/shared_server.md."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from taskviz.access.actor import Actor, Role
from taskviz.values import TaskvizError, unknown_choice

ENVIRONMENT = "TASKVIZ_ACCESS"
"""Names the access file; without it nobody logs in and nothing is limited."""
_MOST_NAME = 200


@dataclass(frozen=True)
class Policy:
    """What the access file says.

    Args:
        login: nobody comes in without ``st.login``.
        hosts: names under which the app is reached, beside this machine's own.
        folders: whose files may be opened by their path where others reach the app.
        editors: e-mail addresses; ``*@example.org`` is everybody there.
        viewers: likewise.
        claim: of the token, such as ``groups``, that gives roles; empty: none does.
        editor_values: values of the claim that make an editor.
        viewer_values: values of the claim that make a viewer.
        accept_unverified: believe an e-mail address that the provider does not call verified.
        most_jobs: of one person at work or waiting at once; None: any number.
        most_bytes: of one person's uploads and results; None: any number.
    """

    login: bool = False
    hosts: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    editors: tuple[str, ...] = ()
    viewers: tuple[str, ...] = ()
    claim: str = ""
    editor_values: tuple[str, ...] = ()
    viewer_values: tuple[str, ...] = ()
    accept_unverified: bool = False
    most_jobs: int | None = None
    most_bytes: int | None = None

    def anonymous(self, *, local: bool) -> Actor:
        """Whoever opens an app where nobody logs in.

        Args:
            local: only this machine reaches it, so any path may be opened.
        """
        return Actor(
            role="operator" if local else "editor",
            folders=None if local else self.folders,
            most_jobs=self.most_jobs,
            most_bytes=self.most_bytes,
        )

    def person(self, claims: Mapping[str, Any]) -> Actor:
        """Whoever logged in with these claims; a viewer or nobody where nothing says more."""
        email = self._email(claims)
        base = Actor(
            name=email or f"{claims.get('iss', '')}#{claims.get('sub', '')}"[:_MOST_NAME],
            folders=self.folders,
            most_jobs=self.most_jobs,
            most_bytes=self.most_bytes,
        )
        return replace(base, role=self._role(email, claims))

    def _email(self, claims: Mapping[str, Any]) -> str:
        """The address, in small letters; empty where it may be anybody's."""
        email = str(claims.get("email") or "").strip().lower()
        verified = claims.get("email_verified") is True or self.accept_unverified
        usable = email.isprintable() and email.count("@") == 1 and len(email) <= _MOST_NAME
        return email if verified and usable else ""

    def _role(self, email: str, claims: Mapping[str, Any]) -> Role:
        given = claims.get(self.claim) if self.claim else None
        values = {given} if isinstance(given, str) else set()
        if isinstance(given, Sequence) and not isinstance(given, str):
            values = {value for value in given if isinstance(value, str)}
        if _matches(email, self.editors) or values & set(self.editor_values):
            return "editor"
        if _matches(email, self.viewers) or values & set(self.viewer_values):
            return "viewer"
        return "nobody"


def read_policy(path: Path) -> Policy:
    """Read and check an access file.

    Raises:
        TaskvizError: it cannot be read, or an entry that is unknown or not what it should be.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TaskvizError(
            f"The access file {path} cannot be read ({error.strerror or error}): nobody comes in "
            f"until it can, or {ENVIRONMENT} is unset."
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TaskvizError(f"The access file {path.name} is no TOML ({error}).") from None
    top = _section(data, "", {"login", "hosts", "folders", "roles", "quota"})
    roles = _section(
        top.get("roles", {}),
        "roles",
        {"editors", "viewers", "claim", "editor_values", "viewer_values", "accept_unverified"},
    )
    quota = _section(top.get("quota", {}), "quota", {"jobs", "gigabytes"})
    claim = roles.get("claim", "")
    if not isinstance(claim, str):
        raise _wrong("roles.claim", claim, "the name of a claim")
    folders = tuple(Path(name) for name in _names(top, "folders"))
    for folder in folders:
        if not folder.is_absolute():
            raise _wrong("folders", str(folder), "absolute paths")
    found = Policy(
        login=_switch(top, "login"),
        hosts=tuple(_names(top, "hosts")),
        folders=folders,
        editors=_addresses(roles, "editors"),
        viewers=_addresses(roles, "viewers"),
        claim=claim,
        editor_values=tuple(_names(roles, "editor_values")),
        viewer_values=tuple(_names(roles, "viewer_values")),
        accept_unverified=_switch(roles, "accept_unverified"),
        most_jobs=_amount(quota, "jobs"),
        most_bytes=_bytes(quota),
    )
    somebody = found.editors or found.viewers or found.editor_values or found.viewer_values
    if found.login and not somebody:
        raise TaskvizError(
            f"The access file {path.name} lets nobody in: name editors or viewers under [roles]."
        )
    if (found.editor_values or found.viewer_values) and not claim:
        raise TaskvizError(
            f"The access file {path.name} has values of a claim, but no claim: name it under "
            "[roles]."
        )
    return found


_read: dict[tuple[str, int, int], Policy] = {}


def policy() -> Policy:
    """What the access file says now; a change counts from the next click on.

    Raises:
        TaskvizError: it cannot be used; errors as :func:`read_policy`.
    """
    given = os.environ.get(ENVIRONMENT)
    if not given:
        return Policy()
    path = Path(given)
    try:
        stamp = path.stat()
    except OSError:
        return read_policy(path)
    key = (given, stamp.st_mtime_ns, stamp.st_size)
    if key not in _read:
        found = read_policy(path)
        _read.clear()
        _read[key] = found
        return found
    return _read[key]


def _matches(email: str, patterns: Sequence[str]) -> bool:
    domain = "*@" + email.partition("@")[2]
    return bool(email) and any(pattern in (email, domain) for pattern in patterns)


def _section(data: Any, name: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise _wrong(name, data, "a section")
    for entry in data:
        if entry not in known:
            where = f"entry of [{name}] in the access file" if name else "entry of the access file"
            raise unknown_choice(where, str(entry), known)
    return data


def _switch(data: Mapping[str, Any], name: str) -> bool:
    value = data.get(name, False)
    if not isinstance(value, bool):
        raise _wrong(name, value, "true or false")
    return value


def _names(data: Mapping[str, Any], name: str) -> list[str]:
    value = data.get(name, [])
    if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
        raise _wrong(name, value, "a list of texts")
    return [v.strip() for v in value]


def _addresses(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = [value.lower() for value in _names(data, name)]
    for value in found:
        person, sign, domain = value.partition("@")
        if not sign or not person or not domain or "*" in domain or ("*" in person[1:]):
            raise _wrong(f"roles.{name}", value, "addresses, or *@ and a domain")
        if person[0] == "*" and person != "*":
            raise _wrong(f"roles.{name}", value, "addresses, or *@ and a domain")
    return tuple(found)


def _amount(data: Mapping[str, Any], name: str) -> int | None:
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _wrong(f"quota.{name}", value, "a whole number from 0 on")
    return value


def _bytes(data: Mapping[str, Any]) -> int | None:
    value = data.get("gigabytes")
    if value is None:
        return None
    # NaN fits no bound.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e9:
        raise _wrong("quota.gigabytes", value, "a number from 0 on")
    return int(value * 1e9)


def _wrong(name: str, value: Any, right: str) -> TaskvizError:
    shown = repr(value)[:80]
    return TaskvizError(f"Entry {name!r} of the access file is {shown}: {right} is needed.")
