"""The transfer laboratory: every slider moves what it says, and the simulation follows."""

import io
import json
import re
import zipfile

import numpy as np
import pytest
from browser.app_process import App
from browser.steps import chart, open_page, settled
from playwright.sync_api import Locator, Page, expect

from taskviz.cache import Cache
from taskviz.data.uploads import store_upload

SENTENCE = re.compile(r"^Pooling .* risk")
KEYS = {
    "Source samples n_s": "lab_ns",
    "Target samples n_t": "lab_nt",
    "Features p": "lab_p",
    "Noise σ": "lab_sd",
    "Model shift μ": "lab_mu",
    "Covariate shift λ": "lab_lam",
}


@pytest.fixture
def laboratory(app: App, page: Page) -> Page:
    """The page with its first simulation done."""
    open_page(page, f"{app.url}/laboratory", "Laboratory")
    simulated(page)
    return page


def simulated(page: Page) -> None:
    """Wait until all draws are there."""
    expect(
        page.get_by_text("means of 40 simulated draws").locator("visible=true").first
    ).to_be_visible()
    settled(page)


def sentence(page: Page) -> Locator:
    """What the sliders come to."""
    return page.locator("p").filter(has_text=SENTENCE).first


DRAWN = """([key, before]) => {
  const chart = document.querySelector(`.st-key-${key} .js-plotly-plot`);
  const data = chart?._fullData, shapes = chart?._fullLayout?.shapes;
  if (!data?.some(t => (t.hovertemplate || '').includes(', 40 draws'))) return false;
  const found = JSON.stringify({
    lines: data.map(t => Array.from(t.y || []).map(Number)), mark: shapes.at(-1).x0
  });
  return found === before ? false : found;
}"""


def drawn(page: Page, key: str = "risk_curves", before: str | None = None) -> str:
    """Lines and mark of a chart as JSON, once all draws are there and it differs from before."""
    return str(page.wait_for_function(DRAWN, arg=[key, before]).json_value())


def lines(page: Page, key: str = "risk_curves") -> list[list[float]]:
    """Heights of all lines and points of a chart."""
    found: list[list[float]] = json.loads(drawn(page, key))["lines"]
    return found


def move(page: Page, label: str, key: str = "ArrowRight") -> None:
    """One step of a slider by the keyboard."""
    slider = page.get_by_role("slider", name=label).first
    slider.focus()
    page.keyboard.press(key)


def test_every_slider_moves_line_and_points(laboratory: Page) -> None:
    page = laboratory
    before = drawn(page)
    for label, key in KEYS.items():
        words = sentence(page).inner_text()
        move(page, label)
        expect(sentence(page)).not_to_have_text(words)
        after = drawn(page, before=before)
        old, new = json.loads(before), json.loads(after)
        assert len(new["lines"]) == len(old["lines"]) == 3, label
        if label == "Source samples n_s":
            # This one moves the mark along curves that stay.
            assert new["lines"] == old["lines"]
            assert new["mark"] == old["mark"] + 10
        else:
            assert new["lines"][1] != old["lines"][1], f"{label}: closed form"
            assert new["lines"][2] != old["lines"][2], f"{label}: simulation"
        assert key in page.url
        before = after
    settled(page)
    page.reload()
    assert drawn(page) == before, "a link shows the same, draws included"


def test_moves_during_a_simulation_are_not_lost(laboratory: Page) -> None:
    page = laboratory
    for _ in range(4):
        move(page, "Model shift μ")
    expect(page.get_by_role("figure", name="μ = 0.34")).to_be_visible()
    simulated(page)
    assert "lab_mu=0.34" in page.url
    expect(page.get_by_role("slider", name="Model shift μ")).to_have_attribute("value", "0.34")


def test_the_figures_of_the_talk(laboratory: Page) -> None:
    page = laboratory
    page.get_by_role("radio", name="Figure 4").click()
    expect(page.get_by_text("a restricted range of n_s, with much never")).to_be_visible()
    simulated(page)
    found = lines(page)
    alone, (little, some, much) = found[0][0], (found[1], found[3], found[5])
    assert max(little[5:]) < alone
    assert min(some) < alone < some[-1]
    assert min(much) > alone
    page.get_by_role("radio", name="Figure 3").click()
    expect(page.get_by_text("the curves cross at n_s = n_t")).to_be_visible()
    simulated(page)
    found = lines(page)
    plain, shifted = found[1], found[5]
    assert shifted[20] < plain[20], "below n_t a shift helps"
    assert shifted[-1] > plain[-1], "above it hurts"


def test_width_one_beside_two_and_discrepancy(laboratory: Page) -> None:
    page = laboratory
    page.get_by_role("tab", name="Capacity").click()
    chart(page, "capacity_curves")
    simulated(page)
    expect(page.get_by_text("interferes").or_(page.get_by_text("helps here"))).to_be_visible()
    assert len(lines(page, "capacity_curves")) == 4
    move(page, "Width r")
    move(page, "Width r")
    expect(page.locator(".st-key-capacity_curves").get_by_text("r = 3").first).to_be_visible()
    page.get_by_role("tab", name="Separate data sets").click()
    expect(page.get_by_text("No collection is in use")).to_be_visible()


def test_a_joint_collection_has_no_discrepancy(app: App, page: Page) -> None:
    open_page(page, f"{app.url}/laboratory?collection=linnerud", "Laboratory")
    page.get_by_role("tab", name="Separate data sets").click()
    expect(page.get_by_text("is 0 by definition")).to_be_visible()


def test_too_few_samples_are_said(app: App, page: Page) -> None:
    open_page(page, f"{app.url}/laboratory?lab_ns=20&lab_nt=50&lab_p=100", "Laboratory")
    expect(page.get_by_text("raise n_s or n_t, or lower p")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_discrepancy_of_separate_data_sets(app: App, page: Page) -> None:
    """Two tables from one source, a third that lies elsewhere."""
    rng = np.random.default_rng(0)
    packed = io.BytesIO()
    text = 'name = "three"\nlayout = "separate"\nmodality = "table"\n'
    with zipfile.ZipFile(packed, "w") as archive:
        for name, move in (("north", 0.0), ("south", 0.0), ("moon", 4.0)):
            x = rng.normal(size=(120, 2)) + move
            rows = [f"{a:.3f},{b:.3f},{int(a > move)}" for a, b in x]
            archive.writestr(f"{name}.csv", "a,b,label\n" + "\n".join(rows))
            text += f'\n[[tasks]]\nname = "{name}"\nformat = "table"\n'
            text += f'target = "label"\nfiles = "{name}.csv"\n'
        archive.writestr("collection.toml", text)
    stored = store_upload(packed.getvalue(), "three.zip", Cache(app.cache))
    open_page(page, f"{app.url}/laboratory?collection={stored.reference}", "Laboratory")
    page.get_by_role("tab", name="Separate data sets").click()
    page.get_by_role("button", name="Measure the discrepancy").click()
    chart(page, "discrepancy_heatmap")
    expect(page.get_by_text(re.compile("Most alike: north and south"))).to_be_visible()
    expect(page.get_by_text(re.compile("furthest apart: .*moon"))).to_be_visible()
