"""How long a folder of CelebA's size takes to open, and how much of it is in memory.

The folder is laid out as CelebA is distributed, with hard links to a few images of its size:
opening looks at names, sizes and times of every file and at the head of the first image alone.
"""

import argparse
import json
import multiprocessing
import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from taskviz.cache import Cache
from taskviz.data import open_collection
from taskviz.data.readers.celeba import TAG_ATTRIBUTES

FULL, QUICK = 202_599, 2_000
_LINKS = 30_000  # a file system allows so many names of one file, and some more


def lay_out(root: Path, n: int) -> Path:
    """CelebA's three parts with n images of 178 × 218 pixels."""
    rng = np.random.default_rng(0)
    folder = root / "img_align_celeba"
    folder.mkdir()
    names = [f"{i + 1:06d}.jpg" for i in range(n)]
    for i, name in enumerate(names):
        if i % _LINKS == 0:
            first = folder / name
            pixels = rng.integers(0, 256, (218, 178, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(first, quality=75)
        else:
            os.link(first, folder / name)
    attributes = [*TAG_ATTRIBUTES, *(f"Other_{i}" for i in range(31))]
    with (root / "list_attr_celeba.txt").open("w") as file:
        file.write(f"{n}\n{' '.join(attributes)}\n")
        for name, row in zip(names, rng.choice([-1, 1], (n, 40)), strict=True):
            file.write(f"{name} {' '.join(f'{value:2d}' for value in row)}\n")
    parts = np.searchsorted([0.8 * n, 0.9 * n], np.arange(n), side="right")
    lines = [f"{name} {part}" for name, part in zip(names, parts, strict=True)]
    (root / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    return root


def run(n: int) -> dict[str, Any]:
    """Seconds and bytes of a fresh process, and both as ratios to decoding everything."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "celeba"
        root.mkdir()
        lay_out(root, n)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as fresh:
            return fresh.submit(measure, root).result()


def measure(root: Path) -> dict[str, Any]:
    """Open a folder and decode some of its images."""
    import pandas  # noqa: F401  # its import is no part of opening

    before = psutil.Process().memory_info().rss
    start, busy = time.perf_counter(), time.process_time()
    collection = open_collection(str(root), Cache(root.parent / "cache"))
    key = collection.fingerprint
    seconds, cpu = time.perf_counter() - start, time.process_time() - busy
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    inputs = collection.samples[0].inputs
    n = len(inputs)
    rows = np.random.default_rng(0).choice(n, min(512, n), replace=False)
    start = time.process_time()
    inputs[rows]
    per_image = (time.process_time() - start) / len(rows)
    return {
        "images": n,
        "fingerprint": key[:12],
        "open_seconds": seconds,
        "open_cpu_seconds": cpu,
        "decode_one_cpu_milliseconds": per_image * 1000,
        "decoding_all_over_opening": per_image * n / cpu,
        "memory_grown_megabytes": grown / 1e6,
        "all_pixels_over_memory_grown": int(np.prod(inputs.shape)) / max(grown, 1),
    }


def main(words: list[str]) -> None:
    """``python -m benchmarks streaming``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks streaming", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small folder: only that it runs")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/streaming.json"))
    given = parser.parse_args(words)
    found = run(QUICK if given.quick else FULL)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(found, indent=2) + "\n")
    print("\n".join(f"{name}: {value}" for name, value in found.items()))
