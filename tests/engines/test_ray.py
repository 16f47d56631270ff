"""The same units on a real cluster of two nodes on loopback, one of which is killed."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from engines import units as work

from taskviz.engines import LocalEngine, RunContext
from taskviz.progress import Progress, Record
from taskviz.training.options import TrainingOptions
from taskviz.training.subsets import Subset, SubsetOptions, all_subsets, train_subsets
from taskviz.training.units import GroupUnit, train_units
from taskviz.values import Cancelled, TaskCollection, TaskvizError

# Before Ray is loaded: else it looks for a cluster on loopback under the machine's other address.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")

from taskviz.engines.ray import RayEngine

NODE = {"node_ip_address": "127.0.0.1", "include_dashboard": False, "object_store_memory": 2**27}


class Heard(Progress):
    """Keeps what it is told; cancels once a share is done."""

    def __init__(self, cancel_at: float = np.inf) -> None:
        self.units, self.done, self.points, self.cancel_at = 1.0, 0.0, [], cancel_at

    def begin(self, title: str, units: float) -> None:
        self.units = units

    def advance(self, units: float = 1.0, message: str = "") -> None:
        self.done += units

    def record(self, point: Record) -> None:
        self.points.append(dict(point))

    def check(self) -> None:
        if self.done >= self.cancel_at:
            raise Cancelled


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two nodes of one processor; the first also has a GPU that is not there."""
    import ray
    from ray.cluster_utils import Cluster

    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "num_gpus": 1, **NODE})
    made.add_node(num_cpus=1, **{k: v for k, v in NODE.items() if k != "include_dashboard"})
    yield made
    ray.shutdown()
    made.shutdown()
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


@pytest.fixture
def engine(cluster: Any) -> RayEngine:
    """An engine on the cluster."""
    return RayEngine(cluster.address)


def started(folder: Path) -> list[tuple[int, int]]:
    """Number and process of every unit that began."""
    return [tuple(map(int, p.name.split("-")[1:])) for p in folder.glob("start-*")]  # type: ignore[misc]


def test_subset_networks_are_equal_to_the_bit(
    toy: TaskCollection, engine: RayEngine, device: torch.device
) -> None:
    import ray

    assert engine.parallel == 2
    subsets = [Subset(tasks, seed) for seed in (0, 1) for tasks in all_subsets(toy.names)]
    options = SubsetOptions(width=8, epochs=3, mode="sequential")
    heard = Heard()
    here = train_subsets(toy, subsets, options, RunContext(device=device))
    there = train_subsets(
        toy, subsets, options, RunContext(device=device, engine=engine, progress=heard)
    )
    for one, other in ((here.valid, there.valid), (here.test, there.test)):
        assert one.losses.tobytes() == other.losses.tobytes()
    assert heard.units > 4, "small units, so that both nodes have some"
    assert heard.done == pytest.approx(heard.units)
    assert len(engine._sent) == 1, "the data went into the object store once"
    assert not os.environ["RAY_USAGE_STATS_ENABLED"].strip("0")
    assert not ray._private.worker._global_node.webui_url


def test_groups_are_equal_to_the_bit(toy: TaskCollection, engine: RayEngine) -> None:
    wanted = [GroupUnit((0, 3)), GroupUnit((1, 2))]
    options = TrainingOptions(epochs=3, width=8)
    here, there = Heard(), Heard()
    weights = []
    for used, heard in ((LocalEngine(), here), (engine, there)):
        context = RunContext(engine=used, progress=heard)
        found = train_units({0: toy}, wanted, options, context=context)
        weights.append(
            {
                key: [array.tobytes() for array in outcome.network.weights.values()]
                for key, outcome in found.outcomes.items()
            }
        )
    assert weights[0] == weights[1]

    def curves(heard: Heard) -> list[str]:
        # Seconds differ from run to run.
        plain = [{k: v for k, v in p.items() if "second" not in k} for p in heard.points]
        return sorted(map(str, plain))

    assert curves(here) == curves(there)


def test_a_share_of_a_gpu_each(engine: RayEngine) -> None:
    engine.gpus = 0.25
    found = dict(engine.run(work.share_of_a_gpu, [work.OnCuda(i) for i in range(3)], Progress()))
    assert {number: (ids, share) for number, ids, share in found.values()} == {
        number: (["0"], 0.25) for number in range(3)
    }


def test_an_error_of_a_unit_comes_back_as_it_is(engine: RayEngine) -> None:
    with pytest.raises(TaskvizError, match="Unit 3 cannot be done: choose another"):
        list(engine.run(work.refuse, [3], Progress()))


def test_a_cancel_frees_the_workers(engine: RayEngine, tmp_path: Path) -> None:
    specs = [(str(tmp_path), 30.0, number) for number in range(4)]

    class Stop(Heard):
        def check(self) -> None:
            if len(started(tmp_path)) == 2:
                raise Cancelled

    with pytest.raises(Cancelled):
        list(engine.run(work.note, specs, Stop()))
    pids = [pid for _, pid in started(tmp_path)]
    deadline = time.monotonic() + 60
    while any(psutil.pid_exists(pid) for pid in pids):
        assert time.monotonic() < deadline, "the workers of a cancelled run live on"
        time.sleep(0.1)
    # Both processors are free again, and what waited never began.
    (result,) = engine.run(work.note, [(str(tmp_path), 0.0, 9)], Progress())
    assert result[1][0] == 9
    assert {number for number, _ in started(tmp_path)} <= {0, 1, 2, 3, 9}
    assert len(started(tmp_path)) == 3


def just_begun(folder: Path, raylet: int) -> bool:
    """Whether a node, told by the process that starts its workers, began a unit this moment."""
    for path in folder.glob("start-*"):
        pid = int(path.name.rsplit("-", 1)[1])
        fresh = time.time() - path.stat().st_mtime < 0.6
        with suppress(psutil.NoSuchProcess):
            if fresh and raylet in (parent.pid for parent in psutil.Process(pid).parents()):
                return True
    return False


def test_a_lost_node_loses_nothing(cluster: Any, engine: RayEngine, tmp_path: Path) -> None:
    """The last test of the file: afterwards the cluster has one node."""
    specs = [(str(tmp_path), 2.4, number) for number in range(6)]
    heard = Heard()
    heard.begin("", len(specs))
    running = engine.run(work.note, specs, heard)
    (other,) = cluster.worker_nodes
    raylet = other.all_processes["raylet"][0].process.pid
    found = [next(running)]
    deadline = time.monotonic() + 60
    # On a slow machine it may be a while until the other node has a unit again.
    while not just_begun(tmp_path, raylet):
        assert time.monotonic() < deadline, "the other node is given no unit"
        time.sleep(0.05)
    cluster.remove_node(other, allow_graceful=False)
    found += list(running)
    assert sorted(index for index, _ in found) == list(range(6))
    assert all(index == number for index, (number, _) in found)
    assert len(started(tmp_path)) > 6, "a unit that was lost ran again"
    assert heard.done == pytest.approx(6)
    steps = sorted((p["value"], p["step"]) for p in heard.points)
    assert steps == [(float(n), s) for n in range(6) for s in range(4)], "each heard once"


def test_no_cluster_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(TaskvizError, match=r"No Ray cluster answers at '127\.0\.0\.1:1'"):
        _ = RayEngine("127.0.0.1:1").parallel
    with pytest.raises(TaskvizError, match="at least 1 and a share above 0"):
        RayEngine(gpus=0)
