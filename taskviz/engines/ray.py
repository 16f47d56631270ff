"""Units of work on a Ray cluster.

The same units as on one machine, so the same results bit for bit: each runs on one thread, and what
decides it is in its spec. Data are put into the cluster's object store once; a unit then costs its
spec alone. Ray's own dashboard and usage reports stay off.
"""

import io
import os
import pickle
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from taskviz.progress import Progress, Record
from taskviz.values import Cancelled, TaskvizError

S = TypeVar("S")
R = TypeVar("R")

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

POLL = 0.2
"""Seconds between two looks at progress and at the cancel flag."""
TELL = 0.25
"""Seconds between two reports of a worker."""
TRIES = 5
"""Times that a unit is run again after its worker or node was lost."""
LOCAL = "local"


@dataclass(eq=False)
class RayEngine:
    """Runs units on a Ray cluster; see :class:`taskviz.engines.local.Engine`.

    Args:
        address: ``host:port`` of the cluster's head, ``auto`` for the one of this machine,
            ``local`` to start one here that ends with this process.
        cpus: processors of one unit; its threads.
        gpus: share of a GPU of one unit on CUDA: 0.25 lets four units share one.
    """

    address: str = "auto"
    cpus: int = 1
    gpus: float = 0.5

    shares_disk: ClassVar[bool] = False
    _sent: dict[int, tuple[object, Any]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.cpus < 1 or not 0 < self.gpus <= 64:
            raise TaskvizError(
                f"A unit on Ray cannot take {self.cpus} processors and {self.gpus:g} of a GPU: at "
                "least 1 and a share above 0 are needed."
            )

    @property
    def parallel(self) -> int:
        """Units that the cluster runs at once."""
        ray = self._connected()
        return max(1, int(ray.cluster_resources().get("CPU", 1)) // self.cpus)

    def run(
        self, function: Callable[[S, Progress], R], specs: Sequence[S], progress: Progress
    ) -> Iterator[tuple[int, R]]:
        """See :meth:`Engine.run`. A unit whose worker is lost runs again; a cancel ends them all.

        Raises:
            TaskvizError: no cluster answers, or units lose their workers again and again.
        """
        if not specs:
            return
        ray = self._connected()
        board = _pinned(ray, num_cpus=0, max_restarts=-1, max_task_retries=-1)(_Board).remote()
        work = ray.remote(max_retries=TRIES, retry_exceptions=False)(_work)
        pending: dict[Any, int] = {}
        told = [_Told(progress.part(1.0)) for _ in specs]
        try:
            for index, spec in enumerate(specs):
                progress.check()
                packed, data = self._pack(ray, (function, spec))
                needs = {"num_cpus": self.cpus, "num_gpus": self.gpus if _on_cuda(spec) else 0}
                sent = work.options(**needs).remote(packed, index, board, self.cpus, *data)
                pending[sent] = index
            while pending:
                ready, _ = ray.wait(list(pending), num_returns=1, timeout=POLL)
                for index, news in ray.get(board.take.remote()).items():
                    told[index].replay(news)
                progress.check()
                for done in ready:
                    index = pending.pop(done)
                    yield index, _result(ray, done)
        finally:
            # A cancel, an error or a reader that has enough: nobody waits for these any more.
            for left in pending:
                ray.cancel(left, force=True)
            ray.kill(board)

    def _connected(self) -> Any:
        if _on_loopback(self.address):
            # Else Ray turns 127.0.0.1 into an address that other machines reach.
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        ray = _library()
        if not ray.is_initialized():
            with _connecting:
                if not ray.is_initialized():
                    _connect(ray, self.address)
        return ray

    def _pack(self, ray: Any, value: object) -> tuple[bytes, list[Any]]:
        """A value as bytes, and references to the data in it, which are sent once."""
        out = io.BytesIO()
        pickler = _Pickler(out)
        pickler.dump(value)
        references = []
        for heavy in pickler.data:
            if id(heavy) not in self._sent:
                # Kept beside its reference, so that its id stays its own.
                self._sent[id(heavy)] = heavy, ray.put(heavy)
            references.append(self._sent[id(heavy)][1])
        return out.getvalue(), references


class _Pickler(pickle.Pickler):
    """Leaves out objects of classes that say ``sent_once``."""

    def __init__(self, out: io.BytesIO) -> None:
        super().__init__(out, protocol=pickle.HIGHEST_PROTOCOL)
        self.data: list[object] = []

    def persistent_id(self, obj: object) -> int | None:
        if not getattr(type(obj), "sent_once", False):
            return None
        for number, known in enumerate(self.data):
            if known is obj:
                return number
        self.data.append(obj)
        return len(self.data) - 1


class _Unpickler(pickle.Unpickler):
    """Takes bytes of our own :class:`_Pickler` only: they never come from a user."""

    def __init__(self, packed: bytes, data: Sequence[object]) -> None:
        super().__init__(io.BytesIO(packed))
        self._data = data

    def persistent_load(self, pid: Any) -> Any:
        return self._data[pid]


@dataclass
class _News:
    """What a unit has told so far: share done, words, and records from a number on."""

    share: float = 0.0
    message: str = ""
    first: int = 0
    records: list[dict[str, Any]] = field(default_factory=list)


class _Board:
    """An actor: workers pin news to it, the sender takes them off."""

    def __init__(self) -> None:
        self._news: dict[int, list[_News]] = {}

    def tell(self, index: int, news: _News) -> None:
        self._news.setdefault(index, []).append(news)

    def take(self) -> dict[int, list[_News]]:
        taken, self._news = self._news, {}
        return taken


@dataclass
class _Told:
    """What was passed on of one unit: a second run tells it all again, but it is heard once."""

    part: Progress
    share: float = 0.0
    records: int = 0

    def __post_init__(self) -> None:
        self.part.begin("", 1.0)

    def replay(self, found: list[_News]) -> None:
        for news in found:
            fresh = news.records[max(0, self.records - news.first) :]
            for record in fresh:
                self.part.record(record)
            self.records = max(self.records, news.first + len(news.records))
            if news.share > self.share or news.message:
                self.part.advance(max(0.0, news.share - self.share), news.message)
                self.share = max(self.share, news.share)


class _WorkerProgress(Progress):
    """Pins a unit's progress to the board, a few times a second."""

    def __init__(self, index: int, board: Any) -> None:
        self._index, self._board = index, board
        self._units, self._done, self._count = 1.0, 0.0, 0
        self._news = _News()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def begin(self, title: str, units: float) -> None:
        self._units = max(units, 1e-12)

    def advance(self, units: float = 1.0, message: str = "") -> None:
        with self._lock:
            self._done += units
            self._news.share = min(1.0, self._done / self._units)
            self._news.message = message or self._news.message

    def record(self, point: Record) -> None:
        with self._lock:
            self._news.records.append(dict(point))

    def finish(self) -> None:
        """Tell the rest, and wait until it is heard: the result comes after it."""
        self._ended.set()
        self._tell(wait=True)

    def _beat(self) -> None:
        while not self._ended.wait(TELL):
            self._tell(wait=False)

    def _tell(self, *, wait: bool) -> None:
        with self._lock:
            news = self._news
            self._count += len(news.records)
            self._news = _News(news.share, "", self._count)
            sent = self._board.tell.remote(self._index, news)
        if wait:
            _library().get(sent)


def _pinned(ray: Any, **needs: Any) -> Any:
    """A decorator of actors that live where this process does: they are lost only with it."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(scheduling_strategy=here, **needs)


def _work(packed: bytes, index: int, board: Any, threads: int, *data: object) -> Any:
    """On a worker: one unit."""
    import torch

    torch.set_num_threads(threads)
    function, spec = _Unpickler(packed, data).load()
    progress = _WorkerProgress(index, board)
    try:
        return function(spec, progress)
    finally:
        progress.finish()


def _result(ray: Any, done: Any) -> Any:
    try:
        return ray.get(done)
    except ray.exceptions.RayTaskError as error:
        cause = getattr(error, "cause", error)
        if isinstance(cause, Exception):
            raise cause from None
        raise
    except ray.exceptions.TaskCancelledError:
        raise Cancelled from None
    except ray.exceptions.RayError as error:
        name = type(error).__name__
        raise TaskvizError(
            f"A unit lost its worker on the Ray cluster {TRIES + 1} times ({name}): see which "
            "nodes are alive with 'ray status', and resume the job; what was finished is kept."
        ) from None


def _on_cuda(spec: object) -> bool:
    parts = spec if isinstance(spec, tuple) else (spec,)
    return any(str(getattr(part, "device", "")).startswith("cuda") for part in parts)


_connecting = threading.Lock()


def _library() -> Any:
    try:
        import ray
    except ModuleNotFoundError:
        raise TaskvizError(
            "The engine 'ray' needs Ray: pip install -r requirements-ray.txt."
        ) from None
    return ray


def _connect(ray: Any, address: str) -> None:
    package = str(Path(__file__).resolve().parent.parent.parent)
    given: dict[str, Any] = {"num_cpus": os.cpu_count(), "include_dashboard": False}
    if address != LOCAL:
        _reach(address)
        given = {"address": address}
    if _on_loopback(address):
        given["_node_ip_address"] = "127.0.0.1"
    # Where the code lies at the same place on a node it is taken from there, else as installed.
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {"PYTHONPATH": os.pathsep.join(paths), "RAY_USAGE_STATS_ENABLED": "0"}
    try:
        ray.init(
            **given,
            runtime_env={"env_vars": environment},
            log_to_driver=False,
            configure_logging=False,
        )
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise _no_cluster(address, error) from None


def _on_loopback(address: str) -> bool:
    return address == LOCAL or address.rpartition(":")[0] in ("127.0.0.1", "localhost", "[::1]")


def _reach(address: str) -> None:
    """Fail at once where nobody listens: Ray itself tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, error) from None


def _no_cluster(address: str, error: Exception) -> TaskvizError:
    words = (str(error).splitlines() or [type(error).__name__])[0][:160]
    return TaskvizError(
        f"No Ray cluster answers at {address!r} ({words}): start one with 'ray start --head', or "
        "give the address that it prints."
    )
