"""The one error a user can cause."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST = 3000


class TaskvizError(Exception):
    """Bad input, told in one sentence: what is wrong, where, and what would be right.

    Pages and the command line print its text as it stands and never a traceback. Text beyond
    :data:`LONGEST` letters, which only a very long name in a file can cause, is cut in the middle.
    """

    def __init__(self, text: str = "") -> None:
        if len(text) > LONGEST:
            text = f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"
        super().__init__(text)


class SettingsError(TaskvizError):
    """What its settings made impossible: the same again would end the same way."""


class Cancelled(Exception):
    """The user asked for this work to stop."""


def unknown_choice(what: str, given: object, valid: Iterable[str], of: str = "") -> TaskvizError:
    """A :class:`TaskvizError` that names the valid choices and the nearest one.

    Args:
        what: was given, such as "task".
        of: what it should belong to, such as "collection 'yeast'".
    """
    choices = sorted(valid)
    near = get_close_matches(str(given), choices, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    owner = f" of {of}" if of else ""
    return TaskvizError(
        f"Unknown {what} {given!r}{owner}: choose one of {', '.join(choices)}.{hint}"
    )
