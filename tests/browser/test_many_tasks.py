"""500 tasks: heatmap, graph, tables and groups stay usable."""

import re
from pathlib import Path

import numpy as np
import pytest
from browser.app_process import App
from browser.steps import chart, open_page, settled
from playwright.sync_api import Page, expect

import taskviz as tv
from taskviz.affinity import make_estimator
from taskviz.cache import Cache, key_of
from taskviz.values import AffinityMatrix, TaskCollection
from taskviz.verbs.affinity import affinity_parts

TASKS, GROUPS = 500, 20


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 rows with 500 labels."""
    path = tmp_path_factory.mktemp("many") / "many.npz"
    rng = np.random.default_rng(0)
    np.savez_compressed(
        path,
        inputs=rng.normal(size=(60, 4)).astype(np.float32),
        y=(rng.random((60, TASKS)) < 0.5).astype(np.uint8),
    )
    return path


def planted(collection: TaskCollection) -> AffinityMatrix:
    """A matrix with 20 blocks, some of whose entries rest on nothing."""
    rng = np.random.default_rng(1)
    block = rng.permutation(np.arange(TASKS) % GROUPS)
    values = (block[:, None] == block).astype(float) + 0.3 * rng.normal(size=(TASKS, TASKS))
    support = (rng.random((TASKS, TASKS)) < 0.98).astype(np.int64)
    np.fill_diagonal(support, 1)
    values[support == 0] = np.nan
    return AffinityMatrix(
        values,
        collection.names,
        "higher-order",
        seed=0,
        support=support,
        collection=collection.name,
        fingerprint=collection.fingerprint,
    )


def keep(matrix: AffinityMatrix, collection: TaskCollection, cache: Cache) -> None:
    """Put it where the app finds what was computed."""
    parts = affinity_parts(collection, make_estimator(matrix.method), 0, "cpu")
    cache.put(
        "affinity", key_of(**parts), lambda folder: matrix.save(folder / "matrix.json"), parts
    )


def test_five_hundred_tasks(app: App, page: Page, table: Path) -> None:
    page.set_default_timeout(60_000)
    collection = tv.load_collection(str(table))
    keep(planted(collection), collection, Cache(app.cache))
    open_page(page, app.url, "Collection")
    page.locator("input[type=file]").set_input_files(str(table))
    expect(page.get_by_text(re.compile("60 samples, 500 tasks"))).to_be_visible(timeout=120_000)
    settled(page)
    # The cards above have such buttons too.
    page.get_by_role("button", name="Use this", exact=True).last.click()
    expect(page.get_by_role("heading", name="many", level=3)).to_be_visible(timeout=120_000)
    settled(page)
    page.get_by_role("link", name="Affinity", exact=True).click()
    expect(page.get_by_role("heading", name="Affinity", level=1)).to_be_visible()
    chart(page, "heatmap")
    chart(page, "graph")
    settled(page)

    def heatmap(what: str) -> object:
        return page.evaluate(
            "() => { const p = document.querySelector('.st-key-heatmap .js-plotly-plot');"
            f" return {what}; }}"
        )

    assert heatmap("p._fullData[0].z.length") == TASKS
    assert heatmap("Math.abs(p._fullLayout.xaxis.range[1] - p._fullLayout.xaxis.range[0])") == TASKS
    assert heatmap("p.data.some(t => t.text || t.hovertext)") is False, "no sentence for each cell"
    # Search by typing, then look at its neighbourhood.
    for role, name in (("Source", "y 321"), ("Target", "y 7")):
        page.get_by_role("combobox", name=f"{role} of the pair").first.click()
        page.keyboard.type(name)
        page.get_by_role("option", name=name, exact=True).click()
        settled(page)
    expect(page.get_by_text(re.compile("y 321 helps y 7")).first).to_be_visible()
    page.get_by_text("Zoom to the pair").click()
    page.wait_for_function(
        "() => { const p = document.querySelector('.st-key-heatmap .js-plotly-plot');"
        " const r = p && p._fullLayout && p._fullLayout.xaxis.range;"
        " return r && Math.abs(r[1] - r[0]) === 25; }",
        timeout=60_000,
    )
    settled(page)
    assert "y 7" in str(heatmap("[...p.querySelectorAll('.xtick text')].map(t => t.textContent)"))
    page.get_by_role("tab", name="Table").click()
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    settled(page)

    page.get_by_role("button", name="Find groups").last.click()
    expect(page.get_by_role("heading", name="Groups", level=1)).to_be_visible()
    chart(page, "frontier")
    settled(page)
    expect(page.get_by_text(re.compile("models? for 500 tasks"))).to_be_visible(timeout=60_000)
    expect(page.get_by_text(re.compile("cannot be shown|Traceback"))).to_have_count(0)
