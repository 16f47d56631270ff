"""What every test shares: a cache of its own, the device, small collections."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

# Before taskviz is imported, and for worker processes too: tests never touch a user's cache.
os.environ["TASKVIZ_CACHE"] = tempfile.mkdtemp(prefix="taskviz-tests-")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Where a test names no device, commands, pages and workers take the one under test.
os.environ["TASKVIZ_DEVICE"] = os.environ.get("TASKVIZ_TEST_DEVICE", "cpu")
torch.set_num_threads(1)

from taskviz.values import Task, TaskCollection  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from taskviz.jobs import JobStore


@pytest.fixture(scope="session")
def device() -> torch.device:
    """The device under test: ``TASKVIZ_TEST_DEVICE``, else the CPU."""
    return torch.device(os.environ.get("TASKVIZ_TEST_DEVICE", "cpu"))


@pytest.fixture(scope="session", autouse=True)
def computations_on_the_device(device: torch.device) -> Iterator[None]:
    """Where a test names no device, it runs on the one under test."""
    from taskviz.engines import context

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context, "pick_device", lambda wanted="auto": device)
        yield


@pytest.fixture(autouse=True)
def operator_again() -> Iterator[None]:
    """A page that was drawn in this process leaves its visitor as whoever acts: no more."""
    yield
    from taskviz import access

    access.set_source(lambda: access.OPERATOR)


def make_toy(
    n: int = 160,
    features: int = 6,
    kinds: tuple[str, ...] = ("regression", "binary", "multiclass", "regression"),
    *,
    missing: float = 0.0,
    noise: float = 0.1,
    seed: int = 0,
) -> TaskCollection:
    """A joint table with planted linear targets; tasks 0 and 3 share their direction."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(n, features))
    directions = rng.normal(size=(len(kinds), features))
    if len(kinds) > 3:
        directions[3] = directions[0] + 0.1 * directions[3]
    tasks, targets = [], {}
    for i, kind in enumerate(kinds):
        score = inputs @ directions[i] + noise * rng.normal(size=n)
        name = f"t{i}"
        if kind == "regression":
            tasks.append(Task(name, "regression"))
            column = score
        elif kind == "binary":
            tasks.append(Task(name, "binary", ("no", "yes")))
            column = (score > 0).astype(float)
        else:
            tasks.append(Task(name, "multiclass", ("low", "mid", "high")))
            column = np.digitize(score, np.quantile(score, [1 / 3, 2 / 3])).astype(float)
        column[rng.random(n) < missing] = np.nan
        targets[name] = column
    split = rng.permutation(np.repeat([0, 1, 2], [n - 2 * (n // 5), n // 5, n // 5]))
    return TaskCollection.from_arrays("toy", inputs, targets, tasks, split)


@pytest.fixture
def toy_factory() -> Callable[..., TaskCollection]:
    """:func:`make_toy` itself, for tests that vary it."""
    return make_toy


@pytest.fixture(scope="session")
def toy() -> TaskCollection:
    """Four tasks of three kinds on 160 rows."""
    return make_toy()


@pytest.fixture
def job_store(tmp_path: Path) -> "Iterator[JobStore]":
    """A job store with a cache of its own; no worker outlives the test."""
    from taskviz.jobs import JobStore

    store = JobStore(tmp_path / "cache")
    yield store
    for job in store.list():
        process = store.identity(job.id)
        if process is not None:
            process.kill(job.id)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Wait for something that another process brings about; fail where it takes too long."""

    def wait(true: Callable[[], object], seconds: float = 60.0, every: float = 0.05) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"not true after {seconds} s"
            time.sleep(every)

    return wait


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Debian's Chromium, headless, for every test that looks at a page or a report."""
    from chromium import chromium

    with chromium() as running:
        yield running
