"""A press in a run that ends early is acted on in the next; one that nobody waits for is not."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from browser.app_process import ROOT, free_port
from browser.steps import press, settled
from playwright.sync_api import Page, expect

SCRIPT = """
import time
import streamlit as st
from taskviz.ui import presses

presses.next_run("page")
if st.checkbox("Something else"):
    st.caption("It was ticked")
shown = not st.checkbox("Hide the buttons")
time.sleep(1)
counts = st.session_state.setdefault("counts", {"ours": 0, "theirs": 0})
if shown:
    counts["ours"] += presses.button("Ours")
    counts["theirs"] += st.button("Theirs")
st.write(f"{counts['ours']} of ours, {counts['theirs']} of theirs")
"""


@pytest.fixture(scope="module")
def slow_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page that takes a second before it reaches its buttons."""
    folder: Path = tmp_path_factory.mktemp("slow")
    (folder / "slow.py").write_text(SCRIPT, encoding="utf-8")
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "streamlit", "run", str(folder / "slow.py")),
            *("--server.headless=true", f"--server.port={port}", "--server.address=localhost"),
            "--browser.gatherUsageStats=false",
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://localhost:{port}"
    end = time.monotonic() + 60
    try:
        while time.monotonic() < end:
            with suppress(OSError):
                if urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).status == 200:
                    break
            time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()


def told(page: Page, ours: int, theirs: int) -> None:
    """Wait for the counts of the page."""
    expect(page.get_by_text(f"{ours} of ours, {theirs} of theirs")).to_be_visible()


def tick(page: Page, label: str) -> None:
    """Tick a box while the script runs."""
    page.wait_for_timeout(300)
    page.locator("label", has_text=label).click()


def test_a_press_outlives_the_run_that_brings_it(page: Page, slow_page: str) -> None:
    page.goto(slow_page)
    told(page, 0, 0)
    press(page, "Ours")
    told(page, 1, 0)
    settled(page)
    press(page, "Theirs")
    tick(page, "Something else")
    expect(page.get_by_text("It was ticked")).to_be_visible()
    settled(page)
    told(page, 1, 0)
    press(page, "Ours")
    tick(page, "Something else")
    told(page, 2, 0)
    settled(page)
    tick(page, "Something else")
    settled(page)
    told(page, 2, 0)


def test_a_press_is_not_kept_for_a_button_that_comes_back_later(page: Page, slow_page: str) -> None:
    page.goto(slow_page)
    told(page, 0, 0)
    press(page, "Ours")
    tick(page, "Hide the buttons")
    expect(page.get_by_role("button", name="Ours")).to_have_count(0)
    for _ in range(3):
        settled(page)
        tick(page, "Something else")
    settled(page)
    tick(page, "Hide the buttons")
    expect(page.get_by_role("button", name="Ours")).to_be_visible()
    settled(page)
    told(page, 0, 0)
