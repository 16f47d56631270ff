"""The report in a real browser: it opens offline, draws all, runs nothing of anybody else."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from taskviz.report import write_report

pytestmark = pytest.mark.browser

DRAWN = "document.documentElement.dataset.drawn !== undefined"


def make(study: Any, path: Path, **changes: Any) -> Path:
    return write_report(
        **{
            "collection": study.collection,
            "affinities": [study.affinity],
            "groupings": [study.plan],
            "results": study.results,
            "frontier": study.frontier,
            "path": path,
            **changes,
        }
    )


class Visit:
    """A tab without a network, and what it did."""

    def __init__(self, browser: Browser, file: Path, **options: Any) -> None:
        self.context = browser.new_context(offline=True, **options)
        self.page: Page = self.context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.refused: dict[str, str] = {}
        self.page.on(
            "requestfailed", lambda request: self.refused.update({request.url: request.failure})
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text)
                if message.type in ("error", "warning")
                else None
            ),
        )
        self.page.goto(file.as_uri())
        self.page.wait_for_function(DRAWN, timeout=60_000)

    @property
    def outside(self) -> list[str]:
        """What was asked for besides the file itself."""
        return [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))]

    def number(self, script: str) -> Any:
        return self.page.evaluate(script)


@pytest.mark.parametrize(("width", "height", "scheme"), [(1440, 900, "light"), (390, 844, "dark")])
def test_it_opens_offline_with_every_chart_drawn(  # type: ignore[no-untyped-def]
    study, browser: Browser, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    visit = Visit(
        browser,
        make(study, tmp_path / "r.html"),
        viewport={"width": width, "height": height},
        color_scheme=scheme,
    )
    charts = visit.number(
        "[...document.querySelectorAll('.chart')].map(e => e.querySelectorAll('.main-svg').length)"
    )
    assert len(charts) == 8
    assert min(charts) >= 1
    assert visit.outside == []
    assert visit.complaints == []
    # nothing hangs over the edge of the screen
    assert visit.number("document.documentElement.scrollWidth - innerWidth") <= 0
    # text of charts in the colour of the theme
    colour = visit.number(
        "getComputedStyle(document.querySelector('#chart-1 .g-xtitle text, #chart-1 .xtitle')).fill"
    )
    assert colour == ("rgb(22, 38, 43)" if scheme == "light" else "rgb(230, 238, 240)")
    visit.context.close()


def test_nothing_hostile_runs(hostile, browser: Browser, tmp_path: Path, payload: str) -> None:  # type: ignore[no-untyped-def]
    file = make(hostile, tmp_path / "r.html", notes=payload, title=payload)
    visit = Visit(browser, file)
    assert visit.number("document.querySelectorAll('.chart .main-svg').length") >= 8
    for number in range(1, 9):  # hover over every chart: labels are drawn late
        visit.page.locator(f"#chart-{number}").scroll_into_view_if_needed()
        visit.page.locator(f"#chart-{number}").hover(force=True)
    for details in visit.page.locator("summary").all():
        details.click()
    assert visit.number("window.pwned") is None
    assert visit.number("document.images.length") == 0
    assert visit.number("document.querySelectorAll('svg a').length") == 0
    links = visit.number("[...document.links].map(a => a.getAttribute('href'))")
    assert all(link.startswith("#") for link in links)
    assert visit.outside == []
    assert visit.complaints == []
    visit.context.close()


def test_the_policy_holds_what_escaping_would_miss(  # type: ignore[no-untyped-def]
    study, browser: Browser, tmp_path: Path
) -> None:
    file = make(study, tmp_path / "r.html")
    html = file.read_text(encoding="utf-8")
    intruder = (
        "<script>window.pwned=1</script><img src=x onerror='window.pwned=1'>"
        "<img src='https://evil.example/a.png'><iframe srcdoc='<script>parent.pwned=1</script>'>"
        "</iframe><form action='https://evil.example/'></form>"
    )
    file.write_text(html.replace("<main>", f"<main>{intruder}", 1), encoding="utf-8")
    visit = Visit(browser, file)
    visit.page.wait_for_timeout(300)
    assert visit.number("window.pwned") is None
    # by the policy itself, not by the missing network
    assert visit.refused["https://evil.example/a.png"] == "csp"
    assert visit.outside == ["https://evil.example/a.png"]
    assert any("Content Security Policy" in text for text in visit.complaints)
    visit.context.close()


def test_the_theme_can_be_chosen(study, browser: Browser, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(browser, make(study, tmp_path / "r.html"), color_scheme="light")
    title = "document.querySelector('#chart-1').layout.font.color"
    ground = "getComputedStyle(document.body).backgroundColor"
    assert (visit.number(title), visit.number(ground)) == ("#16262b", "rgb(255, 255, 255)")
    button = visit.page.get_by_role("button", name="Dark")
    button.click()
    visit.page.wait_for_function(f"{title} === '#e6eef0'")
    assert visit.number(ground) == "rgb(15, 23, 26)"
    assert button.get_attribute("aria-pressed") == "true"
    visit.context.close()


def test_paper_is_light_and_complete(study, browser: Browser, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(
        browser,
        make(study, tmp_path / "r.html"),
        color_scheme="dark",
        viewport={"width": 1440, "height": 900},
    )
    visit.page.evaluate(
        """() => addEventListener('beforeprint', () => {
          const plots = [...document.querySelectorAll('.chart')];
          window.paper = {
            widths: plots.map(e => e._fullLayout.width),
            colours: plots.map(e => e._fullLayout.font.color),
            closed: document.querySelectorAll('details:not([open])').length,
          };
        })"""
    )
    pdf = visit.page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    paper = visit.number("window.paper")
    assert set(paper["widths"]) == {400, 640}  # square charts are smaller: two fit on a page
    assert set(paper["colours"]) == {"#16262b"}
    assert paper["closed"] == 0
    visit.page.wait_for_function("document.querySelectorAll('details[open]').length === 0")
    visit.context.close()


def test_a_click_on_a_cell_gives_source_and_target(  # type: ignore[no-untyped-def]
    study, browser: Browser, tmp_path: Path
) -> None:
    """As the app reads it: the invisible markers of the heatmap take the click."""
    visit = Visit(browser, make(study, tmp_path / "r.html"))
    chart = visit.page.locator("#chart-1")
    chart.scroll_into_view_if_needed()
    place = visit.number(
        """() => {
          const plot = document.querySelector('#chart-1');
          window.clicked = [];
          plot.on('plotly_click', event => window.clicked.push(...event.points));
          const cells = plot._fullData.findIndex(trace => trace.name === 'cells');
          const number = plot._fullData[cells].customdata.findIndex(c => c.join() === 't2,t1');
          const trace = plot._fullData[cells];
          const box = plot.getBoundingClientRect();
          const { xaxis, yaxis } = plot._fullLayout;
          return {
            x: box.left + xaxis._offset + xaxis.d2p(trace.x[number]),
            y: box.top + yaxis._offset + yaxis.d2p(trace.y[number]),
            size: xaxis.d2p(1) - xaxis.d2p(0),
          };
        }"""
    )
    for shift in (0.0, 0.4, -0.4):  # anywhere in the cell
        visit.page.mouse.click(place["x"] + shift * place["size"], place["y"])
    found = visit.number("window.clicked.map(point => point.customdata)")
    assert found == [["t2", "t1"]] * 3, json.dumps(found)
    visit.page.mouse.move(place["x"], place["y"])
    label = visit.page.locator("#chart-1 .hoverlayer")
    label.get_by_text("t2 → t1").wait_for()
    visit.context.close()
