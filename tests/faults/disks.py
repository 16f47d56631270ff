"""A disk of a few megabytes, which a test can fill or make read-only."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _mount(*arguments: str) -> bool:
    tool = shutil.which("mount")
    if tool is None:
        return False
    return subprocess.run([tool, *arguments], capture_output=True, check=False).returncode == 0


@contextmanager
def small_disk(folder: Path, megabytes: int = 8) -> Iterator[Path]:
    """A file system of its own in memory; the test is skipped where none may be mounted."""
    folder.mkdir(parents=True)
    if not _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "taskviz", str(folder)):
        pytest.skip("may not mount a small disk here: needs root on Linux")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


def fill(folder: Path) -> Path:
    """Write until nothing is left; returns the ballast."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return ballast


def make_read_only(folder: Path) -> None:
    """From now on nothing can be written there, by nobody."""
    if not _mount("-o", "remount,ro", str(folder)):
        pytest.skip("may not remount a disk here")
