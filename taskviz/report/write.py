"""Write the report: one self-contained HTML file that opens offline."""

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, get_args

from taskviz.figures.style import duration_words
from taskviz.report.charts import Chart
from taskviz.report.command import repeat_commands
from taskviz.report.embed import values_json
from taskviz.report.page import render
from taskviz.report.sections import affinity_part, grouping_part, results_part
from taskviz.report.summary import summarise
from taskviz.report.tables import Table, tasks_table
from taskviz.values import (
    SPLITS,
    AffinityMatrix,
    Grouping,
    TaskCollection,
    TaskvizError,
    TrainingResult,
    unknown_choice,
)
from taskviz.values.storage import dumps, write_text

Theme = Literal["auto", "light", "dark"]
Results = Sequence[TrainingResult] | Mapping[str, TrainingResult]


def write_report(
    *,
    collection: TaskCollection,
    affinities: Sequence[AffinityMatrix] = (),
    groupings: Sequence[Grouping] = (),
    results: Results = (),
    path: Path | str,
    notes: str = "",
    title: str = "",
    frontier: Sequence[Grouping] = (),
    theme: Theme = "auto",
    written: datetime | None = None,
) -> Path:
    """Write one HTML file with everything that was found; any part may be empty.

    Args:
        collection: its tasks and sizes are shown; its data do not go into the file.
        affinities: matrices of this collection.
        groupings: plans; the grouping of the first result is put first where it is not among them.
        results: the chosen one first. A sequence is named by ``settings["label"]``, else by the
            method of its grouping.
        path: where the file goes; written whole or not at all.
        notes: plain text of the author.
        title: heading; the collection's name where empty.
        frontier: a plan for each budget, to show what other budgets would buy.
        theme: ``auto`` follows the reader's system.
        written: moment shown; now where None.

    Returns:
        the path.

    Raises:
        TaskvizError: an unknown theme, or a file that cannot be written.
    """
    if theme not in get_args(Theme):
        raise unknown_choice("theme", theme, get_args(Theme))
    html = report_html(
        collection=collection,
        affinities=affinities,
        groupings=groupings,
        results=results,
        notes=notes,
        title=title,
        frontier=frontier,
        theme=theme,
        written=written or datetime.now(UTC),
    )
    path = Path(path)
    if path.is_dir():
        raise TaskvizError(f"{path} is a folder: give the name of a file, such as report.html.")
    try:
        return write_text(path, html)
    except OSError as error:
        raise TaskvizError(
            f"Cannot write the report to {path} ({error.strerror or error}): choose a folder that "
            "can be written."
        ) from None


def named_results(results: Results) -> dict[str, TrainingResult]:
    """Label → result, labels unique."""
    if isinstance(results, Mapping):
        return {str(label): result for label, result in results.items()}
    named: dict[str, TrainingResult] = {}
    for result in results:
        label = str(result.settings.get("label") or result.grouping.method)
        count, unique = 1, label
        while unique in named:
            count += 1
            unique = f"{label} {count}"
        named[unique] = result
    return named


def report_html(
    *,
    collection: TaskCollection,
    affinities: Sequence[AffinityMatrix],
    groupings: Sequence[Grouping],
    results: Results,
    notes: str,
    title: str,
    frontier: Sequence[Grouping],
    theme: Theme,
    written: datetime,
) -> str:
    """The text of the file."""
    named = named_results(results)
    chosen = next(iter(named.values()), None)
    plans = list(groupings)
    if chosen is not None and not any(_same(chosen.grouping, plan) for plan in plans):
        plans.insert(0, chosen.grouping)
    main = chosen.grouping if chosen is not None else next(iter(plans), None)
    charts: list[tuple[int, Chart]] = []

    def number(chart: Chart) -> dict[str, Any]:
        charts.append((len(charts) + 1, chart))
        return {**vars(chart), "number": len(charts)}

    matrix = _made_from(main, affinities)
    others = [each for each in affinities if each is not matrix]
    repeat = repeat_commands(collection, matrix, main, named, others)
    contents = [
        ("summary", "Summary"),
        *([("notes", "Notes")] if notes.strip() else []),
        ("collection", "Collection"),
        ("affinity", "Affinity"),
        ("groups", "Groups"),
        ("results", "Results"),
        ("repeat", "Repeat it"),
    ]
    parts = {
        "theme": theme,
        "version": _version("taskviz"),
        "title": title.strip() or f"Which tasks of {collection.name} to train together",
        "written": written.strftime("%d %B %Y, %H:%M %Z").strip(),
        "contents": contents,
        "summary": summarise(collection, affinities, main, named),
        "notes": notes.strip(),
        "collection_facts": _facts(collection),
        "tasks": tasks_table(collection),
        "affinities": [affinity_part(each, number) for each in affinities],
        "groupings": [
            grouping_part(
                plan,
                matrix,
                frontier if main is not None and _same(plan, main) else (),
                chosen if chosen is not None and _same(plan, chosen.grouping) else None,
                number,
            )
            for plan in plans
        ],
        "results": results_part(named, number) if named else None,
        "repeat": repeat,
        "repeat_plan": dumps(repeat.plan.to_json()) if repeat.plan is not None else "",
        "versions": _versions(collection, affinities, named),
    }
    values = values_json(collection, affinities, plans, named, notes)
    return render(parts, charts, values)


def _made_from(
    plan: Grouping | None, affinities: Sequence[AffinityMatrix]
) -> AffinityMatrix | None:
    """The matrix that a plan names as its source, else the first."""
    named = [each for each in affinities if plan is not None and plan.affinity == each.method]
    return next(iter([*named, *affinities]), None)


def _same(a: Grouping, b: Grouping) -> bool:
    """Whether two plans are one; how long it took to find them does not matter."""
    first, second = a.to_json(), b.to_json()
    return {**first, "seconds": 0} == {**second, "seconds": 0}


def _facts(collection: TaskCollection) -> list[tuple[str, str]]:
    block = collection.samples[0]
    sizes = {
        split: sum(len(each.indices(split)) for each in collection.samples) for split in SPLITS
    }
    layout = {
        "joint": "joint: every task sees the same inputs",
        "separate": "separate: every task has inputs of its own",
    }[collection.layout]
    facts = [
        ("Name", collection.name),
        ("Samples n", f"{sum(len(each) for each in collection.samples):,}"),
        ("Tasks T", f"{len(collection.tasks):,}"),
        ("Layout", layout),
        ("Modality", collection.modality),
        ("Input", " × ".join(str(size) for size in block.inputs.shape[1:]) or "scalar"),
        ("Train, validation, test", ", ".join(f"{sizes[split]:,}" for split in SPLITS)),
        ("Description", collection.origin.description),
        ("Licence", collection.origin.licence),
        ("Data fingerprint (SHA-256)", collection.fingerprint),
    ]
    return [(name, value) for name, value in facts if value]


def _versions(
    collection: TaskCollection,
    affinities: Sequence[AffinityMatrix],
    results: Mapping[str, TrainingResult],
) -> Table:
    chosen = next(iter(results.values()), None)
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
        ("data fingerprint (SHA-256)", collection.fingerprint),
    ]
    rows += [(f"seed of {m.method}", str(m.seed)) for m in affinities]
    if chosen is not None:
        seconds = sum(result.seconds for result in results.values())
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
