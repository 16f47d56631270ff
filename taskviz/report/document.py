"""A report before it is written: its parts in order, its charts, its values."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from taskviz.figures.style import duration_words
from taskviz.report.charts import Chart
from taskviz.report.command import Repeat, repeat_commands
from taskviz.report.contents import Contents, same
from taskviz.report.design import SECTIONS, WHOLE, Design
from taskviz.report.embed import values_json
from taskviz.report.notes import note_html
from taskviz.report.sections import (
    affinity_part,
    comparison_part,
    grouping_part,
    results_part,
)
from taskviz.report.summary import summarise
from taskviz.report.tables import Table
from taskviz.values import TaskvizError
from taskviz.values.storage import dumps


@dataclass(frozen=True)
class Document:
    """What every format is written from.

    Args:
        parts: what the sections show, as plain data.
        charts: numbered as they are drawn.
        values: plain data of all that is in it.
        places: where a note can stand → what stands there.
        repeat: the commands.
        contents: what it was made from.
        design: its layout.
    """

    parts: Mapping[str, Any]
    charts: tuple[tuple[int, Chart], ...]
    values: Mapping[str, Any]
    places: Mapping[str, str]
    repeat: Repeat
    contents: Contents
    design: Design


def make_document(contents: Contents, design: Design, written: datetime) -> Document:
    """Draw every figure and put every sentence together.

    Raises:
        TaskvizError: plans to compare that are not there.
    """
    charts: list[tuple[int, Chart]] = []
    keys: dict[str, str] = {}

    def number(chart: Chart) -> dict[str, Any]:
        key, count = chart.key or chart.title, 1
        while key in keys:
            count += 1
            key = f"{chart.key} ({count})"
        keys[key] = chart.title
        charts.append((len(charts) + 1, chart))
        note = note_html(design.notes.get(key, ""))
        return {**vars(chart), "number": len(charts), "key": key, "note": note}

    matrix, plans, main, chosen = (
        contents.matrix,
        contents.plans,
        contents.main,
        contents.chosen,
    )
    others = [each for each in contents.affinities if each is not matrix]
    repeat = repeat_commands(contents.facts, matrix, main, contents.results, others)
    compared = _compared(contents, design)
    there = {
        "comparison": compared is not None,
        "scenarios": bool(contents.scenarios),
        "runs": bool(contents.runs),
    }
    wanted = [name for name in design.sections if there.get(name, True)]
    body: dict[str, Any] = dict.fromkeys(SECTIONS)
    for section in wanted:
        if section == "affinity":
            body["affinity"] = [affinity_part(each, number) for each in contents.affinities]
        elif section == "groups":
            body["groups"] = [
                grouping_part(
                    plan,
                    matrix,
                    contents.frontier if main is not None and same(plan, main) else (),
                    chosen if chosen is not None and same(plan, chosen.grouping) else None,
                    number,
                )
                for plan in plans
            ]
        elif section == "comparison" and compared is not None:
            named = contents.named_plans()
            pair = (named[compared[0]], named[compared[1]])
            body["comparison"] = comparison_part(compared, pair, matrix, number)
        elif section == "scenarios":
            body["scenarios"] = [
                {
                    **grouping_part(each.plan, matrix, (), None, number, each.name),
                    "name": each.name,
                    "remark": each.notes,
                    "comments": [
                        (comment.author, _moment(comment.created), comment.text)
                        for comment in each.comments
                    ],
                }
                for each in contents.scenarios
            ]
        elif section == "results":
            body["results"] = results_part(contents.results, number) if contents.results else None
        elif section == "runs":
            body["runs"] = [
                {**results_part(results, number, name, curves_too=False), "name": name}
                for name, results in contents.runs.items()
                if results
            ]
    notes = {place: note_html(design.notes.get(place, "")) for place in (WHOLE, *SECTIONS)}
    parts = {
        "theme": design.style,
        "version": _version("taskviz"),
        "title": design.title.strip() or f"Which tasks of {contents.facts.name} to train together",
        "written": written.strftime("%d %B %Y, %H:%M %Z").strip(),
        "sections": [(name, SECTIONS[name]) for name in wanted],
        "summary": summarise(contents.facts, contents.affinities, main, contents.results),
        "notes": notes,
        "whole": WHOLE,
        "facts": contents.facts,
        "body": body,
        "repeat": repeat,
        "repeat_plan": dumps(repeat.plan.to_json()) if repeat.plan is not None else "",
        "versions": _versions(contents),
    }
    places = {
        WHOLE: "The whole report (behind the summary)",
        **{name: f"Section: {SECTIONS[name]}" for name in wanted},
        **{key: f"Figure: {title}" for key, title in keys.items()},
    }
    values = values_json(contents, design)
    return Document(parts, tuple(charts), values, places, repeat, contents, design)


def _compared(contents: Contents, design: Design) -> tuple[str, str] | None:
    """The two plans to compare: those asked for, else the first two that differ."""
    named = contents.named_plans()
    if design.compare is not None:
        for name in design.compare:
            if name not in named:
                raise TaskvizError(
                    f"There is no plan {name!r} to compare: choose two of {', '.join(named)}."
                )
        return design.compare
    # Baselines differ from the plan by their nature: unasked, only plans are compared.
    offered = list(named)[: len(contents.plans) + len(contents.scenarios)]
    for name in offered[1:]:
        if named[name].groups != named[offered[0]].groups:
            return offered[0], name
    return None


def _moment(seconds: float) -> str:
    from datetime import UTC

    return datetime.fromtimestamp(seconds, UTC).strftime("%d %B %Y, %H:%M UTC")


def _versions(contents: Contents) -> Table:
    chosen = contents.chosen
    settings = {} if chosen is None else chosen.settings
    rows: list[tuple[str, str]] = [
        ("taskviz, report", _version("taskviz")),
        ("taskviz, training", str(settings.get("taskviz") or "nothing trained")),
        ("torch", str(settings.get("torch") or _version("torch"))),
        ("numpy", _version("numpy")),
        ("plotly", _version("plotly")),
        ("Python", platform.python_version()),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("device of the training", str(settings.get("device_name") or "nothing trained")),
        ("data fingerprint (SHA-256)", contents.facts.fingerprint),
    ]
    rows += [(f"seed of {m.method}", str(m.seed)) for m in contents.affinities]
    if chosen is not None:
        seconds = sum(result.seconds for result in contents.results.values())
        rows += [
            ("seed of the training", str(chosen.seed)),
            ("training of all contenders", duration_words(seconds)),
        ]
    return Table(("what", "value"), tuple(rows))


def _version(package: str) -> str:
    if package == "taskviz":
        from taskviz import __version__

        return __version__
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
