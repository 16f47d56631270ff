"""How values go to disk: whole files, written atomically, never pickled."""

import json
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from taskviz.values.checks import check_path
from taskviz.values.errors import TaskvizError

PART = ".part"
"""Ending of a file that is being written beside its place."""
LEFT_SECONDS = 3600.0
"""A half-written file that is older was left by a writer that was killed."""


def write_text(path: Path | str, text: str) -> Path:
    """Write a file whole or not at all, following no half-written state."""
    return write_bytes(path, text.encode())


def write_bytes(path: Path | str, data: bytes) -> Path:
    """Likewise for bytes; what writers of this file that were killed left beside it goes."""
    path = check_path(path, "The file")
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name[:80]}."
    remove_leavings(path.parent, prefix)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=PART)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def remove_leavings(folder: Path, prefix: str = "") -> None:
    """Remove half-written files (``<prefix>….part``) that nobody writes any more."""
    with suppress(OSError):
        for left in folder.iterdir():
            named = left.name.startswith(prefix) and left.name.endswith(PART)
            if named and time.time() - left.stat().st_mtime > LEFT_SECONDS:
                left.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def dumps(data: Any) -> str:
    """JSON that is valid everywhere: NaN must have been turned into null before."""
    return json.dumps(data, default=_plain, ensure_ascii=False, allow_nan=False)


def nullable(array: Any) -> Any:
    """Nested lists of an array with None in place of NaN."""
    array = np.asarray(array)
    if array.dtype.kind != "f":
        return array.tolist()
    plain = array.astype(object)
    plain[np.isnan(array)] = None
    return plain.tolist()


def read_json(path: Path | str, what: str) -> dict[str, Any]:
    """Read a JSON object, or say in one sentence why it is none."""
    path = check_path(path, "The file")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TaskvizError(f"There is no file {path}: give the path of a saved {what}.") from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TaskvizError(
            f"{path.name} is not valid JSON ({error}): a saved {what} is needed."
        ) from None
    except OSError as error:
        raise unreadable(path, error) from None
    if not isinstance(data, dict):
        raise TaskvizError(f"{path.name} does not hold a saved {what}: a JSON object is needed.")
    return data


def unreadable(path: Path, error: OSError) -> TaskvizError:
    """What to say where the system refuses a file."""
    return TaskvizError(
        f"Cannot read {path} ({error.strerror or error}): give a file that can be read."
    )
