"""The page itself: template, style, scripts, and the policy that lets nothing else run."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from taskviz.figures.style import chart_config
from taskviz.report.charts import Chart
from taskviz.report.embed import DATA_ID, script_json


def render(
    parts: Mapping[str, Any], charts: Sequence[tuple[int, Chart]], values: Mapping[str, Any]
) -> str:
    """The whole HTML file.

    Every text of ``parts`` is escaped by the template; JSON is escaped for script blocks; the only
    scripts that may run are ours and Plotly, by their hashes.

    Args:
        parts: what the template shows.
        charts: numbered, as the template refers to them.
        values: of :func:`taskviz.report.embed.values_json`.
    """
    script = Markup(_asset("report.js"))
    plotly = Markup(_plotly() if charts else "")
    drawn = {
        "config": chart_config(bar=True),
        "charts": [
            {
                "number": number,
                "figure": chart.figure,
                "dark": chart.dark,
                "square": chart.square,
            }
            for number, chart in charts
        ],
    }
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            **parts,
            css=Markup(_asset("report.css")),
            script=script,
            plotly=plotly,
            policy=policy([text for text in (plotly, script) if text]),
            data_id=DATA_ID,
            data_json=Markup(script_json(values)),
            charts_json=Markup(script_json(drawn)),
        )
    )


def policy(scripts: Sequence[str]) -> str:
    """Content security policy: nothing is fetched, and only these inline scripts run.

    Plotly writes styles as it draws, and saves a chart as a picture through a ``blob:``.
    """
    hashes = " ".join(f"'sha256-{_hash(text)}'" for text in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()


def _asset(name: str) -> str:
    return (files("taskviz.report") / "templates" / name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("taskviz.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
