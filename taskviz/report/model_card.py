"""What there is to know of trained models before they are used, as Markdown."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from taskviz.figures.numbers import duration_words, three_digits
from taskviz.figures.style import group_letter
from taskviz.training.intervals import interval
from taskviz.values import AffinityMatrix, Task, TaskCollection, TrainingResult
from taskviz.values.escaping import markdown_safe as safe
from taskviz.values.storage import dumps


def model_card(
    result: TrainingResult,
    *,
    collection: TaskCollection | None = None,
    results: Mapping[str, TrainingResult] | None = None,
    affinity: AffinityMatrix | None = None,
) -> str:
    """A model card after Mitchell et al. (2019): use, data, tasks, groups, metrics, limits.

    Args:
        result: the models.
        collection: adds what the data are, and the command that repeats the result.
        results: label → result, this one and its baselines; adds how they compare. None: what was
            trained beside it is not known.
        affinity: what the groups were made from.

    Returns:
        Markdown; text of users is escaped.
    """
    tasks = [Task.from_json(task) for task in result.settings.get("tasks", ())]
    groups = len(result.grouping.groups)
    parts = [
        f"# Model card: {safe(result.collection)}",
        f"{_count(groups, 'network')} for {_count(len(tasks), 'task')}, trained with taskviz "
        f"{safe(result.settings.get('taskviz', ''))}.",
        *_use(tasks),
        *_data(result, collection),
        "## Tasks",
        _table(
            ("task", "kind", "classes", "served by group"),
            [
                (
                    safe(task.name),
                    task.kind,
                    ", ".join(map(safe, task.classes)) or "–",
                    group_letter(result.serving[task.name]),
                )
                for task in tasks
            ],
        ),
        "## Groups",
        _groups(result),
        *_metrics(result),
        *_comparison(result, results),
        *_settings(result),
        *_limits(result),
        *_repeat(result, collection, results, affinity),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _use(tasks: Sequence[Task]) -> list[str]:
    names = ", ".join(safe(task.name) for task in tasks[:12]) + (" …" if len(tasks) > 12 else "")
    return [
        "## Intended use",
        f"To predict {names} for samples that come from the same source as the data below and have "
        "the same input columns.",
        "Not meant for samples from elsewhere, for decisions about people without a person who "
        "answers for them, or for tasks that were not trained: none of that was measured.",
    ]


def _data(result: TrainingResult, collection: TaskCollection | None) -> list[str]:
    sizes = result.settings.get("split_sizes", {})
    lines = []
    if collection is not None:
        origin = collection.origin
        lines += [f"- What: {safe(origin.description)}"] if origin.description else []
        lines += [f"- Licence: {safe(origin.licence)}"] if origin.licence else []
    if sizes:
        told = ", ".join(f"{count:,} {split}" for split, count in sizes.items())
        lines.append(f"- Samples: {told}.")
    names = list(result.settings.get("feature_names", ()))
    if names:
        some = ", ".join(safe(name) for name in names[:8]) + (" …" if len(names) > 8 else "")
        lines.append(f"- {_count(len(names), 'feature')}: {some}")
    lines.append(f"- Fingerprint (SHA-256 of data, tasks and splits): `{result.fingerprint}`")
    return ["## Data", "\n".join(lines)]


def _groups(result: TrainingResult) -> str:
    rows = []
    for i, group in enumerate(result.grouping.groups):
        known = i < len(result.networks)
        size = sum(array.size for array in result.networks[i].weights.values()) if known else 0
        epoch = str(result.networks[i].best_step) if known else "–"
        rows.append((group_letter(i), ", ".join(map(safe, group)), f"{size:,}", epoch))
    return _table(("group", "tasks", "parameters", "epoch kept"), rows)


def _metrics(result: TrainingResult) -> list[str]:
    served = result.served("test")
    seeds = sorted({int(seed) for seed in served["seed"]})
    many = len(seeds) > 1
    rows = []
    for (task, metric), own in served.groupby(["task", "metric"], sort=False):
        low, high = interval(own["value"].to_numpy())
        around = f"{three_digits(low)} … {three_digits(high)}" if math.isfinite(low) else "–"
        mean = three_digits(float(own["value"].mean()))
        rows.append((safe(task), str(metric).replace("_", " "), mean, *((around,) if many else ())))
    header = ("task", "metric", "value", *(("95 % interval",) if many else ()))
    about = (
        f"On the test split, each task by the group that serves it: mean over {len(seeds)} seeds, "
        "with the t interval of that mean. It says how far another training may differ, not how "
        "far other samples may."
        if many
        else "On the test split, each task by the group that serves it; one seed, so there is no "
        "interval."
    )
    return ["## Metrics", about, _table(header, rows)]


def _comparison(result: TrainingResult, results: Mapping[str, TrainingResult] | None) -> list[str]:
    if results is None:
        return ["## Against baselines", "What was trained beside it is not known here."]
    if len(results) < 2:
        return ["## Against baselines", "Nothing was trained beside it."]
    from taskviz.training.sentences import summary_sentences

    return ["## Against baselines", "\n".join(f"- {safe(s)}" for s in summary_sentences(results))]


def _settings(result: TrainingResult) -> list[str]:
    chosen: dict[str, Any] = {
        "weighting": result.settings.get("weighting", ""),
        "seed": result.seed,
        **result.settings.get("options", {}),
    }
    for name in ("dtype", "device_name", "torch"):
        chosen[name.removesuffix("_name")] = result.settings.get(name, "")
    rows = [(name.replace("_", " "), safe(value)) for name, value in chosen.items()]
    time = f"Training took {duration_words(result.seconds)}."
    return ["## Settings", _table(("setting", "value"), rows), time]


def _limits(result: TrainingResult) -> list[str]:
    lines = [
        "Early stopping, and which group serves a task, were chosen on the validation split; the "
        "test split was used for the figures above only.",
        "A missing input counts as the mean of the training split; so does a level of a text "
        "column that training did not meet.",
        "Probabilities were not calibrated.",
        *result.notes,
    ]
    test = result.settings.get("split_sizes", {}).get("test")
    if isinstance(test, int) and test < 100:
        lines.append(f"The test split has {test} samples: the figures are coarse.")
    return ["## Limits", "\n".join(f"- {safe(line)}" for line in dict.fromkeys(lines))]


def _repeat(
    result: TrainingResult,
    collection: TaskCollection | None,
    results: Mapping[str, TrainingResult] | None,
    affinity: AffinityMatrix | None,
) -> list[str]:
    if collection is None:
        return []
    from taskviz.report.command import repeat_commands

    repeat = repeat_commands(collection, affinity, result.grouping, dict(results or {"": result}))
    parts = ["## To repeat it", *(safe(note) for note in repeat.notes)]
    if repeat.plan is not None:
        parts.append(_fenced("json", [dumps(repeat.plan.to_json())]))
    return [*parts, _fenced("sh", repeat.lines)]


def _fenced(language: str, lines: Sequence[str]) -> str:
    """A code block that nothing in it can close: longer than any run of backticks there."""
    fence = "`" * max(3, 1 + max((line.count("`") for line in lines), default=0))
    return "\n".join((f"{fence}{language}", *lines, fence))


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
