"""The commands that repeat what a report shows."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from taskviz.values import AffinityMatrix, Grouping, TaskCollection, TrainingResult

if TYPE_CHECKING:
    from taskviz.report.facts import Facts

PROGRAM = ("python", "-m", "taskviz")


@dataclass(frozen=True)
class Repeat:
    """What to type, and what one must know before.

    Args:
        lines: one command each, quoted for a POSIX shell.
        notes: sentences.
        plan: the grouping to save as ``grouping.json``, where no command makes it.
    """

    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()
    plan: Grouping | None = None


def repeat_commands(
    collection: "TaskCollection | Facts",
    affinity: AffinityMatrix | None = None,
    grouping: Grouping | None = None,
    results: Mapping[str, TrainingResult] | None = None,
    others: Sequence[AffinityMatrix] = (),
) -> Repeat:
    """The commands that repeat an affinity, a grouping and a training.

    One ``train`` where one seed made all three; a command a step where seeds differ; a saved
    grouping where no method of taskviz made it. Options at their default are left out.

    Args:
        affinity: what the grouping was made from.
        others: further matrices, which have a command of their own each.
    """
    if isinstance(collection, TaskCollection):
        source, notes = collection_words(collection)
    else:
        source, notes = list(collection.words), list(collection.notes)
    results = dict(results or {})
    trained = next(iter(results.values()), None)
    plan = trained.grouping if trained is not None else grouping
    ours = plan is not None and _known_grouper(plan.method)
    made, unknown = ours and affinity is not None, ours and affinity is None
    if plan is not None and plan.cost_unit != "networks":
        # The prices are those of networks, and perhaps of a machine, that a plan does not name.
        made = False
    if affinity is not None and not _known_estimator(affinity.method):
        notes.append(
            f"The matrix was not computed here but came from elsewhere ({affinity.method})."
        )
        affinity, made = None, False
    lines = [
        ["affinity", *source, *_affinity_words(each)]
        for each in others
        if _known_estimator(each.method)
    ]
    if plan is None:
        lines.append(
            ["affinity", *source, *_affinity_words(affinity)] if affinity else ["check", *source]
        )
        return _repeat(lines, notes)
    seeds = {value.seed for value in (affinity, plan, trained) if value is not None}
    training = [] if trained is None else _training_words(trained, results)
    # A matrix of several repeats is made by a command of its own.
    alone = affinity is not None and "repeats" not in affinity.options
    if made and affinity is not None and alone and len(seeds) == 1:
        words = [
            *("--budget", f"{plan.budget:g}", "--method", affinity.method),
            *_options("--affinity-option", affinity.options, _estimator_defaults(affinity.method)),
            *("--grouper", plan.method),
            *_options("--grouping-option", plan.options, _grouper_defaults(plan.method)),
            *("--seed", str(next(iter(seeds)))),
        ]
        if trained is not None:
            lines.append(["train", *source, *words, *training])
        else:
            own = _pass_through(plan.options, _grouper_defaults(plan.method))
            estimator = _options(
                "--affinity-option", affinity.options, _estimator_defaults(affinity.method)
            )
            lines.append(
                [
                    *("group", *source, "--budget", f"{plan.budget:g}"),
                    *("--affinity", affinity.method, *estimator, "--method", plan.method, *own),
                    *("--seed", str(plan.seed)),
                ]
            )
        return _repeat(lines, notes)
    saved: Grouping | None = None
    if affinity is not None:
        lines.append(["affinity", *source, *_affinity_words(affinity), "--out", "affinity.json"])
    if made:
        own = _pass_through(plan.options, _grouper_defaults(plan.method))
        lines.append(
            [
                *("group", "affinity.json", "--budget", f"{plan.budget:g}"),
                *("--method", plan.method, *own, "--seed", str(plan.seed)),
                *("--out", "grouping.json"),
            ]
        )
    else:
        saved = plan
        notes.append(
            "The matrix that these groups were made from is not known here: save the plan below as "
            "grouping.json first."
            if unknown and plan.cost_unit == "networks"
            else "These groups were not made by a method of taskviz from the matrix above: save "
            "the plan below as grouping.json first."
            if plan.cost_unit == "networks"
            else f"These groups were made under a budget in {plan.cost_unit}, whose prices are "
            "not kept: save the plan below as grouping.json first."
        )
    if trained is not None:
        words = ["--grouping", "grouping.json", "--seed", str(trained.seed)]
        lines.append(["train", *source, *words, *training])
    return _repeat(lines, notes, saved)


def _repeat(
    lines: Iterable[Sequence[str]], notes: list[str], plan: Grouping | None = None
) -> Repeat:
    return Repeat(tuple(shlex.join((*PROGRAM, *line)) for line in lines), tuple(notes), plan)


def collection_words(collection: TaskCollection) -> tuple[list[str], list[str]]:
    """How a command names a collection, and what one must know before."""
    origin, names, notes = collection.origin, collection.names, []
    reference = origin.reference or collection.name
    words = [reference]
    if reference.startswith("upload:"):
        notes.append(
            "The table was uploaded and is known by its content here; elsewhere give the path of "
            "the same file in place of the reference that begins with upload:."
        )
    if origin.targets:
        words += ["--targets", _listed(origin.targets)]
    for column, kind in origin.kinds:
        words += ["--kind", f"{column}={kind}"]
    if origin.leave_out is not None:
        words += ["--leave-out", _listed(origin.leave_out)]
    known = _built_in(reference, origin.split_seed)
    if names != (origin.targets if known is None else known.names):
        words += ["--tasks", _listed(names)]
    if origin.split_seed:
        words += ["--split-seed", str(origin.split_seed)]
    if known is not None and not _same_data(collection, known):
        notes.append(
            f"The collection shown is not {reference} as it comes (other rows or another split), "
            "so the numbers will differ."
        )
    return words, notes


def _built_in(reference: str, split_seed: int) -> TaskCollection | None:
    from taskviz.data.builtin import BUILT_INS

    return BUILT_INS[reference].load(split_seed) if reference in BUILT_INS else None


def _same_data(collection: TaskCollection, known: TaskCollection) -> bool:
    """Whether a collection is a selection of a built-in one's tasks and nothing else."""
    if not set(collection.names) <= set(known.names):
        return False
    return known.select(collection.names).fingerprint == collection.fingerprint


def _listed(names: Sequence[str]) -> str:
    """``a,b,c``, or JSON where a name would not come through."""
    awkward = any("," in name or name != name.strip() or name.startswith("[") for name in names)
    alone = len(names) == 1 and names[0].isdigit()
    return json.dumps(list(names), ensure_ascii=False) if awkward or alone else ",".join(names)


def _affinity_words(affinity: AffinityMatrix) -> list[str]:
    own = _pass_through(affinity.options, _estimator_defaults(affinity.method))
    return ["--method", affinity.method, *own, "--seed", str(affinity.seed)]


def _training_words(trained: TrainingResult, results: Mapping[str, TrainingResult]) -> list[str]:
    from taskviz.training.comparison import is_papers, random_labels
    from taskviz.training.options import TrainingOptions

    defaults = {f.name: f.default for f in fields(TrainingOptions)}
    papers = is_papers(results)
    # The paper's comparison has the weightings of its own.
    words = [] if papers else ["--weighting", str(trained.settings.get("weighting", "equal"))]
    words += _pass_through(trained.settings.get("options", {}), defaults)
    device = str(trained.settings.get("device", ""))
    if device:
        words += ["--device", device]
    if papers:
        words += ["--paper"]
    elif len(results) > 1:
        draws = [label for label in random_labels(results) if results[label] is not trained]
        words += ["--baselines", "--random-draws", str(len(draws))]
    if len(results) > 1 or len(trained.seeds) > 1:
        # A comparison takes three seeds unless it is told.
        words += ["--seeds", str(len(trained.seeds))]
    return words


def _options(flag: str, options: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    return [
        word
        for name, value in options.items()
        if name not in defaults or defaults[name] != value
        for word in (flag, f"{name}={_text(value)}")
    ]


def _pass_through(options: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    return [
        word
        for name, value in options.items()
        if name not in defaults or defaults[name] != value
        for word in (f"--{name.replace('_', '-')}", _text(value))
    ]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "none" if value is None else str(value)


def _known_estimator(method: str) -> bool:
    from taskviz.affinity import ESTIMATORS

    return method in ESTIMATORS


def _known_grouper(method: str) -> bool:
    from taskviz.grouping import GROUPERS

    return method in GROUPERS


def _estimator_defaults(method: str) -> dict[str, Any]:
    from taskviz.affinity import estimator_class
    from taskviz.values import option_defaults

    return option_defaults(estimator_class(method).Options)


def _grouper_defaults(method: str) -> dict[str, Any]:
    from taskviz.grouping import grouper_class
    from taskviz.values import option_defaults

    return option_defaults(grouper_class(method).Options)
