"""A reviewer's link opens the same view; a first visit is led; the end of work is told."""

import json
import re
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browser.app_process import App
from browser.steps import chart, choose, colleague, open_page, settled
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

import taskviz as tv
from taskviz.cache import Cache
from taskviz.data import CollectionRef
from taskviz.jobs import JobStore, start_job
from taskviz.ui.scenarios import save_scenario
from taskviz.values import Grouping
from taskviz.verbs import affinity_key, group_tasks, training_key


@pytest.fixture(scope="module")
def key(app: App) -> str:
    """A matrix of linnerud with two scenarios."""
    cache = Cache(app.cache)
    collection = tv.load_collection("linnerud", cache=cache)
    matrix = tv.compute_affinity(collection, method="label-correlation", seed=0, cache=cache)
    made = affinity_key(collection, "label-correlation", seed=0)
    save_scenario(cache, "reviewed", "", group_tasks(matrix, "spectral", budget=2), made)
    save_scenario(cache, "all in one", "", group_tasks(matrix, "spectral", budget=1), made)
    return made


@pytest.fixture(scope="module")
def run(app: App) -> str:
    """A finished training of linnerud in two groups, with each task alone beside it."""
    cache = Cache(app.cache)
    linnerud = tv.load_collection("linnerud", cache=cache)
    plans = {
        "chosen": Grouping.of([linnerud.names[:2], linnerud.names[2:]]),
        "all-separate": Grouping.of([[name] for name in linnerud.names]),
    }
    tv.compare_groupings(linnerud, plans, epochs=4, width=4, cache=cache)
    keys = {name: training_key(linnerud, plan, epochs=4, width=4) for name, plan in plans.items()}
    store = JobStore(cache)
    spec = {
        "collection": CollectionRef("linnerud").to_json(),
        "grouping": plans["chosen"].to_json(),
    }
    job = store.add("training", spec, "Training of linnerud", "cpu")
    store.finish(job.id, job.attempt, "done", result={"results": keys})
    return job.id


def copied(page: Page) -> str:
    """What the button puts onto the clipboard."""
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_a_copied_link_opens_matrix_threshold_pair_plan_and_tab(
    app: App, key: str, page: Page, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=app.url)
    open_page(page, f"{app.url}/affinity?collection=linnerud&matrix={key}&pair=0-1", "Affinity")
    chart(page, "graph")
    slider = page.get_by_role("slider").first
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_url("**threshold=**")
    settled(page)
    page.wait_for_timeout(1000)  # the last press may still be on its way
    settled(page)
    link = copied(page)
    for part in (f"matrix={key}", "pair=0-1", "threshold="):
        assert part in link
    reviewer = context.new_page()
    open_page(reviewer, link, "Affinity")
    chart(reviewer, "graph")
    settled(reviewer)
    told = float(parse_qs(urlsplit(link).query)["threshold"][0])
    shown = float(reviewer.get_by_role("slider").first.input_value())
    assert shown == pytest.approx(told, rel=1e-4)
    assert shown == pytest.approx(float(slider.input_value()), rel=1e-4)
    expect(reviewer.get_by_text("Weight helps Waist").first).to_be_visible()
    reviewer.close()

    # the same on the Groups page, with its plan and tab
    page.get_by_role("link", name="Groups", exact=True).click()
    chart(page, "groups_graph")
    settled(page)
    page.get_by_role("tab", name="Table and settings").click()
    page.wait_for_url("**groups_tab=**")
    settled(page)
    link = copied(page)
    for part in ("plan=", "budget=", "threshold=", "groups_tab="):
        assert part in link
    reviewer = context.new_page()
    open_page(reviewer, link, "Groups")
    chart(reviewer, "groups_graph")
    expect(reviewer.get_by_role("tab", name="Table and settings")).to_have_attribute(
        "aria-selected", "true"
    )
    groups = page.locator(".card").all_inner_texts()
    assert reviewer.locator(".card").all_inner_texts() == groups


def test_a_link_opens_the_curves_as_they_were_set(
    app: App, run: str, page: Page, browser: Browser
) -> None:
    open_page(page, f"{app.url}/training?collection=linnerud&run={run}", "Training")
    page.get_by_role("tab", name="Curves").click()
    chart(page, "curve_chosen_0")
    choose(page, "Contender", "all-separate")
    page.get_by_text("Log scale").click()
    page.wait_for_url("**live_log=true**")
    settled(page)
    page.get_by_role("button", name="Enlarge").nth(1).click()
    chart(page, "curve_all-separate_1_large")
    page.wait_for_url("**focus=1**")
    settled(page)
    with colleague(browser) as reviewer:
        open_page(reviewer, page.url, "Training")
        chart(reviewer, "curve_all-separate_1_large")
        expect(reviewer.get_by_role("tab", name="Curves")).to_have_attribute(
            "aria-selected", "true"
        )
        expect(reviewer.get_by_role("switch", name="Log scale")).to_be_checked()
        expect(reviewer.get_by_role("button", name="All groups")).to_be_visible()


def test_a_link_opens_the_two_scenarios_that_were_compared(
    app: App, key: str, page: Page, browser: Browser
) -> None:
    open_page(page, f"{app.url}/groups?collection=linnerud&matrix={key}", "Groups")
    page.get_by_role("tab", name="Scenarios").click()
    for name in ("reviewed", "all in one"):
        settled(page)
        page.get_by_text(name, exact=True).first.click()
    told = re.compile("From (reviewed to all in one|all in one to reviewed)")
    expect(page.get_by_text(told)).to_be_visible()
    settled(page)
    with colleague(browser) as reviewer:
        open_page(reviewer, page.url, "Groups")
        expect(reviewer.get_by_text(told)).to_be_visible()


def test_a_first_visit_is_led_and_can_leave(app: App, page: Page) -> None:
    open_page(page, app.url, "Collection")
    page.get_by_role("button", name="Take the guided path").click()
    expect(page.get_by_text("Guided path · step 1 of 5: Collection")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Next: Affinity").click()
    expect(page.get_by_text("Guided path · step 2 of 5: Affinity")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Guided path · step 2 of 5: Affinity")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Make a first guess").click()
    chart(page, "heatmap")
    page.get_by_role("button", name="Next: Groups").click()
    expect(page.get_by_text("Guided path · step 3 of 5: Groups")).to_be_visible()
    settled(page)
    # terms of the page, each told on hover
    page.get_by_text("What am I looking at?").click()
    expect(page.get_by_text("Terms:")).to_be_visible()
    page.get_by_role("button", name="Leave the path").click()
    expect(page.get_by_text("Guided path")).to_have_count(0)
    assert "tour=" not in page.url


def test_the_end_of_work_is_told_by_the_browser_when_asked(
    app: App, page: Page, context: BrowserContext
) -> None:
    context.grant_permissions(["notifications"], origin=app.url)
    context.add_init_script(
        "window.told = []; const real = Notification;"
        "window.Notification = class { constructor(title, options) {"
        " window.told.push([title, options.body]) }"
        " static get permission() { return 'granted' }"
        " static requestPermission() { return Promise.resolve('granted') } }"
    )
    open_page(page, f"{app.url}/jobs", "Jobs")
    page.get_by_role("button", name="Notify me when work ends").click()
    expect(page.get_by_role("button", name="Notifications are on")).to_be_visible()
    store = JobStore(Cache(app.cache))
    for attempt in range(5):
        spec = {
            "collection": {"reference": "linnerud"},
            "method": "sca",
            "options": {"n": 15, "inits": 20},
            "seed": int(time.time()) + attempt,
        }
        job = start_job("affinity", spec, title="A <b>long</b> work", store=store)
        page.reload()
        end = time.monotonic() + 120
        while store.get(job.id).live and time.monotonic() < end:
            page.wait_for_timeout(200)
        assert store.get(job.id).state == "done"
        # A machine that was slow to reload saw nothing run: then there is nothing to tell.
        with suppress(PlaywrightTimeout):
            page.wait_for_function("window.told.length > 0", timeout=20_000)
            break
    # Work of an earlier test may have ended meanwhile, and is told too.
    told = [told for told in page.evaluate("window.told") if told[0].startswith("A ")]
    assert told == [["A <b>long</b> work", "done"]]
    settled(page)
    page.reload()
    settled(page)
    assert page.evaluate("window.told") == [], json.dumps("told once")


def test_a_webhook_is_set_and_taken_away(app: App, page: Page) -> None:
    open_page(page, f"{app.url}/jobs", "Jobs")
    page.get_by_text("Message at the end of long work").click()
    page.get_by_label("Address (http or https)").fill("ftp://example.org")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("A webhook is an address that begins with")).to_be_visible()
    page.get_by_label("Address (http or https)").fill("http://127.0.0.1:9/secret")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("http://127.0.0.1:9")).to_be_visible()
    expect(page.get_by_text("secret")).to_have_count(0)
    file = Path(app.cache) / "webhook.json"
    assert json.loads(file.read_text())["app"] == app.url
    settled(page)
    page.get_by_role("button", name="Take it away").click()
    expect(page.get_by_text("Set to")).to_have_count(0)
    assert not file.exists()
