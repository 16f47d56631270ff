"""Which estimator finds good groups, and are the app's verdicts right? A study on exhaustive truth.

    python -m benchmarks evidence [--held-out] [--quick] [--json PATH] [--markdown PATH]

Every group of up to eight tasks is trained in ten seeds (each its own split of the rows that are
not test rows, initial state and batch order), on narrow networks. Estimators that rest on subset
networks are given those of some seeds, looked up instead of trained again; their plans are scored
on test losses of the *other* seeds. The oracle is cross-fitted. Budgets 2, 3 and 4 are pooled.

Methods were developed while looking at :data:`DEVELOPED_ON`. :data:`HELD_OUT` was looked at once,
after everything was fixed: ``--held-out`` scores those.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.affinity import make_estimator
from taskviz.affinity.base import Estimator
from taskviz.affinity.pooled_model import fit_pooled
from taskviz.affinity.surrogate_fit import fit_surrogate
from taskviz.cache import Cache
from taskviz.data import load_built_in, make_split
from taskviz.engines import RunContext
from taskviz.evidence.captured import t_quantile
from taskviz.evidence.contrasts import call_level, verdict_of
from taskviz.evidence.design_reliability import design_reliability
from taskviz.evidence.oracle import halves
from taskviz.evidence.plans import best_plan, membership_of, partitions, plan_scores
from taskviz.evidence.truth import Truth, all_groups, measure_truth
from taskviz.grouping.random import random_partition
from taskviz.training.subsets import SubsetOptions, draw_subsets
from taskviz.values import SubsetTable, Task, TaskCollection

Array = NDArray[np.float64]
BUDGETS = (2, 3, 4)
SEEDS, DESIGN_SEEDS, DRAWS = 10, 5, 24
NETWORK = SubsetOptions(width=16, depth=1)
RESOLVABLE = 0.5
"""Ceiling from which a setting counts as one whose gain can be found at all."""
WORTH = 0.005


@dataclass(frozen=True)
class Setting:
    """One collection as the study uses it: tasks by place, or all."""

    name: str
    built_in: str
    tasks: tuple[int, int] = (0, 8)

    def load(self, split_seed: int) -> TaskCollection:
        """As a table, with its own test rows for each ``split_seed``."""
        collection = load_built_in(self.built_in, split_seed)
        if collection.modality == "image":
            collection = pooled_pixels(collection, split_seed)
        if collection.layout == "separate":
            collection = leaf_outlines(collection, split_seed)
        return collection.select(collection.names[slice(*self.tasks)])


DEVELOPED_ON = (
    Setting("digits", "digits"),
    Setting("yeast 1-8", "yeast"),
    Setting("yeast 7-14", "yeast", (6, 14)),
    Setting("segments", "segments"),
    Setting("tumours", "tumours"),
    Setting("leaves", "ucr-six"),
)
HELD_OUT = (Setting("mnist", "mnist"), Setting("molecules-table", "molecules-table"))
OUTER_SPLITS = (0, 1)


def pooled_pixels(collection: TaskCollection, split_seed: int, rows: int = 3000) -> TaskCollection:
    """Images as a table of 2 × 2 means, so that a fully connected network takes them."""
    block = collection.samples[0]
    keep = np.sort(np.random.default_rng(0).permutation(len(block))[:rows])
    images = np.asarray(block.inputs[keep], dtype=np.float64)
    n, c, h, w = images.shape
    flat = images.reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5)).reshape(n, -1)
    targets = {task.name: block.targets[i][keep] for i, task in enumerate(collection.tasks)}
    split = make_split(list(targets.values()), collection.tasks, split_seed)
    return TaskCollection.from_arrays(collection.name, flat, targets, collection.tasks, split)


def leaf_outlines(collection: TaskCollection, split_seed: int) -> TaskCollection:
    """Of the six sets of series the leaves, every fourth step; each species against the rest."""
    number = collection.index("OSULeaf")
    outlines = np.asarray(collection.samples_of(number).inputs, dtype=np.float64)[:, 0, ::4]
    species = collection.target_of(number)[:, 0]
    names = collection.tasks[number].classes
    tasks = tuple(Task(f"leaf {name}", "binary", ("rest", name)) for name in names)
    targets = {t.name: (species == i).astype(np.float64) for i, t in enumerate(tasks)}
    split = make_split(list(targets.values()), tasks, split_seed)
    return TaskCollection.from_arrays("leaves", outlines, targets, tasks, split)


class Field:
    """Trained losses of one setting and what can be asked of them."""

    def __init__(self, truth: Truth) -> None:
        self.truth, self.size, self.count = truth, len(truth.tasks), len(truth.seeds)
        self.test, self.valid = truth.sums("test"), truth.sums("valid")
        self.budgets = tuple(b for b in BUDGETS if b < self.size)
        self.partitions = {b: partitions(self.size, b) for b in self.budgets}
        pairs = [self._halves(pair) for pair in halves(self.count)]
        self.reachable = float(np.mean([one for one, _ in pairs]))
        self.ceiling = float(np.mean([two for _, two in pairs])) / self.reachable

    def random(self, seeds: NDArray[np.int64]) -> float:
        """Mean test loss of random plans, mean over budgets and seeds."""
        sums = self.test[seeds].mean(axis=0)
        return float(np.mean([plan_scores(sums, p).mean() for p in self.partitions.values()]))

    def achieved(self, plans: Sequence[tuple[int, ...]], seeds: NDArray[np.int64]) -> float:
        """Mean test loss of one plan a budget."""
        sums = self.test[seeds].mean(axis=0)
        return float(np.mean([sums[list(plan)].sum() for plan in plans]))

    def chosen(self, sums: Array) -> list[tuple[int, ...]]:
        """The plan of each budget with the least sum."""
        return [best_plan(sums, b) for b in self.budgets]

    def _halves(self, first: NDArray[np.int64]) -> tuple[float, float]:
        second = np.setdiff1d(np.arange(self.count), first)
        best, found = [], []
        for chosen_on, scored_on in ((first, second), (second, first)):
            chance = self.random(scored_on)
            plans = self.chosen(self.test[chosen_on].mean(axis=0))
            best.append(chance - self.achieved(plans, scored_on))
            plans = self.chosen(self.valid[chosen_on].mean(axis=0))
            found.append(chance - self.achieved(plans, scored_on))
        return float(np.mean(best)), float(np.mean(found))

    def table(self, rows: Sequence[tuple[int, int]]) -> SubsetTable:
        """Validation losses of some (seed, code)."""
        seeds, codes = np.array(rows).T
        inside = membership_of(codes, self.size)
        losses = self.truth.valid[seeds, self.truth.rows(codes)]
        return SubsetTable(self.truth.tasks, inside, losses, np.ones(len(rows)), seeds)

    def design(self, seeds: Sequence[int], m: int, draw: int) -> SubsetTable:
        """``m`` fresh random subsets in each seed."""
        names = self.truth.tasks
        rows = []
        for seed in seeds:
            for subset in draw_subsets(names, m, 1000 * draw + seed):
                rows.append((seed, sum(1 << names.index(task) for task in subset)))
        return self.table(rows)

    def predicted(self, losses: Array) -> Array:
        """``(2^T,)`` sums from ``(2^T − 1, T)`` predicted losses of all groups."""
        return np.concatenate([[np.nan], np.where(self.inside, losses, 0.0).sum(axis=1)])

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Membership of all groups, by code."""
        return membership_of(np.arange(1, 2**self.size), self.size)

    def foretold(self, estimator: Estimator) -> Array:
        """``(2^T,)`` sums of an estimator's predictions, lower is better; inf where none."""
        sign = 1.0 if estimator.predicts == "loss" else -1.0
        found = np.full(2**self.size, np.inf)
        for code, row in enumerate(self.inside, 1):
            scores = estimator.predict([n for n, i in zip(self.truth.tasks, row, strict=True) if i])
            total = sign * sum(scores.values())
            found[code] = total if np.isfinite(total) else np.inf
        return found


Pick = Callable[[Field, Sequence[int], int], Array]
"""Field, design seeds and draw → sums of predicted losses of all groups."""


def by_surrogate(per_seed: float, pooled: bool) -> Pick:
    """Random subsets, ``per_seed`` times T in each design seed."""

    def pick(field: Field, seeds: Sequence[int], draw: int) -> Array:
        table = field.design(seeds, round(per_seed * field.size), draw)
        if pooled:
            model = fit_pooled(table, uncertainty=False)
            return field.predicted(model.predict(field.inside))
        return field.predicted(fit_surrogate(table, ridge=1e-6).predict(field.inside))

    return pick


def by_pairs(field: Field, seeds: Sequence[int], draw: int) -> Array:
    """HOA on one seed."""
    from taskviz.affinity.hoa import approximate, pair_losses
    from taskviz.affinity.support import mean_and_error

    codes = [c for c in range(1, 2**field.size) if c.bit_count() <= 2]
    alone, paired = pair_losses(field.table([(seeds[0], code) for code in codes]))
    one, two = mean_and_error(alone)[0], mean_and_error(paired)[0]
    sums = [sum(approximate(one, two, np.flatnonzero(row).tolist())) for row in field.inside]
    return np.array([np.nan, *sums])


def by_all(count: int) -> Pick:
    """Every subset in ``count`` seeds."""
    return lambda field, seeds, draw: field.valid[list(seeds[:count])].mean(axis=0)


FROM_NETWORKS: dict[str, tuple[str, Pick]] = {
    "hoa": ("all pairs, one seed", by_pairs),
    "surrogate 5T": ("5T", by_surrogate(1, pooled=False)),
    "surrogate 10T": ("10T", by_surrogate(2, pooled=False)),
    "pooled-surrogate 5T": ("5T", by_surrogate(1, pooled=True)),
    "pooled-surrogate 10T": ("10T", by_surrogate(2, pooled=True)),
    "exhaustive, one seed": ("2^T - 1", by_all(1)),
    "exhaustive, five seeds": ("5 (2^T - 1)", by_all(5)),
}
WITHOUT = {
    "random": {},
    "label-correlation": {},
    "covariance-cosine": {},
    "gradient-cosine": {"width": 16, "depth": 1},
    "sca": {"width": 16, "depth": 1},
}
"""Estimators that train no network, fitted for real."""


def measure(setting: Setting, split: int, cache: Cache, draws: int, seeds: int) -> dict[str, Any]:
    """Captured shares and verdicts in one setting and outer split."""
    collection = setting.load(split)
    context = RunContext(cache=cache)
    truth = measure_truth(
        collection, all_groups(len(collection.tasks)), range(seeds), NETWORK, context
    )
    field = Field(truth)
    level = field.random(np.arange(seeds))
    found: dict[str, Any] = {
        "setting": setting.name,
        "split": split,
        "tasks": field.size,
        "rows": collection.n,
        "random": level,
        "reachable": field.reachable / level,
        "ceiling": field.ceiling,
        "captured": {},
        "gain": {},
    }

    def note(name: str, gains: list[float]) -> None:
        found["captured"][name] = float(np.mean(gains)) / field.reachable
        found["gain"][name] = float(np.mean(gains)) / level

    everywhere = np.arange(seeds)
    for name, options in WITHOUT.items():
        gains = []
        for draw in range(3):
            fitted = make_estimator(name, **options).fit(collection, RunContext(draw))
            plans = field.chosen(field.foretold(fitted))
            gains.append(field.random(everywhere) - field.achieved(plans, everywhere))
        note(name, gains)
    rng = np.random.default_rng(0)
    orders = [rng.permutation(seeds) for _ in range(draws)]
    half = min(DESIGN_SEEDS, seeds // 2)
    for name, (_, pick) in FROM_NETWORKS.items():
        gains = []
        for draw, order in enumerate(orders):
            own, others = order[:half], order[half:]
            plans = field.chosen(pick(field, own.tolist(), draw))
            gains.append(field.random(others) - field.achieved(plans, others))
        note(name, gains)
    found["verdicts"] = verdicts(field, orders)
    return found


def verdicts(field: Field, orders: Sequence[NDArray[np.int64]]) -> list[dict[str, Any]]:
    """The app's answer on three design and four check seeds, against what the others say."""
    found = []
    for draw, order in enumerate(orders):
        design, check, rest = order[:3], order[3:7], order[7:]
        if not len(rest):
            break
        rng = np.random.default_rng(draw)
        table = field.design(design.tolist(), 2 * field.size, draw)
        model = fit_pooled(table, uncertainty=False)
        plans = field.chosen(field.predicted(model.predict(field.inside)))
        level = call_level(design_reliability(table, field.budgets, draw), len(check))
        gains = []
        for seed in check:
            parts = []
            for b, plan in zip(field.budgets, plans, strict=True):
                drawn = [
                    [sum(1 << t for t in part) for part in random_partition(field.size, b, rng)]
                    for _ in range(4)
                ]
                chance = np.mean([field.test[seed, other].sum() for other in drawn])
                parts.append((chance - field.test[seed, list(plan)].sum()) / chance)
            gains.append(float(np.mean(parts)))
        later = field.random(rest) - field.achieved(plans, rest)
        found.append(
            {
                "verdict": verdict_of(np.array(gains), WORTH, level),
                "measured": float(np.mean(gains)),
                "later": float(later) / field.random(rest),
            }
        )
    return found


def run(
    settings: Sequence[Setting],
    *,
    splits: Sequence[int] = OUTER_SPLITS,
    draws: int = DRAWS,
    seeds: int = SEEDS,
    cache: Cache | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """All settings, and what follows from them together."""
    start, rows = time.perf_counter(), []
    for setting in settings:
        for split in splits:
            rows.append(measure(setting, split, cache or Cache(), draws, seeds))
            say(f"{setting.name}, split {split}: ceiling {rows[-1]['ceiling']:.2f}")
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "settings": rows,
        "summary": summary(rows),
        "verdicts": calls(rows),
        "seconds": time.perf_counter() - start,
    }


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Mean over settings with its 95 % half-width, all and resolvable ones; gains likewise."""
    found = {}
    resolvable = [row for row in rows if row["ceiling"] >= RESOLVABLE]
    for name in [*WITHOUT, *FROM_NETWORKS]:
        own = {}
        for label, chosen in (("all", rows), ("resolvable", resolvable)):
            shares = np.array([row["captured"][name] for row in chosen])
            own[label], own[f"{label} ±"] = _mean(shares)
        gains = np.array([row["gain"][name] for row in rows])
        own["gain"], own["gain ±"] = _mean(gains)
        # Where a further setting would lie, not only where their mean does.
        spread = float(gains.std(ddof=1)) if len(gains) > 1 else float("nan")
        reach = t_quantile(len(gains) - 1) * spread * np.sqrt(1 + 1 / len(gains))
        own["gain low"], own["gain high"] = own["gain"] - reach, own["gain"] + reach
        found[name] = own
    ceilings = np.array([row["ceiling"] for row in rows])
    best = np.array([row["ceiling"] for row in resolvable])
    found["ceiling"] = dict(
        zip(
            ("all", "all ±", "resolvable", "resolvable ±"),
            (*_mean(ceilings), *_mean(best)),
            strict=True,
        )
    )
    return found


def _mean(values: Array) -> tuple[float, float]:
    if not len(values):
        return float("nan"), float("nan")
    spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return float(values.mean()), t_quantile(len(values) - 1) * spread / np.sqrt(len(values))


def calls(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How often each verdict was given, and how often it was right on seeds not yet seen."""
    every = [one for row in rows for one in row["verdicts"]]
    found: dict[str, Any] = {"cases": len(every)}
    for verdict in ("yes", "no", "cannot tell"):
        own = [one["later"] for one in every if one["verdict"] == verdict]
        found[verdict] = len(own)
        if own:
            found[f"{verdict}: later beat random"] = float(np.mean([gain > 0 for gain in own]))
            found[f"{verdict}: later gain"] = float(np.mean(own))
    return found


def markdown(found: Mapping[str, Any], title: str) -> str:
    """Tables for the documentation."""
    about = f"{found['date']}, {found['machine']}, {found['seconds']:.0f} s."
    lines = [f"### {title}", "", about, ""]
    lines += ["| setting | T | rows | reachable gain | ceiling |", "|---|---|---|---|---|"]
    lines += [
        f"| {r['setting']}, split {r['split']} | {r['tasks']} | {r['rows']} "
        f"| {100 * r['reachable']:.2g} % | {r['ceiling']:.2f} |"
        for r in found["settings"]
    ]
    lines += [
        "",
        "| estimator | networks | share captured, all | where resolvable | gain over random |",
        "|---|---|---|---|---|",
    ]
    for name, own in found["summary"].items():
        networks = FROM_NETWORKS[name][0] if name in FROM_NETWORKS else "0"
        gain = f"{100 * own['gain']:.2g} ± {100 * own['gain ±']:.2g} %" if "gain" in own else ""
        networks = "validation of half of all seeds" if name == "ceiling" else networks
        lines.append(
            f"| {name} | {networks} | {own['all']:.2f} ± {own['all ±']:.2f} "
            f"| {own['resolvable']:.2f} ± {own['resolvable ±']:.2f} | {gain} |"
        )
    lines += ["", "| verdict | given | beat random on further seeds | mean gain there |"]
    lines += ["|---|---|---|---|"]
    verdict = found["verdicts"]
    lines += [
        f"| {name} | {verdict[name]} of {verdict['cases']} "
        f"| {verdict[f'{name}: later beat random']:.0%} "
        f"| {100 * verdict[f'{name}: later gain']:.2g} % |"
        for name in ("yes", "no", "cannot tell")
        if verdict[name]
    ]
    return "\n".join(lines) + "\n"


def main(words: Sequence[str] | None = None) -> None:
    """``python -m benchmarks evidence``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks evidence", description=__doc__)
    parser.add_argument("--held-out", action="store_true", help="score those looked at once")
    parser.add_argument("--quick", action="store_true", help="one setting, few seeds and draws")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    given = parser.parse_args(words)
    torch.set_num_threads(1)
    say = lambda text: print(text, file=sys.stderr)  # noqa: E731
    settings = HELD_OUT if given.held_out else DEVELOPED_ON
    if given.quick:
        found = run(settings[-1:], splits=(0,), draws=2, seeds=4, say=say)
    else:
        found = run(settings, say=say)
    title = "Held out, looked at once" if given.held_out else "Developed on"
    text = markdown(found, title)
    print(text)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if given.markdown:
        given.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
