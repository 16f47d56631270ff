"""The SCA paper's tables in our own figures: methods × budgets, quality and total time.

For each built-in collection that is not too small: random groups, TAG and HOA with the network
selection that their papers use, SCA as published with the grouping that its paper uses, and ours
(the pooled surrogate on random groups, fresh ones in each of five seeds, with network selection).
Every method is estimated anew in each seed; its groups are trained by ``train_groups`` on that
seed's split of the training and validation rows, and scored on the test rows, which no seed trains
or chooses on. Times are processor time of this process, so that other work on the machine does not
count.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from taskviz.affinity.seeds import repeat_seed
from taskviz.cache import Cache
from taskviz.data.builtin import BUILT_INS
from taskviz.data.splits import resplit
from taskviz.grouping import make_grouper
from taskviz.values import AffinityMatrix, Grouping, TaskCollection, TrainingResult
from taskviz.verbs import fit_estimator, load_collection, train_groups

BUDGETS = (2, 3, 4)
LEAST_ROWS = 200


@dataclass(frozen=True)
class Method:
    """How a row of the table comes to its groups.

    Args:
        title: as the table names it.
        estimator: its name; None where groups need no affinity.
        grouper: its name.
        options: of the estimator, beyond those of the network.
        predicts: True gives the grouper the fitted estimator's predictions, False its matrix.
    """

    title: str
    estimator: str | None
    grouper: str
    options: Mapping[str, Any]
    predicts: bool = False


@dataclass(frozen=True)
class Setting:
    """The networks of one collection, and how much ours may train.

    Args:
        width: of the trunk.
        depth: of the trunk.
        epochs: of every network.
        rounds: networks a task and seed that ours trains; five seeds, so 2 is 10T.
        batch_size: samples a step.
        learning_rate: of Adam.
    """

    width: int
    depth: int
    epochs: int
    rounds: int = 2
    batch_size: int = 64
    learning_rate: float = 1e-3

    def networks(self) -> dict[str, Any]:
        """What every network of the collection is made and trained with, as options."""
        return {name: value for name, value in asdict(self).items() if name != "rounds"}


TABLE = Setting(64, 2, 40)
SETTINGS = {
    "mnist": Setting(32, 1, 5, 1, 32, 1e-2),
    "ucr-six": Setting(32, 1, 3, 1, 16, 1e-2),
    "vowels": Setting(32, 1, 40, 1, 64, 1e-2),
    "molecules": Setting(32, 2, 20, 1, 64, 1e-2),
    "molecules-gaps": Setting(32, 2, 5, 1, 32, 1e-2),
    "communities": Setting(32, 2, 10, 1, 64, 1e-2),
}
"""Where a table's setting would take hours: smaller, shorter, and half as many networks. So short a
training needs larger or more steps: batch size and learning rate are those of nine with which one
network of all tasks had about the least validation loss for the time it took."""

METHODS = (
    Method("Random", None, "random", {}),
    Method("TAG", "tag", "selection", {}),
    Method("HOA", "hoa", "selection", {}, predicts=True),
    Method("SCA", "sca", "gat-gmm", {}),
    Method("Ours", "pooled-surrogate", "selection", {"seeds": 5}, predicts=True),
)
ENDS = (Method("All together", None, "all-together", {}),)
ALONE = Method("Each alone", None, "all-separate", {})


def run(
    names: Sequence[str] = (),
    budgets: Sequence[int] = BUDGETS,
    seeds: int = 3,
    epochs: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
    keep: Callable[[dict[str, Any]], None] = lambda found: None,
) -> dict[str, Any]:
    """All collections as plain data; ``names`` empty takes each built-in one that is fit.

    Args:
        epochs: of every network in place of those of :data:`SETTINGS`.
        keep: given what there is after each collection, since all of them take hours.
    """
    start = time.time()
    found: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "seeds": seeds,
        "collections": {},
        "left_out": {},
    }
    for name in names or BUILT_INS:
        why = unfit(name)
        if why:
            found["left_out"][name] = why
            continue
        setting = SETTINGS.get(name, TABLE)
        setting = setting if epochs is None else replace(setting, epochs=epochs)
        found["collections"][name] = measure(
            load_collection(name),
            budgets,
            seeds,
            setting,
            lambda text, n=name: tell(f"{n}: {text}"),
        )
        found["seconds"] = time.time() - start
        keep(found)
    found["seconds"] = time.time() - start
    return found


def unfit(name: str) -> str:
    """Why a built-in collection is not in the tables; empty where it is."""
    entry = BUILT_INS[name]
    return f"{entry.n} samples are too few" if entry.n < LEAST_ROWS else ""


def measure(
    collection: TaskCollection,
    budgets: Sequence[int],
    seeds: int,
    setting: Setting,
    tell: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """One collection: a row a method and budget, mean and standard error over seeds."""
    runs: dict[tuple[str, int], list[dict[str, float]]] = {}
    # Groups that several plans have in common are trained once, and count in the time of each.
    with TemporaryDirectory() as folder:
        train_groups(  # what a first training loads is no part of any method's time
            collection.select(2),
            Grouping.of([collection.names[:2]]),
            device="cpu",
            epochs=1,
            use_cache=False,
        )
        for number in range(seeds):
            seed = repeat_seed(0, number)
            data = resplit(collection, seed)
            trainer = Trainer(data, seed, setting, Cache(folder))
            for method, budget, grouping, before in plans(data, budgets, seed, setting):
                result, training = trainer.train(grouping)
                runs.setdefault((method.title, budget), []).append(
                    figures(result, before, training)
                )
                tell(f"seed {number + 1} of {seeds}, {method.title}, {budget} models")
    rows = [
        {"method": title, "models": budget, **summary(each)}
        for (title, budget), each in runs.items()
    ]
    return {
        "tasks": len(collection.tasks),
        "samples": collection.n,
        "modality": collection.modality,
        "commonest_error": commonest_error(collection),
        **asdict(setting),
        "budgets": list(budgets),
        "rows": rows,
    }


def commonest_error(collection: TaskCollection) -> float | None:
    """Total error (%) on the test rows of always answering a task's commonest training class; None
    where no task is a classification."""
    wrong = []
    for number, task in enumerate(collection.tasks):
        if task.kind not in ("binary", "multiclass"):
            continue
        block, target = collection.samples_of(number), collection.target_of(number)[:, 0]
        seen, asked = (target[block.indices(split)] for split in ("train", "test"))
        classes, counts = np.unique(seen[~np.isnan(seen)], return_counts=True)
        wrong.append(float(np.mean(asked[~np.isnan(asked)] != classes[counts.argmax()])))
    return 100 * sum(wrong) if wrong else None


class Trainer:
    """Trains plans on one seed's split, and knows the processor time of every network."""

    def __init__(self, data: TaskCollection, seed: int, setting: Setting, cache: Cache) -> None:
        self.data, self.seed = data, seed
        self.options: dict[str, Any] = {
            "device": "cpu",
            "patience": 0,
            "cache": cache,
            **setting.networks(),
        }
        self.spent: dict[tuple[str, ...], float] = {}

    def train(self, grouping: Grouping) -> tuple[TrainingResult, float]:
        """The result, and the processor seconds of its networks.

        A network's own seconds are wall time; the call that trained it tells their ratio to
        processor time.
        """
        cpu, wall = time.process_time(), time.perf_counter()
        result = train_groups(self.data, grouping, seed=self.seed, **self.options)
        share = (time.process_time() - cpu) / (time.perf_counter() - wall)
        for network in result.networks:
            self.spent.setdefault(tuple(network.tasks), share * network.seconds)
        return result, sum(self.spent[tuple(network.tasks)] for network in result.networks)


def plans(
    data: TaskCollection, budgets: Sequence[int], seed: int, setting: Setting
) -> Iterator[tuple[Method, int, Grouping, float]]:
    """Method, budget, groups, and processor seconds of affinity and grouping."""
    nothing = AffinityMatrix(np.zeros((len(data.tasks),) * 2), data.names, "none")
    usable = [b for b in budgets if b < len(data.tasks)]
    for method in (*ENDS, *METHODS, ALONE):
        estimator, scores, start = None, nothing, time.process_time()
        if method.estimator is not None:
            estimator = fit_estimator(
                data,
                method.estimator,
                seed=seed,
                device="cpu",
                use_cache=False,  # networks found in a cache would take no time
                **own_options(method, setting, len(data.tasks)),
            )
            scores = estimator.affinity_
        seconds = time.process_time() - start
        fixed = {"all-together": [1], "all-separate": [len(data.tasks)]}
        for budget in fixed.get(method.grouper, usable):
            grouper = make_grouper(method.grouper)
            given: Any = estimator if method.predicts else scores
            start = time.process_time()
            grouping = grouper.group(given, float(budget), seed)
            yield method, budget, grouping, seconds + time.process_time() - start


def own_options(method: Method, setting: Setting, tasks: int) -> dict[str, Any]:
    """Options of the method's estimator: the same networks and epochs as the training's."""
    from taskviz.affinity import estimator_class

    known = estimator_class(method.estimator or "").Options.__dataclass_fields__
    shared = {name: value for name, value in setting.networks().items() if name in known}
    if method.estimator == "pooled-surrogate":
        shared["m"] = setting.rounds * tasks
    return {**shared, **method.options}


def figures(result: TrainingResult, before: float, training: float) -> dict[str, float]:
    """Of one trained plan: test metrics under the serving networks, and what all of it took."""
    served = result.served("test")
    of = {name: served[served["metric"] == name]["value"].to_numpy() for name in ("loss", "error")}
    return {
        "loss": float(np.mean(of["loss"])),
        # Tasks that are no classification have no error rate.
        "total_error": float(100 * np.sum(of["error"])) if len(of["error"]) else float("nan"),
        "seconds": before + training,
        "choosing_seconds": before,
        "training_seconds": training,
    }


def summary(runs: Sequence[Mapping[str, float]]) -> dict[str, float | None]:
    """Mean and standard error over seeds."""
    found: dict[str, float | None] = {"seeds": len(runs)}
    for name in runs[0]:
        values = np.array([run[name] for run in runs])
        known = np.isfinite(values).all()
        found[name] = float(values.mean()) if known else None
        if name in ("loss", "total_error"):
            error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
            found[f"{name}_error"] = error if known else None
    return found


def markdown(found: Mapping[str, Any]) -> str:
    """The tables for ``docs/paper_tables.md``."""
    lines = [
        "# The SCA paper's tables in our own figures",
        "",
        "Made by `python -m benchmarks paper`; do not edit by hand.",
        "",
        f"{found['date']}, {found['machine']}, {found['seeds']} seeds; "
        f"{found['seconds'] / 60:.0f} minutes in all, beside other work"
        f"{', with runs of tables that were replaced since' if found.get('replaced') else ''}.",
        "",
        "Test rows stay the same in every seed, are trained on by none and chosen on by none; "
        "training and validation rows, initial states and affinities are drawn anew. Cells: mean "
        "± standard error over seeds, then the total processor time in seconds (affinity, grouping "
        "and training of the groups; one process, one thread). With so few seeds a difference "
        "below about three standard errors is none. All implementations are ours, at their default "
        "options; TAG and HOA choose by network selection, SCA by GAT and Gaussian mixture, as "
        "their papers do. *Ours* is the pooled surrogate, which `recommend` uses.",
    ]
    for name, table in found["collections"].items():
        for quality, title in (
            ("total_error", "Total error (sum over tasks of the error rate, %)"),
            ("loss", "Mean test loss"),
        ):
            if any(row[quality] is not None for row in table["rows"]):
                lines += ["", f"## {name}: {title}, lower is better", ""]
                lines += [
                    f"{table['tasks']} tasks, {table['samples']} samples, {table['modality']}; "
                    f"width {table['width']}, depth {table['depth']}, {table['epochs']} epochs, "
                    f"batch size {table['batch_size']}, learning rate "
                    f"{table['learning_rate']:g}; ours trains {5 * table['rounds']}T networks.",
                    "",
                ]
                lines += _table(table, quality)
                answer = table.get("commonest_error")
                if quality == "total_error" and answer is not None:
                    lines += [
                        "",
                        f"Always answering the commonest class: {answer:.2f}. Networks that are no "
                        "better tell no class from another.",
                    ]
    missing = {name: "not run yet" for name in BUILT_INS if name not in found["collections"]}
    missing |= found["left_out"]
    if missing:
        lines += ["", "## Left out", ""]
        lines += [f"- {name}: {why}." for name, why in missing.items()]
    return "\n".join(lines) + "\n"


def _table(table: Mapping[str, Any], quality: str) -> list[str]:
    rows = table["rows"]
    at = {(row["method"], row["models"]): row for row in rows}
    budgets = [b for b in table["budgets"] if any(row["models"] == b for row in rows)]
    out = [
        "| method | " + " | ".join(f"{b} models" for b in budgets) + " |",
        "|---|" + "---|" * len(budgets),
    ]
    for title in dict.fromkeys(row["method"] for row in rows):
        own = [row for row in rows if row["method"] == title]
        if len(own) == 1 and own[0]["models"] not in budgets:
            models = own[0]["models"]
            words = f"{_cell(own[0], quality)} with {models} model{'s' * (models != 1)}"
            cells = [words] + [""] * (len(budgets) - 1)
        else:
            cells = [_cell(at[title, b], quality) if (title, b) in at else "" for b in budgets]
        out.append(f"| {title} | " + " | ".join(cells) + " |")
    return out


def _cell(row: Mapping[str, Any], quality: str) -> str:
    value, error = row[quality], row[f"{quality}_error"]
    places = 2 if quality == "total_error" else 4
    text = f"{value:.{places}f}" + ("" if error is None else f" ± {error:.{places}f}")
    return f"{text}; {row['seconds']:.3g} s"


def machine() -> str:
    """CPU model, cores, threads, versions."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = named[0].split(":", 1)[1].strip() if named else model
    return (
        f"{model}, {os.cpu_count()} cores, {torch.get_num_threads()} thread"
        f"{'s' * (torch.get_num_threads() != 1)}, torch {torch.__version__}"
    )


def before(path: Path) -> dict[str, Any] | None:
    """What an earlier run left in its JSON file; None where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def joined(old: Mapping[str, Any] | None, found: dict[str, Any]) -> dict[str, Any]:
    """A run of some collections with those of an earlier one, in the built-ins' order."""
    if old is None:
        return found
    both = {part: {**old[part], **found[part]} for part in ("collections", "left_out")}
    ordered = {
        part: {name: own[name] for name in BUILT_INS if name in own} for part, own in both.items()
    }
    replaced = bool(old.get("replaced") or old["collections"].keys() & found["collections"].keys())
    seconds = found["seconds"] + old["seconds"]
    return {**found, **ordered, "seconds": seconds, "replaced": replaced}


def write(found: Mapping[str, Any], json_path: Path, markdown_path: Path) -> None:
    """Both files."""
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    markdown_path.parent.mkdir(parents=True, exist_ok=True)
    markdown_path.write_text(markdown(found), encoding="utf-8")
