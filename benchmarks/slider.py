"""The Groups page under a moving slider: milliseconds from the key to the screen.

    python -m benchmarks slider [--quick]

Starts the app, opens the workbench on a generated matrix in Chromium and presses an arrow key on
the budget slider. The clock is the browser's. ``board``: the board and the frontier show the new
budget. ``page``: the task graph shows the new groups too. Both are read after the frame in which
they were drawn. Moves that follow one another show plans that the session has not drawn before
(``first``), then the same plans again (``again``).
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from taskviz.cache import Cache
from taskviz.ui.imports import import_scores
from taskviz.values import AffinityMatrix

SIZES = {30: 6, 100: 10}
"""Tasks → groups planted."""
FIRST, LAST = 3, 15
"""Budgets that the slider visits."""

# Conditions are read in every frame; what a frame shows is on the screen at its end.
WATCH = """([budget, size]) => {
  const pressed = window.pressedAt, found = {}
  const root = () => {
    const host = document.querySelector('.st-key-group_board')
    for (const node of host ? [host, ...host.querySelectorAll('*')] : []) {
      const inside = (node.shadowRoot || node).querySelector?.('.live')
      if (inside) return inside.parentElement
    }
  }
  const plot = key => document.querySelector(`.st-key-${key} .js-plotly-plot`)
  const board = () => {
    const made = root(), chart = plot('frontier')
    const dot = chart?.data?.find(trace => trace.name === 'current plan')
    return made?.querySelector('.live').textContent.includes(`for a budget of ${budget}.`)
      && dot?.x && Array.from(dot.x)[0] === budget
  }
  const graph = () => {
    const groups = root()?.querySelectorAll('section.column:not(.new)').length
    const served = new Set()
    for (const trace of plot('groups_graph')?.data ?? []) {
      if (trace.showlegend && trace.x.length) served.add(trace.name)
    }
    return served.size === groups
  }
  return new Promise((resolve, reject) => {
    const look = () => {
      const now = performance.now()
      if (now - pressed > 20000) return reject(new Error(`no answer: ${JSON.stringify(found)}`))
      if (found.board === undefined && board()) found.board = now - pressed
      if (found.board !== undefined && found.page === undefined && graph()) {
        found.page = now - pressed
      }
      found.page === undefined ? requestAnimationFrame(look) : resolve(found)
    }
    requestAnimationFrame(look)
  })
}"""


def planted(size: int, groups: int) -> AffinityMatrix:
    """Groups that help each other, and noise."""
    labels = np.arange(size) % groups
    noise = np.random.default_rng(0).normal(size=(size, size))
    values = np.equal.outer(labels, labels) + 0.4 * noise
    return AffinityMatrix(values, tuple(f"task {i + 1}" for i in range(size)), "planted")


@contextmanager
def _app(folder: Path) -> Iterator[tuple[str, Cache]]:
    from tests.browser.app_process import start_app, stop_app

    app = start_app(folder / "cache")
    try:
        yield app.url, Cache(app.cache)
    finally:
        stop_app(app)


def _settled(page: Any) -> None:
    page.wait_for_function(
        "() => document.querySelector('[data-testid=\"stApp\"]')"
        "?.getAttribute('data-test-script-state') === 'notRunning'"
    )


def _moves(page: Any, key: str, budgets: list[int], size: int) -> list[dict[str, float]]:
    found = []
    for budget in budgets:
        page.get_by_role("slider").first.focus()
        _settled(page)
        page.wait_for_timeout(150)  # the last transition of a chart
        page.keyboard.press(key)
        found.append(page.evaluate(WATCH, [budget, size]))
    return found


def measure(size: int, groups: int, last: int, rounds: int) -> dict[str, Any]:
    """Medians and 90 % quantiles of one size, milliseconds."""
    from tests.chromium import chromium

    with tempfile.TemporaryDirectory() as name, _app(Path(name)) as (url, cache):
        path = planted(size, groups).save(Path(name) / f"planted {size}.csv")
        key = import_scores(path.read_bytes(), path.name, cache)
        with chromium() as browser:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(120_000)
            page.add_init_script(
                "addEventListener('keydown', () => { window.pressedAt = performance.now() }, true)"
            )
            page.goto(f"{url}/groups?matrix={key}&grouper=selection&budget={FIRST}")
            page.locator(".st-key-groups_graph .js-plotly-plot .main-svg").first.wait_for()
            up, down = list(range(FIRST + 1, last + 1)), list(range(last - 1, FIRST - 1, -1))
            first = _moves(page, "ArrowRight", up, size)
            again: list[dict[str, float]] = []
            for _ in range(rounds):
                again += _moves(page, "ArrowLeft", down, size)
                again += _moves(page, "ArrowRight", up, size)
    return {"first": _summary(first), "again": _summary(again)}


def _summary(moves: list[dict[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {"moves": float(len(moves))}
    for what in ("board", "page"):
        times = [move[what] for move in moves]
        found[f"{what} median ms"] = median(times)
        found[f"{what} 90 % ms"] = float(np.quantile(times, 0.9))
    return found


def run(*, quick: bool = False) -> dict[str, Any]:
    """Both sizes as plain data."""
    if quick:
        return {"T=8": measure(8, 3, FIRST + 2, 1)}
    return {f"T={size}": measure(size, groups, LAST, 2) for size, groups in SIZES.items()}
