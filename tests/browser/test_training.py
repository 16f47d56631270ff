"""The Training page in a browser: pause, stop, resume, enlarge, downloads, a queue."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from browser.app_process import App
from browser.steps import (
    chart,
    job_in_url,
    open_page,
    pick,
    press,
    set_number,
    settled,
    wait_for_points,
)
from playwright.sync_api import Page, expect

import taskviz as tv
from taskviz.cache import Cache, key_of
from taskviz.jobs import JobStore
from taskviz.values import Grouping
from taskviz.verbs import affinity_key


@pytest.fixture(scope="module")
def link(app: App) -> str:
    """The Training page of yeast with three groups: affinity and plan are there already."""
    cache = Cache(app.cache)
    collection = tv.load_collection("yeast")
    matrix = tv.compute_affinity(collection, "label-correlation", cache=cache)
    plan = tv.group_tasks(matrix, "spectral", budget=3)
    return f"{app.url}/training?{query(cache, plan, affinity_key(collection, 'label-correlation'))}"


def query(cache: Cache, plan: Grouping, matrix: str) -> str:
    """What a link says of a plan, which is kept where the page looks for it."""
    key = key_of(plan=plan.to_json())
    cache.put("plan", key, lambda folder: plan.save(folder / "plan.json"), {})
    return f"collection=yeast&matrix={matrix}&plan={key}"


def set_up(page: Page, link: str, **numbers: int) -> None:
    """Open the page and fill in the form."""
    open_page(page, link, "Training")
    expect(page.get_by_text("This trains one model for each of")).to_be_visible()
    for label, value in numbers.items():
        set_number(page, label.replace("_", " "), value)


LARGE = ".st-key-curve_chosen_0_large .js-plotly-plot"
VIEW = """() => {
  const chart = document.querySelector('.st-key-curve_chosen_0_large .js-plotly-plot')
  return chart?._fullLayout
    ? [chart._fullLayout.xaxis.range[0], chart._fullData[0].x.length]
    : [0, 0]
}"""
"""Where the enlarged chart begins, and how many epochs it has."""


def zoom(page: Page, key: str) -> tuple[float, int]:
    """Drag over the middle of a chart until the zoom is there: a redraw may come in between."""
    page.set_viewport_size({"width": 1440, "height": 1300})
    low, count = 0.0, 0
    for _ in range(30):
        box = page.locator(f".st-key-{key} .nsewdrag").first.bounding_box()
        if box is None:  # it is redrawn just now
            continue
        page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.8 * box["height"], steps=4)
        page.mouse.up()
        page.wait_for_timeout(2000)
        low, count = page.evaluate(VIEW)
        if low > 1:
            break
    return float(low), int(count)


def brought_up_to_date_in_place(page: Page) -> None:
    """Wait until the script has taken the chart over: until then an update builds it anew."""
    for _ in range(6):
        _, count = page.evaluate(VIEW)
        page.evaluate(f"() => {{ document.querySelector({LARGE!r}).marked = 'before' }}")
        page.wait_for_function(f"before => ({VIEW})()[1] > before", arg=count, timeout=60_000)
        if page.evaluate(f"() => document.querySelector({LARGE!r})?.marked") == "before":
            return
    raise AssertionError("The chart was built anew with each update.")


def test_pause_resume_stop_and_resume_again(
    app: App, link: str, page: Page, wait_until: Callable[..., None]
) -> None:
    set_up(page, link, Epochs=2000, Patience=0, Seeds=1)
    press(page, "Start training")
    before = wait_for_points(page, 2)
    store, job = JobStore(Cache(app.cache)), job_in_url(page, "run")
    press(page, "Pause")
    expect(page.get_by_text("other jobs run meanwhile")).to_be_visible(timeout=60_000)
    assert store.get(job).state == "paused"
    assert re.search(r"epoch \d+ of at most 2000", store.get(job).message)
    told = len(store.metrics(job))
    press(page, "Resume")
    expect(page.get_by_role("button", name="Pause").first).to_be_visible()
    assert wait_for_points(page, before) > before
    wait_until(lambda: len(store.metrics(job)) > told)
    press(page, "Enlarge")
    expect(page.get_by_role("button", name="All groups")).to_be_visible()
    chart(page, "curve_chosen_0_large")
    page.wait_for_function(f"() => ({VIEW})()[1] > 0")
    brought_up_to_date_in_place(page)
    page.evaluate(f"() => {{ document.querySelector({LARGE!r}).marked = 'this very one' }}")
    low, count = zoom(page, "curve_chosen_0_large")
    assert low > 1
    page.wait_for_function(
        f"before => {{ const [low, count] = ({VIEW})(); return low > 1 && count > before }}",
        arg=count,
        timeout=60_000,
    )
    assert page.evaluate(f"() => document.querySelector({LARGE!r}).marked") == "this very one"
    press(page, "Stop")
    expect(page.get_by_text("This job was stopped")).to_be_visible(timeout=60_000)
    assert store.get(job).state == "cancelled"
    points = [point for _, point in store.metrics(job)]
    keys = {(p["group"], p["seed"], p["task"], p["split"], p["metric"], p["step"]) for p in points}
    assert len(keys) == len(points) > told, "an epoch was told twice"
    steps = {p["step"] for p in points if p["group"] == 0}
    assert steps == set(range(1, max(steps) + 1)), "it did not go on where it was paused"
    settled(page)
    press(page, "Start again")
    expect(page.get_by_role("button", name="Pause").first).to_be_visible()
    settled(page)
    press(page, "Pause")
    expect(page.get_by_text("other jobs run meanwhile")).to_be_visible(timeout=60_000)
    settled(page)
    press(page, "Stop")
    expect(page.get_by_text("This job was stopped")).to_be_visible(timeout=60_000)
    settled(page)
    press(page, "Set up another run")
    expect(page.get_by_text("This trains one model for each of")).to_be_visible()
    pick(
        page,
        "Runs of this collection",
        page.get_by_role("option", name=re.compile("Training 3 groups of yeast")),
    )
    expect(page.get_by_text("This job was stopped")).to_be_visible()


def test_what_a_finished_run_gives_to_take_away(link: str, page: Page, tmp_path: Path) -> None:
    set_up(page, link, Epochs=2, Random_groupings=1, Seeds=2)
    press(page, "Start training")
    chart(page, "dots")
    page.get_by_role("tab", name="Predicted against measured").click()
    chart(page, "calibration")
    page.get_by_role("tab", name="Downloads").click()
    job = job_in_url(page, "run")
    expect(page.get_by_text(f"python -m taskviz predict {job}")).to_be_visible()
    settled(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Networks (safetensors)").click()
    waiting.value.save_as(tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        archive.extractall(tmp_path / "run")
    result = tv.load_result(tmp_path / "run")
    inputs = tv.load_collection("yeast").samples[0].inputs[:3]
    assert set(result.predict(inputs)) == set(result.serving)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Model card").click()
    waiting.value.save_as(tmp_path / "card.md")
    assert "## Intended use" in (tmp_path / "card.md").read_text()
    press(page, "Prepare PyTorch program (pt2)")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="PyTorch program (pt2) files").click()
    waiting.value.save_as(tmp_path / "pt2.zip")
    with zipfile.ZipFile(tmp_path / "pt2.zip") as archive:
        assert set(archive.namelist()) == {"export.json", *(f"group_{i}.pt2" for i in (1, 2, 3))}
