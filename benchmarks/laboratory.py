"""The transfer laboratory under a moving slider: milliseconds from the key to the screen.

    python -m benchmarks laboratory [--moves 10]

Opens the page in Chromium and moves each slider back and forth. ``words``: the sentence is new.
``closed form``: its line is drawn. ``simulation``: all 40 draws are in the chart (from the cache of
this session where a setting comes again). The clock is the browser's; each is read after the frame
in which it was drawn.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.slider import _app

SLIDERS = ("Target samples n_t", "Features p", "Noise σ", "Model shift μ", "Covariate shift λ")

STATE = """() => {
  const chart = document.querySelector('.st-key-risk_curves .js-plotly-plot')
  const line = chart?._fullData?.[1]?.y, points = chart?._fullData?.[2]
  const said = [...document.querySelectorAll('p')].find(p => p.textContent.startsWith('Pooling '))
  return {
    words: said?.textContent ?? '',
    line: line ? JSON.stringify(Array.from(line).map(Number)) : '',
    done: (points?.hovertemplate ?? '').includes(', 40 draws')
  }
}"""
WATCH = f"""before => {{
  const state = {STATE}, pressed = window.pressedAt, found = {{}}
  return new Promise((resolve, reject) => {{
    const look = () => {{
      const now = performance.now() - pressed, seen = state()
      if (now > 60000) return reject(new Error(JSON.stringify(found)))
      if (found.words === undefined && seen.words && seen.words !== before.words) found.words = now
      const drawn = seen.line && seen.line !== before.line
      if (found.line === undefined && drawn) found.line = now
      if (found.line !== undefined && seen.done && drawn) {{
        found.simulation = now
        return resolve(found)
      }}
      requestAnimationFrame(look)
    }}
    requestAnimationFrame(look)
  }})
}}"""


def run(moves: int) -> dict[str, Any]:
    """Medians and 90 % quantiles over all sliders, milliseconds."""
    from tests.chromium import chromium

    found: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name, _app(Path(name)) as (url, _), chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(120_000)
        page.add_init_script(
            "addEventListener('keydown', () => { window.pressedAt = performance.now() }, true)"
        )
        page.goto(f"{url}/laboratory")
        page.get_by_text("means of 40 simulated draws").wait_for()
        for label in SLIDERS:
            for move in range(moves):
                page.wait_for_timeout(700)  # the last run of the page
                page.get_by_role("slider", name=label).first.focus()
                before = page.evaluate(STATE)
                page.keyboard.press("ArrowLeft" if move % 4 == 3 else "ArrowRight")
                found.append(page.evaluate(WATCH, before))
    return {
        "moves": len(found),
        **{
            f"{title} {what} ms": round(
                # The words stay where three digits are the same.
                float(np.nanquantile([f.get(key, np.nan) for f in found], share)),
                1,
            )
            for key, title in (
                ("words", "words"),
                ("line", "closed form"),
                ("simulation", "simulation"),
            )
            for what, share in (("median", 0.5), ("90 %", 0.9))
        },
    }


def main(words: list[str]) -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks laboratory", description=__doc__)
    parser.add_argument("--moves", type=int, default=10, help="of each slider")
    print(json.dumps(run(parser.parse_args(words).moves), indent=2))
