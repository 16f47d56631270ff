"""What things cost and give, measured side by side.

``python -m benchmarks modalities``: SCA on images, molecules, series, nodes and tables, in seconds,
memory and against the plain loop (:mod:`benchmarks.modalities`).

``python -m benchmarks paper``: the SCA paper's tables in our own figures, as JSON and Markdown
(:mod:`benchmarks.paper`).

``python -m benchmarks evidence``: which estimator finds good groups, and are the verdicts right
(:mod:`benchmarks.evidence.measure`).

``python -m benchmarks fuzz``: bad input by the thousand against every reader, command and job spec
(:mod:`benchmarks.fuzz`).

``python -m benchmarks optima``: distances between all optima and maps of them
(:mod:`benchmarks.optima`).

``python -m benchmarks laboratory``: the same of the transfer laboratory's sliders
(:mod:`benchmarks.laboratory`).

``python -m benchmarks affinity``: what affinities cost, as one table and one JSON. Parts: ``sca``
(factorised against loops), ``subsets`` (stacked against sequential and joblib), ``estimators``
(each estimator's price), ``gradient`` (milliseconds a subset).

``python -m benchmarks load``: twenty sessions while jobs run, memory over page loads, a full cache
(:mod:`benchmarks.load.measure`).

``python -m benchmarks price``: how far estimates of time are off (:mod:`benchmarks.price`).

``python -m benchmarks scale``: hundreds of tasks, two Ray nodes against one, large trunks
(:mod:`benchmarks.scale.measure`).

``python -m benchmarks screen``: start of the app, change of page, answer of a control, in Chromium
(:mod:`benchmarks.screen`).

``python -m benchmarks streaming``: a folder of CelebA's size, opened
(:mod:`benchmarks.streaming`).

``python -m benchmarks slider``: the Groups page in a browser while the budget moves
(:mod:`benchmarks.slider`).
"""

import argparse
import json
import platform
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

PARTS = ("sca", "subsets", "estimators", "gradient")
OWN = {
    "evidence": "benchmarks.evidence.measure",
    "fuzz": "benchmarks.fuzz.campaign",
    "laboratory": "benchmarks.laboratory",
    "load": "benchmarks.load.measure",
    "modalities": "benchmarks.modalities",
    "optima": "benchmarks.optima",
    "price": "benchmarks.price",
    "scale": "benchmarks.scale.measure",
    "screen": "benchmarks.screen",
    "streaming": "benchmarks.streaming",
}
"""Commands whose module has a ``main`` of its own; imported when asked for."""


def affinity(parts: tuple[str, ...], quick: bool) -> dict[str, Any]:
    """Run the parts on one thread and return plain data."""
    import torch

    from benchmarks import estimators, gradient, sca, subsets

    torch.set_num_threads(1)
    found: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {platform.system()}, torch {torch.__version__}",
    }
    if "sca" in parts:
        found["sca"] = sca.run(quick=quick)
    if "subsets" in parts:
        small = {"widths": (16,), "networks": 8, "epochs": 2, "repeats": 1, "exhaustive": False}
        found["subsets"] = subsets.run(**small) if quick else subsets.run()
    if "estimators" in parts:
        small = {"tasks": 4, "epochs": 2, "repeats": 1, "methods": ("sca", "tag", "hoa")}
        found["estimators"] = estimators.run(**small) if quick else estimators.run()
        if not quick:
            found["yeast"] = estimators.run_yeast()
    if "gradient" in parts:
        found["gradient"] = gradient.run(quick=quick)
    return found


def lines(found: Any, indent: str = "") -> list[str]:
    """Nested data as readable lines."""
    if not isinstance(found, dict):
        return [f"{indent}{found}"]
    out = []
    for name, value in found.items():
        if isinstance(value, dict):
            out += [f"{indent}{name}", *lines(value, indent + "  ")]
        elif isinstance(value, float):
            out.append(f"{indent}{name}: {value:.4g}")
        else:
            out.append(f"{indent}{name}: {value}")
    return out


def paper_tables(words: list[str]) -> None:
    """``python -m benchmarks paper``."""
    import torch

    from benchmarks import paper

    parser = argparse.ArgumentParser(prog="python -m benchmarks paper", description=paper.__doc__)
    parser.add_argument("--collections", nargs="+", default=[], help="built-in names; all")
    parser.add_argument("--budgets", nargs="+", type=int, default=list(paper.BUDGETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="in place of each collection's own")
    parser.add_argument(
        "--keep", action="store_true", help="keep the other collections of the JSON file"
    )
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/paper.json"))
    parser.add_argument("--markdown", type=Path, default=Path("docs/paper_tables.md"))
    given = parser.parse_args(words)
    torch.set_num_threads(1)
    before = paper.before(given.json) if given.keep else None

    def keep(found: dict[str, Any]) -> None:
        paper.write(paper.joined(before, found), given.json, given.markdown)

    found = paper.run(
        given.collections,
        given.budgets,
        given.seeds,
        given.epochs,
        lambda text: print(text, file=sys.stderr),
        keep,
    )
    keep(found)
    print(f"written to {given.json} and {given.markdown}")


def slider_times(words: list[str]) -> None:
    """``python -m benchmarks slider``."""
    from benchmarks import slider

    parser = argparse.ArgumentParser(prog="python -m benchmarks slider", description=slider.__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only that it runs")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/slider.json"))
    given = parser.parse_args(words)
    found = slider.run(quick=given.quick)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(found, indent=2) + "\n")
    print("\n".join(lines(found)))
    print(f"written to {given.json}")


def main() -> None:
    """Parse, run, print, write."""
    if sys.argv[1:2] == ["paper"]:
        paper_tables(sys.argv[2:])
        return
    if sys.argv[1:2] == ["slider"]:
        slider_times(sys.argv[2:])
        return
    if sys.argv[1:2] and sys.argv[1] in OWN:
        sys.exit(import_module(OWN[sys.argv[1]]).main(sys.argv[2:]))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", choices=["affinity"])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only that it runs")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/affinity.json"))
    given = parser.parse_args()
    found = affinity(tuple(given.parts), given.quick)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    before = json.loads(given.json.read_text()) if given.json.exists() else {}
    given.json.write_text(json.dumps({**before, **found}, indent=2) + "\n")
    print("\n".join(lines(found)))
    print(f"written to {given.json}")


if __name__ == "__main__":
    main()
