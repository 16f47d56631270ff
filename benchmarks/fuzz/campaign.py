"""``python -m benchmarks fuzz --cases 10000``: all targets, a table, every failure told."""

import argparse
import json
import os
import select
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.fuzz.targets import TARGETS

HANG = 10.0
BATCH = 400


@dataclass
class Tally:
    """What became of the cases of one target.

    Args:
        patience: seconds that a case may take which is not refused.
    """

    patience: float = HANG
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    most_bytes: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, found: dict[str, Any]) -> None:
        """Count one case."""
        allowed = self.patience if found["outcome"] == "taken" else HANG
        if found["outcome"] != "failed" and found.get("seconds", 0) > allowed:
            found = {**found, "outcome": "failed", "said": f"took {found['seconds']:.1f} s"}
        if found["outcome"] != "failed" and found.get("bytes", 0) > 1_000_000_000:
            found = {**found, "outcome": "failed", "said": f"took {found['bytes']:,} bytes"}
        self.outcomes[found["outcome"]] += 1
        self.slowest = max(self.slowest, found.get("seconds", 0.0))
        self.most_bytes = max(self.most_bytes, found.get("bytes", 0))
        if found["outcome"] == "failed":
            self.failures.append(found)


def run_target(name: str, cases: int, first: int = 0) -> Tally:
    """All cases of a target, in workers that may die or hang."""
    # A command line that is valid does whole work: training, a report.
    tally, at, end = Tally(90.0 if name == "command" else HANG), first, first + cases
    while at < end:
        at = _batch(name, at, min(BATCH, end - at), tally)
    return tally


def _batch(name: str, first: int, count: int, tally: Tally) -> int:
    """Run a worker to its end, its death or its hang; returns the next case."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    worker = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.fuzz.worker", name, str(first), str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert worker.stdout is not None
    current, deadline, waiting = first, time.monotonic() + 120, b""
    while True:
        # Read without a buffer of Python's: select would not see what lies there.
        while b"\n" not in waiting:
            left = max(0.1, deadline - time.monotonic())
            ready, _, _ = select.select([worker.stdout], [], [], left)
            more = os.read(worker.stdout.fileno(), 1 << 16) if ready else b""
            if not more:
                break
            waiting += more
        line, _, waiting = waiting.partition(b"\n")
        if not line and not more:
            died = bool(ready)
            worker.kill()
            worker.wait()
            if died and worker.returncode == 0:
                return first + count
            what = f"the process ended with {worker.returncode}" if died else "hangs"
            tally.add({"case": current, "outcome": "failed", "said": what})
            return max(current, first) + 1
        try:
            found = json.loads(line)
        except ValueError:
            continue  # something printed past the capture
        if "begin" in found:
            # Loaded machines are slow: three times the limit of a case before it counts as a hang.
            wait = 90.0 if found["begin"] < first else 3 * tally.patience
            current, deadline = found["begin"], time.monotonic() + wait
        elif "case" in found:
            tally.add(found)


def table(tallies: dict[str, Tally]) -> str:
    """A Markdown table."""
    lines = [
        "| target | cases | taken | refused | failed | slowest, s | most memory, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    total = Tally()
    for name, tally in [*tallies.items(), ("all", total)]:
        lines.append(
            f"| {name} | {sum(tally.outcomes.values()):,} | {tally.outcomes['taken']:,} | "
            f"{tally.outcomes['refused']:,} | {tally.outcomes['failed']:,} | "
            f"{tally.slowest:.2f} | {tally.most_bytes / 1e6:.0f} |"
        )
        total.outcomes += tally.outcomes
        total.slowest = max(total.slowest, tally.slowest)
        total.most_bytes = max(total.most_bytes, tally.most_bytes)
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Parse, run, print; 1 where anything failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="over all targets together")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--targets", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    each, tallies = -(-given.cases // len(given.targets)), {}
    for name in given.targets:
        tallies[name] = run_target(name, each, given.first)
        print(f"{name}: {dict(tallies[name].outcomes)}", file=sys.stderr, flush=True)
        for failure in tallies[name].failures[:20]:
            print(f"  case {failure['case']}: {failure['said'][:500]}", file=sys.stderr, flush=True)
    print(table(tallies))
    if given.json:
        plain = {
            name: {
                **t.outcomes,
                "slowest": t.slowest,
                "bytes": t.most_bytes,
                "failures": t.failures,
            }
            for name, t in tallies.items()
        }
        given.json.write_text(json.dumps(plain, indent=2) + "\n")
    return int(any(t.failures for t in tallies.values()))
