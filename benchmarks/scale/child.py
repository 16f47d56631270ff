"""A measurement in a process of its own, whose memory is its own."""

import json
import os
import resource
import subprocess
import sys
from typing import Any


def in_child(part: str, *words: str) -> dict[str, Any]:
    """What a part of the benchmark prints when it is run with these words."""
    environment = {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0", **os.environ}
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.scale.{part}", *words],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join((part, *words))}: {done.stderr.strip()[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def peak_megabytes() -> float:
    """The most memory that this process ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
