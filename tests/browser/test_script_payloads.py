"""Script payloads in every text field: names, notes, titles, errors. Nothing runs or loads."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser.app_process import App
from browser.steps import open_page, settled
from playwright.sync_api import Browser, Page, expect

from taskviz.cache import Cache
from taskviz.data import CollectionRef, open_collection
from taskviz.data.uploads import store_upload
from taskviz.jobs import JobStore
from taskviz.ui.scenarios import save_scenario
from taskviz.values import AffinityMatrix
from taskviz.verbs import affinity_key, compute_affinity, group_tasks
from taskviz.verbs.imports import import_scores

RUN = "window.top.ranByPayload=1;window.ranByPayload=1"
PAYLOADS = (
    f'<img src=x onerror="{RUN}">',
    f"<script>{RUN}</script>",
    f'"><svg onload="{RUN}">',
    f"[click](javascript:{RUN})",
    "![x](http://evil.invalid/x.png)",
    f"$\\href{{javascript:{RUN}}}{{x}}$",
    "</script></style><iframe src=http://evil.invalid/>",
    ":material/delete: {{7*7}} %{x}",
)
TITLE = " ".join(PAYLOADS)


class Watched:
    """A tab that notes whatever a payload brought about."""

    def __init__(self, page: Page) -> None:
        self.page, self.seen = page, []
        page.on("dialog", lambda dialog: (self.seen.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda r: self.seen.append(r.url) if "evil" in r.url else None)

    def check(self, where: str) -> None:
        """Nothing ran in any frame, and no element was made from a payload."""
        for frame in self.page.frames:
            assert frame.evaluate("() => window.ranByPayload") is None, where
            made = frame.evaluate(
                """() => document.querySelectorAll(
                  'img[src="x"], img[src*="evil"], iframe[src*="evil"], svg[onload], '
                  + 'a[href^="javascript"], [onerror], [onload]').length"""
            )
            assert made == 0, where
        assert self.seen == [], where


@pytest.fixture(scope="module")
def hostile(app: App) -> dict[str, str]:
    """A table, a matrix, a plan, a scenario, an import and jobs whose every text is an attack."""
    cache, rng = Cache(app.cache), np.random.default_rng(0)
    x = rng.normal(size=(120, 3))
    columns = {f"feature {p}": x[:, i] for i, p in enumerate(PAYLOADS[:3])}
    for i, payload in enumerate(PAYLOADS):
        score = x @ rng.normal(size=3)
        words = np.where(score > 0, f"yes {payload}", "no")
        columns[payload] = words if i % 2 else score
    out = io.StringIO()
    pd.DataFrame(columns).to_csv(out, index=False)
    upload = store_upload(out.getvalue().encode(), f"{PAYLOADS[0]}.csv", cache)
    ref = CollectionRef(upload.reference, targets=PAYLOADS)
    collection = open_collection(ref, cache)
    found = {"collection": publish(ref, app)}
    matrix = compute_affinity(collection, method="label-correlation", cache=cache)
    found["matrix"] = affinity_key(collection, "label-correlation")
    plan = group_tasks(matrix, method="spectral", budget=2)
    save_scenario(cache, PAYLOADS[0], TITLE, plan, found["matrix"])
    values = rng.normal(size=(len(PAYLOADS), len(PAYLOADS)))
    path = AffinityMatrix(values, PAYLOADS, TITLE).save(app.cache / "import.json")
    found["import"] = import_scores(path.read_bytes(), f"{PAYLOADS[1]}.json", cache)
    store = JobStore(cache)
    spec = {"collection": ref.to_json(), "method": "sca", "options": {}}
    for state in ("failed", "done"):
        job = store.add("affinity", spec, TITLE, "cpu")
        store.finish(job.id, job.attempt, state, error=TITLE if state == "failed" else "")
        found[state] = job.id
    return found


def publish(ref: CollectionRef, app: App) -> str:
    """The collection's name in the URL, stored as the app stores it."""
    from taskviz.cache import key_of
    from taskviz.values.storage import dumps, write_text

    plain = ref.to_json()
    key = key_of(**plain)
    Cache(app.cache).put(
        "reference", key, lambda folder: write_text(folder / "ref.json", dumps(plain)), {}
    )
    return f"c-{key}"


@pytest.fixture
def watched(page: Page) -> Iterator[Watched]:
    """The tab, looked at once more in the end."""
    tab = Watched(page)
    yield tab
    tab.check("at the end")


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("collection", "Collection"),
        ("affinity", "Affinity"),
        ("groups", "Groups"),
        ("training", "Training"),
        ("report", "Report"),
        ("jobs", "Jobs"),
        ("optima", "Optima"),
        ("landscape", "Landscape"),
        ("laboratory", "Laboratory"),
    ],
)
def test_no_page_runs_a_payload(
    name: str, heading: str, app: App, hostile: dict[str, str], watched: Watched
) -> None:
    page = watched.page
    query = f"collection={hostile['collection']}&matrix={hostile['matrix']}&grouper=spectral"
    open_page(page, f"{app.url}/{name}?{query}&job={hostile['failed']}", heading)
    settled(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    watched.check(name)
    if name in ("collection", "affinity", "groups"):
        shown = page.locator("body").inner_text()
        assert "onerror" in shown or page.locator("canvas").count(), "the text itself is shown"
    if name == "affinity":
        for tab in ("Compare", "Table"):
            page.get_by_role("tab", name=tab).click()
            settled(page)
            watched.check(tab)
    if name == "groups":
        page.locator(".st-key-group_board li.card").first.hover()
        watched.check("card")
    if name == "report":
        page.get_by_role("textbox", name="Note (Markdown)").fill(TITLE)
        page.get_by_role("textbox", name="Note (Markdown)").press("Control+Enter")
        settled(page)
        page.wait_for_function("() => document.querySelectorAll('iframe').length > 0")
        page.wait_for_timeout(1000)
        watched.check("report preview")


def test_imported_scores_run_nothing(app: App, hostile: dict[str, str], watched: Watched) -> None:
    open_page(
        watched.page, f"{app.url}/groups?matrix={hostile['import']}&grouper=spectral", "Groups"
    )
    settled(watched.page)
    expect(watched.page.locator(".st-key-group_board li.card").first).to_be_visible()
    watched.check("import")


@pytest.mark.parametrize("key", ["collection", "matrix", "job", "budget"])
def test_a_link_runs_nothing(key: str, app: App, watched: Watched) -> None:
    page = watched.page
    page.goto(f"{app.url}/affinity?{key}={PAYLOADS[0]}")
    expect(page.get_by_role("heading", name="Affinity", level=1)).to_be_visible()
    settled(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    watched.check(key)


def test_the_watch_sees_what_runs(browser: Browser, tmp_path: Path) -> None:
    """A page that does run a payload is noticed."""
    context = browser.new_context()
    file = tmp_path / "bad.html"
    file.write_text(f"<p>{PAYLOADS[0]}</p>")
    tab = Watched(context.new_page())
    tab.page.goto(file.as_uri())
    tab.page.wait_for_timeout(300)
    with pytest.raises(AssertionError):
        tab.check("bad")
    context.close()
