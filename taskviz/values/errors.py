"""The one error a user can cause."""

from collections.abc import Iterable
from difflib import get_close_matches


class TaskvizError(Exception):
    """Bad input, told in one sentence: what is wrong, where, and what would be right.

    Pages and the command line print its text as it stands and never a traceback.
    """


class Cancelled(Exception):
    """The user asked for this work to stop."""


def unknown_choice(what: str, given: str, valid: Iterable[str]) -> TaskvizError:
    """A :class:`TaskvizError` that names the valid choices and the nearest one."""
    choices = sorted(valid)
    near = get_close_matches(given, choices, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return TaskvizError(f"Unknown {what} {given!r}: choose one of {', '.join(choices)}.{hint}")
