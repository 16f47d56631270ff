"""JSON inside HTML: what a script block may hold, and the values that a report carries along."""

from collections.abc import Mapping
from typing import Any, Final

from taskviz.report.contents import Contents, Results
from taskviz.report.design import Design
from taskviz.report.result_json import result_json
from taskviz.values.storage import dumps

DATA_ID: Final = "taskviz-data"
FORMAT: Final = 1
_ESCAPES: Final = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def script_json(data: Any) -> str:
    """JSON that cannot leave a ``<script>`` block, whatever text it holds."""
    text = data if isinstance(data, str) else dumps(data)
    for letter, escape in _ESCAPES.items():
        text = text.replace(letter, escape)
    return text


def values_json(contents: Contents, design: Design) -> dict[str, Any]:
    """Everything that the report shows, as plain data."""
    from taskviz import __version__

    return {
        "format": FORMAT,
        "taskviz": __version__,
        "collection": contents.facts.to_json(),
        "affinities": [matrix.to_json() for matrix in contents.affinities],
        "groupings": [grouping.to_json() for grouping in contents.plans],
        "frontier": [grouping.to_json() for grouping in contents.frontier],
        "scenarios": [scenario.to_json() for scenario in contents.scenarios],
        "results": _results(contents.results),
        "runs": [
            {"name": name, "results": _results(results)} for name, results in contents.runs.items()
        ],
        "design": design.to_json(),
    }


def _results(results: Results) -> list[Mapping[str, Any]]:
    return [result_json(label, result) for label, result in results.items()]
