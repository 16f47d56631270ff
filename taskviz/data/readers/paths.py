"""Paths that a file names: inside its own folder, or refused."""

from pathlib import Path, PurePosixPath

from taskviz.values import TaskvizError


def is_plain_name(name: str) -> bool:
    """Whether a text names a file in the folder at hand and nothing else."""
    return bool(name) and not any(c in name for c in "/\\\0:") and name not in (".", "..")


def inside(folder: Path, relative: str, what: str) -> Path:
    """The path that a relative name has in a folder.

    Raises:
        TaskvizError: it is absolute, leads out of the folder (by ``..`` or a link), or names
            nothing that is there.
    """
    parts = PurePosixPath(relative.replace("\\", "/"))
    if not relative.strip() or "\0" in relative:
        raise TaskvizError(f"{what} is empty: give a path inside the collection's folder.")
    first = parts.parts[0] if parts.parts else ""
    if parts.is_absolute() or ":" in first or relative.startswith("~"):
        raise TaskvizError(
            f"{what} is the absolute path {relative!r}: give a path inside the collection's folder."
        )
    if ".." in parts.parts:
        raise TaskvizError(
            f"{what} is {relative!r}, which leads out of the collection's folder: put the file "
            "there."
        )
    path = folder / parts
    try:
        there = path.exists()
        resolved = path.resolve()
    except (OSError, RuntimeError, ValueError):
        there, resolved = False, path
    if not there:
        raise TaskvizError(f"{what} is {relative!r}, but there is no such file or folder.")
    if not resolved.is_relative_to(folder.resolve()):
        raise TaskvizError(
            f"{what} is {relative!r}, a link that leads out of the collection's folder: put the "
            "file itself there."
        )
    return path
