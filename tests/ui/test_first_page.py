"""The first page of a fresh process imports nothing that takes seconds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SLOW = ("torch", "sklearn", "scipy", "networkx", "numba")
RUN = f"""
import sys
from streamlit.testing.v1 import AppTest
found = AppTest.from_file({str(ROOT / "app.py")!r}, default_timeout=60).run()
assert not found.exception, found.exception
print(found.title[0].value)
print(*sorted(set(sys.modules) & set({SLOW!r})))
"""


def test_the_first_page_needs_no_slow_library(tmp_path: Path) -> None:
    environment = os.environ | {"TASKVIZ_CACHE": str(tmp_path), "TASKVIZ_DEVICE": "cpu"}
    if not sys.platform.startswith("linux"):
        pytest.skip("elsewhere the device can be told by torch alone")
    done = subprocess.run(
        [sys.executable, "-c", RUN], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    heading, slow = done.stdout.split("\n")[:2]
    assert heading == "Collection"
    assert slow == ""
