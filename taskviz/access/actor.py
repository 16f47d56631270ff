"""Who acts now. Whatever starts, ends or stores something asks here, wherever it was called from.

The app puts in how it knows its users; a terminal and a worker act for whoever runs them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from taskviz.values import TaskvizError

Role = Literal["operator", "editor", "viewer", "nobody"]


@dataclass(frozen=True)
class Actor:
    """Somebody with a role. Immutable.

    Args:
        name: who owns what they start; empty where nobody logs in.
        role: ``operator`` may do everything (a terminal, an app on this machine only), ``editor``
            starts jobs and ends their own, ``viewer`` sees and exports, ``nobody`` sees nothing.
        folders: whose files may be opened by their path; None: any.
        most_jobs: at work or waiting at once; None: any number.
        most_bytes: of uploads and results; None: any number.
    """

    name: str = ""
    role: Role = "operator"
    folders: tuple[Path, ...] | None = None
    most_jobs: int | None = None
    most_bytes: int | None = None

    @property
    def edits(self) -> bool:
        """True for whoever may start jobs and store things."""
        return self.role in ("operator", "editor")

    @property
    def why_not(self) -> str:
        """Why this actor may not edit, for a button that is shut; empty where they may."""
        if self.edits:
            return ""
        if self.role == "nobody":
            return "Log in first."
        return "You are a viewer here: you see and export, editors start and change things."

    def must_edit(self, what: str) -> None:
        """Refuse whoever may not edit.

        Args:
            what: what they tried, such as ``start jobs``.

        Raises:
            TaskvizError: they may not.
        """
        if self.role == "viewer":
            raise TaskvizError(
                f"A viewer sees and exports, but may not {what}: ask whoever runs this server to "
                "make you an editor."
            )
        if self.role == "nobody":
            raise TaskvizError(f"Only somebody who is logged in may {what}: log in first.")

    def must_own(self, owner: str, what: str) -> None:
        """Refuse an editor what is another's; errors as :meth:`must_edit`."""
        self.must_edit(what)
        if self.role != "operator" and owner != self.name:
            raise TaskvizError(
                f"This is {owner or 'the operator'}'s: only they, or whoever runs this server in "
                f"a terminal, may {what}."
            )

    def must_open(self, path: Path) -> None:
        """Refuse a path outside the folders; says nothing about whether it is there.

        Raises:
            TaskvizError: it lies elsewhere, also by a link.
        """
        if self.folders is None:
            return
        try:
            place = path.expanduser().resolve()
        except (OSError, RuntimeError, ValueError):
            place = None
        if place is not None and any(place.is_relative_to(f.resolve()) for f in self.folders):
            return
        if self.folders:
            there = ", ".join(str(folder) for folder in self.folders)
            raise TaskvizError(f"Paths are opened under {there} only: upload the file instead.")
        raise TaskvizError(
            "This app can be reached by others, so it opens no files by their path: upload the "
            "file instead, or have its folder named under `folders` in the access file."
        )


OPERATOR = Actor()
NOBODY = Actor(role="nobody", folders=())

_source: Callable[[], Actor] = lambda: OPERATOR  # noqa: E731


def actor() -> Actor:
    """Whoever acts now.

    Raises:
        TaskvizError: the access file cannot be used, so nobody may do anything.
    """
    return _source()


def set_source(source: Callable[[], Actor]) -> None:
    """Put in how this process knows who acts."""
    global _source
    _source = source
