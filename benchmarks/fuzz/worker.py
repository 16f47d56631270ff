"""A process that runs cases one after another and prints a line of JSON before and after each.

``python -m benchmarks.fuzz.worker TARGET FIRST COUNT``. What it may use beyond its start is limited
by the system, so that a case that would take more than 1 GB ends as a failure.
"""

import json
import resource
import shutil
import sys
import tempfile
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import psutil

LIMIT = 1_000_000_000


def peak() -> int:
    """Most bytes resident since :func:`forget_peak`."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


def forget_peak() -> None:
    """Start the count of :func:`peak` anew."""
    Path("/proc/self/clear_refs").write_text("5")


def main() -> None:
    """Run the cases."""
    import torch

    from benchmarks.fuzz.targets import TARGETS, attempt

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    name, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    case = TARGETS[name]()
    out = sys.stdout
    # One case outside the limit, so that libraries are loaded before it is set.
    for i in range(first - 1, first + count):
        rng = np.random.default_rng([zlib.crc32(name.encode()), max(i, 0)])
        folder = Path(tempfile.mkdtemp(prefix="taskviz-fuzz-"))
        print(json.dumps({"begin": i}), file=out, flush=True)
        forget_peak()
        before, start = psutil.Process().memory_info().rss, time.perf_counter()
        try:
            outcome, said = attempt(case, rng, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        took = time.perf_counter() - start
        grown = max(0, peak() - before)
        if i < first:
            used = psutil.Process().memory_info().vms
            resource.setrlimit(resource.RLIMIT_AS, (used + LIMIT, used + LIMIT))
            continue
        found = {"case": i, "outcome": outcome, "said": said, "seconds": took, "bytes": grown}
        print(json.dumps(found), file=out, flush=True)


if __name__ == "__main__":
    main()
