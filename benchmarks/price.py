"""How far estimates of time are off, over the built-in collections.

    python -m benchmarks price [--quick] [--json PATH] [--collections yeast …]

Each method is run on each small built-in collection, after its price was told; the estimate is
corrected by what the method took on the *other* collections, those most alike in how the work is
done and in the kind of network, as past jobs do it in the app. The figure is the factor by which an
estimate is off, and must be within 1.5 in the median. ``memory`` is not scaled: it is an upper
bound.
"""

import argparse
import json
import math
import os
import statistics
import time
from pathlib import Path
from typing import Any

COLLECTIONS = (
    "yeast",
    "digits",
    "segments",
    "tumours",
    "solar-flares",
    "molecules-table",
    "vowels",
    "communities",
    "karate",
    "molecules",
)
ONLY = {"molecules": ("sca", "tag", "higher-order")}
"""Where the others take minutes."""
METHODS: dict[str, dict[str, Any]] = {
    "sca": {"n": 100, "inits": 3},
    "gradient-cosine": {},
    "tag": {"epochs": 5},
    "surrogate": {"epochs": 5, "m": 12},
    "higher-order": {"epochs": 5, "m": 12},
    "gradient": {"epochs": 5},
}
MUST = 1.5


def run(collections: list[str], methods: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Price, then fit; plain data."""
    import torch

    import taskviz as tv
    from taskviz.affinity import make_estimator
    from taskviz.affinity.price import price
    from taskviz.engines import RunContext
    from taskviz.jobs.past_costs import calibrate, most_alike

    torch.set_num_threads(1)
    device = torch.device("cpu")
    rows = []
    for name in collections:
        collection = tv.load_collection(name)
        for method in [m for m in methods if m in ONLY.get(name, methods)]:
            options = methods[method]
            estimator = make_estimator(method, **options)
            told = price(estimator, collection, device)
            start = time.process_time()
            estimator.fit(collection, RunContext(seed=0))
            took = time.process_time() - start
            rows.append(
                {
                    "collection": name,
                    "method": method,
                    **told.like,
                    "reckoned_seconds": told.effort,
                    "seconds": took,
                    "load": os.getloadavg()[0],
                }
            )
    off = []
    for row in rows:
        others = [
            o for o in rows if o["method"] == row["method"] and o["collection"] != row["collection"]
        ]
        others = list(most_alike(others, row))
        known = calibrate(
            [o["reckoned_seconds"] or 0.0 for o in others], [o["seconds"] for o in others]
        )
        if row["reckoned_seconds"] and known.jobs:
            row["estimated_seconds"] = row["reckoned_seconds"] * known.factor
            row["off_by"] = math.exp(abs(math.log(row["estimated_seconds"] / row["seconds"])))
            off.append(row["off_by"])
    by_method: dict[str, list[float]] = {}
    for row in rows:
        if "off_by" in row:
            by_method.setdefault(row["method"], []).append(row["off_by"])
    return {
        "date": time.strftime("%Y-%m-%d"),
        "rows": rows,
        "median_off_by": statistics.median(off) if off else None,
        "by_method": {name: statistics.median(own) for name, own in by_method.items()},
        "worst_by_method": {name: max(own) for name, own in by_method.items()},
        "must_reach": MUST,
    }


def main(words: list[str]) -> None:
    """``python -m benchmarks price``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks price", description=__doc__)
    parser.add_argument("--collections", nargs="+", default=list(COLLECTIONS))
    parser.add_argument("--quick", action="store_true", help="two methods on two collections")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/price.json"))
    given = parser.parse_args(words)
    collections, methods = given.collections, METHODS
    if given.quick:
        collections, methods = collections[:2], {m: METHODS[m] for m in ("sca", "tag")}
    found = run(collections, methods)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(found, indent=2) + "\n")
    for row in found["rows"]:
        print(
            f"{row['collection']:<16} {row['method']:<16} {row['seconds']:8.2f} s "
            f"{row.get('estimated_seconds', math.nan):8.2f} s estimated "
            f"× {row.get('off_by', math.nan):.2f}"
        )
    for method, worst in found["worst_by_method"].items():
        print(f"{method:<16} × {found['by_method'][method]:.2f} in the median, {worst:.2f} at most")
    print(f"off by a factor of {found['median_off_by']:.2f} in the median (must {MUST})")
    print(f"written to {given.json}")
