"""Does grouping matter: an early answer, refined while one watches, kept when one stops."""

import re
import time
from pathlib import Path

from browser.app_process import App
from browser.steps import chart, job_in_url, open_page, press, settled, write_yeast_csv
from playwright.sync_api import Page, expect
from slow_worker import slow_worker

from taskviz.cache import Cache
from taskviz.jobs import JobStore
from taskviz.verbs import read_answer

SLOW = 180_000


def to_evidence(page: Page, app: App, folder: Path, name: str, rows: int = 240) -> None:
    """A small table of one's own, opened on the Evidence page; other rows are another table."""
    table = write_yeast_csv(folder / f"{name}.csv", rows=rows, features=8, tasks=4)
    open_page(page, app.url, "Collection")
    page.locator("input[type=file]").set_input_files(str(table))
    press(page, "Use this table")
    expect(page.get_by_role("heading", name=name, level=3)).to_be_visible()
    page.get_by_role("link", name="Evidence", exact=True).click()
    expect(page.get_by_role("heading", name="Evidence", level=1)).to_be_visible()
    expect(page.get_by_text("It is not known yet whether grouping matters here")).to_be_visible()


def rounds_told(page: Page) -> int:
    """How many rounds the answer on the page rests on."""
    told = page.get_by_text(re.compile(r"after \d+ rounds?")).first
    expect(told).to_be_visible(timeout=SLOW)
    found = re.search(r"after (\d+) round", told.inner_text())
    assert found
    return int(found[1])


def wait_for_more_rounds(page: Page, than: int) -> int:
    """Wait until the answer on the page rests on more rounds."""
    end = time.monotonic() + SLOW / 1000
    while (now := rounds_told(page)) <= than:
        assert time.monotonic() < end, f"no answer beyond round {than}"
        page.wait_for_timeout(300)
    return now


def test_an_early_answer_is_refined_and_kept(app: App, page: Page, tmp_path: Path) -> None:
    to_evidence(page, app, tmp_path, "some genes")
    press(page, "Find out whether grouping matters")
    store = JobStore(Cache(app.cache))
    with slow_worker(store, job_in_url(page, "ask")):
        first = rounds_told(page)
        assert first < 5, "the first answer is shown before the last round"
        expect(page.get_by_text("Does grouping matter here?")).to_be_visible()
    more = page.get_by_role("button", name="Spend five more minutes to know better")
    expect(more).to_be_visible(timeout=2 * SLOW)
    ended = rounds_told(page)
    assert ended > first, "it was refined while one watched"
    chart(page, "contrasts")
    chart(page, "reliability_rounds")
    expect(page.get_by_text("What we recommend")).to_be_visible()

    more.click()
    expect(page.get_by_role("button", name="Stop").first).to_be_visible()
    job = job_in_url(page, "ask")
    with slow_worker(store, job):
        wait_for_more_rounds(page, ended)
        press(page, "Stop")
        expect(page.get_by_text("This job was stopped")).to_be_visible(timeout=SLOW)
    kept = rounds_told(page)
    assert kept > ended, "what was found before the stop is still there"
    page.reload()
    assert rounds_told(page) == kept
    chart(page, "contrasts")

    keys = [point["answer"] for _, point in store.metrics(job)]
    answer = read_answer(str(keys[-1]), store.cache)
    assert answer.rounds == kept
    expect(page.get_by_text(f"{answer.check_networks} networks").first).to_be_visible()


def test_the_recommended_groups_go_to_training(app: App, page: Page, tmp_path: Path) -> None:
    to_evidence(page, app, tmp_path, "more genes", rows=230)
    press(page, "Find out whether grouping matters")
    button = page.get_by_role("button", name=re.compile("Train the recommended groups"))
    expect(button).to_be_enabled(timeout=2 * SLOW)
    button.click()
    expect(page.get_by_role("heading", name="Training", level=1)).to_be_visible()
    expect(page.get_by_text("This trains one model for each of")).to_be_visible()


def test_sca_as_published_stands_beside_its_reliability(
    app: App, page: Page, tmp_path: Path
) -> None:
    to_evidence(page, app, tmp_path, "published genes", rows=220)
    page.get_by_role("tab", name="SCA as published").click()
    settled(page)
    press(page, "Measure SCA as published")
    chart(page, "sca_heatmap")
    expect(
        page.get_by_text(re.compile("two halves of 5 repeats", re.IGNORECASE)).first
    ).to_be_visible()
