"""Which estimator finds good groups, and are the app's verdicts right? A study on exhaustive truth.

    python -m benchmarks evidence [--held-out] [--quick] [--json PATH] [--markdown PATH]

Every group of up to eight tasks is trained in ten seeds (each its own split of the rows that are
not test rows, initial state and batch order), on narrow networks. Estimators that rest on subset
networks are given those of some seeds, looked up instead of trained again; their plans are scored
on test losses of the *other* seeds. The oracle is cross-fitted. Budgets 2, 3 and 4 are pooled.

Methods were developed while looking at :data:`~benchmarks.evidence.settings.DEVELOPED_ON`.
:data:`~benchmarks.evidence.settings.HELD_OUT` was looked at once, after everything was fixed:
``--held-out`` scores those.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.evidence.estimators import FROM_NETWORKS, WITHOUT
from benchmarks.evidence.field import Field
from benchmarks.evidence.markdown import markdown
from benchmarks.evidence.settings import DEVELOPED_ON, HELD_OUT, OUTER_SPLITS, Setting
from benchmarks.evidence.summary import summary
from benchmarks.evidence.verdicts import calls, verdicts
from taskviz.affinity import make_estimator
from taskviz.cache import Cache
from taskviz.engines import RunContext
from taskviz.evidence.truth import all_groups, measure_truth
from taskviz.training.subsets import SubsetOptions

SEEDS, DESIGN_SEEDS, DRAWS = 10, 5, 24
NETWORK = SubsetOptions(width=16, depth=1)


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
