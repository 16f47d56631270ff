"""The main job, as a user does it, and what happens when something breaks on the way."""

import os
import signal
import time
from pathlib import Path

from browser.app_process import App, start_app, stop_app
from browser.steps import (
    chart,
    compute,
    job_in_url,
    next_page,
    open_page,
    press,
    set_number,
    use_example,
    wait_for_points,
    write_yeast_csv,
)
from playwright.sync_api import Browser, BrowserContext, Page, expect
from slow_worker import slow_worker

from taskviz.cache import Cache
from taskviz.jobs import JobStore


def to_training(page: Page, app: App, *, epochs: int) -> None:
    """From nothing to the Training page of yeast, ready to start; every run a full one."""
    use_example(page, app.url)
    next_page(page, "Compute affinity", "Affinity")
    if not page.locator(".st-key-heatmap").count():
        compute(page)
    next_page(page, "Find groups", "Groups")
    chart(page, "frontier")
    next_page(page, "Train these groups", "Training")
    set_number(page, "Epochs", epochs)
    set_number(page, "Patience", 0)
    set_number(page, "Seeds", 1)


def test_upload_to_report(app: App, browser: Browser, page: Page, tmp_path: Path) -> None:
    table = write_yeast_csv(tmp_path / "my genes.csv", rows=1500, features=60)
    open_page(page, app.url, "Collection")
    page.locator("input[type=file]").set_input_files(str(table))
    expect(page.get_by_text("Which columns are targets?")).to_be_visible()
    expect(page.get_by_text("Targets: Class1, Class2, Class3, Class4 and Class5")).to_be_visible()
    press(page, "Use this table")
    expect(page.get_by_role("heading", name="my genes", level=3)).to_be_visible()

    next_page(page, "Compute affinity", "Affinity")
    compute(page)
    next_page(page, "Find groups", "Groups")
    chart(page, "frontier")
    expect(page.get_by_role("slider").first).to_have_value("3")
    next_page(page, "Train these groups", "Training")
    set_number(page, "Epochs", 120)
    set_number(page, "Patience", 0)
    set_number(page, "Random groupings", 1)
    set_number(page, "Seeds", 1)
    press(page, "Start training")
    store, run = JobStore(Cache(app.cache)), job_in_url(page, "run")
    with slow_worker(store, run):
        first = wait_for_points(page, 0)
        assert wait_for_points(page, first) > first
    chart(page, "dots")
    chart(page, "gains")
    assert store.get(run).state == "done"

    next_page(page, "Write the report", "Report")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download the report").click()
    report = tmp_path / "report.html"
    waiting.value.save_as(report)
    offline = browser.new_context(offline=True)
    asked: list[str] = []
    tab = offline.new_page()
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(report.as_uri())
    expect(tab.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    drawn = tab.locator(".js-plotly-plot:has(.main-svg)").count()
    assert drawn == tab.locator(".js-plotly-plot").count() >= 4
    expect(tab.get_by_text("my genes").first).to_be_visible()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    offline.close()


def test_refresh_and_second_tab_in_the_middle_of_training(
    app: App, context: BrowserContext, page: Page
) -> None:
    to_training(page, app, epochs=2000)
    press(page, "Start training")
    before = wait_for_points(page, 2)
    page.reload()
    expect(page.get_by_role("heading", name="Training", level=1)).to_be_visible()
    expect(page.get_by_role("button", name="Stop").first).to_be_visible()
    assert wait_for_points(page, before) > before

    second = context.new_page()
    second.goto(page.url)
    expect(second.get_by_role("button", name="Stop").first).to_be_visible()
    press(second, "Stop")
    expect(page.get_by_text("This job was stopped")).to_be_visible(timeout=60_000)
    expect(second.get_by_text("This job was stopped")).to_be_visible(timeout=60_000)


def network_times(cache: Path) -> dict[str, int]:
    """Every finished network with the moment it was written."""
    return {
        path.parent.name: path.stat().st_mtime_ns
        for path in (cache / "network").glob("*/*/manifest.json")
    }


def test_a_killed_worker_resumes_without_repeating_groups(app: App, page: Page) -> None:
    to_training(page, app, epochs=40)
    started = set(network_times(app.cache))
    press(page, "Start training")
    store, job = JobStore(Cache(app.cache)), job_in_url(page, "run")
    with slow_worker(store, job):
        wait_for_points(page, 0)
        end = time.monotonic() + 60
        while len(set(network_times(app.cache)) - started) < 2:
            assert time.monotonic() < end, "no second group finished within a minute"
            time.sleep(0.1)
        pid = store.get(job).pid
        assert pid
        os.kill(pid, signal.SIGKILL)
    finished = network_times(app.cache)
    expect(page.get_by_text("The worker process ended before the job was done")).to_be_visible(
        timeout=60_000
    )
    press(page, "Resume")
    chart(page, "dots")
    after = network_times(app.cache)
    assert {key: after[key] for key in finished} == finished, "a finished group was written again"
    assert len(after) > len(finished)
    assert store.get(job).state == "done"
    assert store.get(job).attempt == 2


def test_training_survives_a_restart_of_the_app(browser: Browser, tmp_path: Path) -> None:
    first = start_app(tmp_path / "cache")
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    try:
        to_training(page, first, epochs=2000)
        press(page, "Start training")
        before = wait_for_points(page, 1)
        where = page.url.removeprefix(first.url)
        first.process.kill()
        first.process.wait(10)
        second = start_app(first.cache)
        try:
            page.goto(second.url + where)
            expect(page.get_by_role("button", name="Stop").first).to_be_visible()
            assert wait_for_points(page, before) > before
            press(page, "Stop")
            expect(page.get_by_text("This job was stopped")).to_be_visible(timeout=60_000)
        finally:
            stop_app(second)
    finally:
        context.close()
        stop_app(first)
