"""A report before it is written: its parts in order, its charts, its values."""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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
    Part,
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


@dataclass(frozen=True)
class Drawn:
    """Every section with its figures, before anybody has said which come and what stands beside.

    Drawing takes seconds; another order, heading or note takes the same sections and figures.

    Args:
        contents: what they were drawn from.
        compared: the two plans of the section "comparison", or None where there are none.
        body: section → what it shows; None of one that has nothing to show.
        parts: what else the template shows, whatever the layout.
        repeat: the commands.
        values: plain data of all that is in it, without a layout.
    """

    contents: Contents
    compared: tuple[str, str] | None
    body: Mapping[str, Any]
    parts: Mapping[str, Any]
    repeat: Repeat
    values: Mapping[str, Any]


def make_document(contents: Contents, design: Design, written: datetime) -> Document:
    """Draw every figure and put every sentence together.

    Raises:
        TaskvizError: plans to compare that are not there.
    """
    return lay_out(draw(contents, design.compare), design, written)


def draw(contents: Contents, compare: tuple[str, str] | None = None) -> Drawn:
    """Draw every figure of every section.

    Args:
        contents: what goes in.
        compare: names of two plans; None: the first two that differ.

    Raises:
        TaskvizError: plans to compare that are not there.
    """
    keys: set[str] = set()

    def keyed(chart: Chart) -> Chart:
        """The chart with a key that no other has."""
        name = chart.key or chart.title
        key, count = name, 1
        while key in keys:
            count += 1
            key = f"{name} ({count})"
        keys.add(key)
        return replace(chart, key=key)

    matrix, main, chosen = contents.matrix, contents.main, contents.chosen
    others = [each for each in contents.affinities if each is not matrix]
    repeat = repeat_commands(contents.facts, matrix, main, contents.results, others)
    compared = _compared(contents, compare)
    body: dict[str, Any] = dict.fromkeys(SECTIONS)
    body["affinity"] = [affinity_part(each, keyed) for each in contents.affinities]
    body["groups"] = [
        grouping_part(
            plan,
            matrix,
            contents.frontier if main is not None and same(plan, main) else (),
            chosen if chosen is not None and same(plan, chosen.grouping) else None,
            keyed,
        )
        for plan in contents.plans
    ]
    if compared is not None:
        named = contents.named_plans()
        pair = (named[compared[0]], named[compared[1]])
        body["comparison"] = comparison_part(compared, pair, matrix, keyed)
    body["scenarios"] = [
        {
            **grouping_part(each.plan, matrix, (), None, keyed, each.name),
            "name": each.name,
            "remark": each.notes,
            "comments": [
                (comment.author, _moment(comment.created), comment.text)
                for comment in each.comments
            ],
        }
        for each in contents.scenarios
    ]
    body["results"] = results_part(contents.results, keyed) if contents.results else None
    body["runs"] = [
        {**results_part(results, keyed, name, curves_too=False), "name": name}
        for name, results in contents.runs.items()
        if results
    ]
    parts = {
        "version": _version("taskviz"),
        "summary": summarise(contents.facts, contents.affinities, main, contents.results),
        "facts": contents.facts,
        "repeat": repeat,
        "repeat_plan": dumps(repeat.plan.to_json()) if repeat.plan is not None else "",
        "versions": _versions(contents),
    }
    return Drawn(contents, compared, body, parts, repeat, values_json(contents, Design()))


def lay_out(drawn: Drawn, design: Design, written: datetime) -> Document:
    """The sections that the design wants, in its order, with its notes; nothing is drawn."""
    there = {
        "comparison": drawn.compared is not None,
        "scenarios": bool(drawn.contents.scenarios),
        "runs": bool(drawn.contents.runs),
    }
    wanted = [name for name in design.sections if there.get(name, True)]
    charts: list[tuple[int, Chart]] = []

    def numbered(chart: Chart) -> dict[str, Any]:
        charts.append((len(charts) + 1, chart))
        note = note_html(design.notes.get(chart.key, ""))
        return {**vars(chart), "number": len(charts), "note": note}

    body: dict[str, Any] = dict.fromkeys(SECTIONS)
    body.update({name: _placed(drawn.body[name], numbered) for name in wanted})
    title = design.title.strip()
    parts = {
        **drawn.parts,
        "theme": design.style,
        "title": title or f"Which tasks of {drawn.contents.facts.name} to train together",
        "written": written.strftime("%d %B %Y, %H:%M %Z").strip(),
        "sections": [(name, SECTIONS[name]) for name in wanted],
        "notes": {place: note_html(design.notes.get(place, "")) for place in (WHOLE, *SECTIONS)},
        "whole": WHOLE,
        "body": body,
    }
    places = {
        WHOLE: "The whole report (behind the summary)",
        **{name: f"Section: {SECTIONS[name]}" for name in wanted},
        **{chart.key: f"Figure: {chart.title}" for _, chart in charts},
    }
    values = {**drawn.values, "design": design.to_json()}
    return Document(parts, tuple(charts), values, places, drawn.repeat, drawn.contents, design)


def _placed(part: Any, numbered: Callable[[Chart], Part]) -> Any:
    """A copy of a section's data with each chart in it numbered."""
    if isinstance(part, Chart):
        return numbered(part)
    if isinstance(part, dict):
        return {name: _placed(value, numbered) for name, value in part.items()}
    return [_placed(each, numbered) for each in part] if isinstance(part, list) else part


def _compared(contents: Contents, asked: tuple[str, str] | None) -> tuple[str, str] | None:
    """The two plans to compare: those asked for, else the first two that differ."""
    named = contents.named_plans()
    if asked is not None:
        for name in asked:
            if name not in named:
                raise TaskvizError(
                    f"There is no plan {name!r} to compare: choose two of {', '.join(named)}."
                )
        return asked
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
