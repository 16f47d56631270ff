"""An installed Chromium as a printer: HTML to PDF, Plotly figures to SVG. Nothing is downloaded."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import unquote

from taskviz.values import TaskvizError

VARIABLE: Final = "TASKVIZ_CHROMIUM"
SECONDS: Final = 180
"""After which a browser is given up."""
_NAMES: Final = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("msedge", "microsoft-edge", "brave-browser"),
)
_PLACES: Final = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
_FLAGS: Final = (
    *("--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
    # Whatever a page asks for, no name is found: a report needs no network.
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--disable-dev-shm-usage", "--mute-audio"),
)
_BUDGET_MS: Final = 60_000
"""Time as the page sees it; it ends as soon as nothing is left to be done."""
_RESULT: Final = "taskviz-svg"


def find_chromium() -> str | None:
    """Path of a Chromium, Chrome or Edge: ``$TASKVIZ_CHROMIUM``, else the first that is found."""
    given = os.environ.get(VARIABLE)
    if given:
        return shutil.which(given)
    found = (shutil.which(name) for name in _NAMES)
    places = (place for place in _PLACES if Path(place).exists())
    return next((path for path in (*found, *places) if path), None)


def need_chromium(what: str) -> str:
    """Likewise.

    Raises:
        TaskvizError: there is none.
    """
    found = find_chromium()
    if found is None:
        raise TaskvizError(
            f"{what} needs an installed Chromium, Chrome or Edge, and none was found: install one "
            f"(Debian: apt install chromium), name it in {VARIABLE}, or take HTML, whose "
            "page any browser prints as PDF."
        )
    return found


def html_to_pdf(html: str) -> bytes:
    """An HTML page as it prints on A4.

    Raises:
        TaskvizError: no Chromium, or it failed or took too long.
    """
    program = need_chromium("A PDF")
    with TemporaryDirectory(prefix="taskviz-") as folder:
        page, target = Path(folder) / "report.html", Path(folder) / "report.pdf"
        page.write_text(html, encoding="utf-8")
        words = [f"--print-to-pdf={target}", "--no-pdf-header-footer", page.as_uri()]
        _run(program, words, Path(folder), "The PDF")
        data = target.read_bytes() if target.exists() else b""
    if not data.startswith(b"%PDF"):
        raise TaskvizError(f"{program} wrote no PDF: try it again, or print the HTML in a browser.")
    return data


def figures_to_svg(figures: Sequence[Any], config: Any, width: int = 900) -> list[str]:
    """Plotly figures, as plain JSON, drawn as SVG; all in one run of the browser.

    Args:
        figures: ``data`` and ``layout`` each.
        config: of Plotly.
        width: pixels.

    Raises:
        TaskvizError: no Chromium, or it failed or took too long.
    """
    from plotly.offline import get_plotlyjs

    from taskviz.report.embed import script_json

    program = need_chromium("Drawing figures as SVG")
    given = script_json({"figures": list(figures), "config": config, "width": width})
    html = (
        f'<!doctype html><meta charset="utf-8"><body><script type="application/json" id="given">'
        f"{given}</script><script>{get_plotlyjs()}</script><script>{_DRAW}</script>"
    )
    with TemporaryDirectory(prefix="taskviz-") as folder:
        page = Path(folder) / "figures.html"
        page.write_text(html, encoding="utf-8")
        out = _run(program, ["--dump-dom", page.as_uri()], Path(folder), "Drawing figures")
    finder = _Result()
    finder.feed(out)
    try:
        drawn = json.loads(base64.b64decode("".join(finder.parts)))
    except ValueError:
        drawn = []
    if len(drawn) != len(figures):
        raise TaskvizError(f"{program} drew {len(drawn)} of {len(figures)} figures: try it again.")
    return [unquote(url.partition(",")[2]) for url in drawn]


_DRAW: Final = """
(async () => {
  const { figures, config, width } = JSON.parse(document.getElementById("given").textContent);
  const made = [];
  for (const { data, layout } of figures) {
    const place = document.body.appendChild(document.createElement("div"));
    const size = { ...layout, width, height: layout.height || 450, paper_bgcolor: "#ffffff" };
    await Plotly.newPlot(place, data, size, config);
    made.push(await Plotly.toImage(place, { format: "svg", width, height: size.height }));
    Plotly.purge(place);
    place.remove();
  }
  const result = document.createElement("pre");
  result.id = "taskviz-svg";
  const bytes = new TextEncoder().encode(JSON.stringify(made));
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) {
    text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  }
  result.textContent = btoa(text);
  document.body.replaceChildren(result);
})();
"""


class _Result(HTMLParser):
    """Collects the text of the result."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "pre" and dict(attrs).get("id") == _RESULT

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.parts.append(data)


def _run(program: str, words: Sequence[str], folder: Path, what: str) -> str:
    """Run the browser to its end in a group of its own; what it printed."""
    # Chromium refuses its sandbox to root; the page is our own, and its policy lets nothing in.
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    command = [
        program,
        *_FLAGS,
        *root,
        f"--user-data-dir={folder / 'profile'}",
        f"--virtual-time-budget={_BUDGET_MS}",
        *words,
    ]
    out, log = folder / "out", folder / "log"
    try:
        with out.open("wb") as stdout, log.open("wb") as stderr:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                env=os.environ | {"HOME": str(folder)},
            )
            try:
                status = child.wait(SECONDS)
            except subprocess.TimeoutExpired:
                raise TaskvizError(
                    f"{what} was given up after {SECONDS} s in {program}: close other programs and "
                    "try it again, or leave sections out."
                ) from None
            finally:
                _end(child)
    except OSError as error:
        raise TaskvizError(
            f"{program} could not be started ({error.strerror or error}): name another browser in "
            f"{VARIABLE}."
        ) from None
    if status != 0:
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise TaskvizError(
            f"{what} failed: {program} ended with status {status}"
            + (f" ({said[-1][:300]})" if said else "")
            + "."
        )
    return out.read_text(encoding="utf-8", errors="replace")


def _end(child: "subprocess.Popen[bytes]") -> None:
    """No helper process of the browser outlives it."""
    if sys.platform == "win32":
        child.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
