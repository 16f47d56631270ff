"""One piece of long work as everybody sees it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

State = Literal["queued", "running", "done", "failed", "cancelled", "paused", "interrupted"]
STATES: tuple[str, ...] = get_args(State)
LIVE: tuple[State, ...] = ("queued", "running")
"""States in which a worker process is there."""

SETTINGS = "settings"
"""Cause of a failure that its settings made: to try the same again is of no use."""


@dataclass(frozen=True)
class Job:
    """A job as it stood when it was read. Immutable.

    Args:
        id: twelve hexadecimal digits.
        kind: what is done, a key of ``taskviz.jobs.kinds.KINDS``.
        title: one line for people.
        spec: all that the work depends on, as plain data.
        state: ``paused`` waits for its user and keeps its place in the queue; ``cancelled`` was
            ended by its user; ``interrupted`` is a job whose worker ended or went silent before the
            work was done. Each can be resumed.
        progress: 0 to 1, of the stage that runs.
        stage: what goes on, such as ``Training``.
        message: the unit that goes on now.
        created: seconds since 1970; likewise ``started``, ``finished`` and ``heartbeat``.
        seconds_left: estimate from the rate of progress, or None where there is none yet.
        error: one sentence, of a failed or interrupted job.
        details: traceback of an unexpected error, to be shown folded.
        result: keys of the artefacts that a done job stored; ``cause`` of a failed one, if known.
        device: where it computes; one job at a time on each.
        pid: of the worker process.
        log: path of the worker's log file.
        attempt: 1, and one more for each resume.
        cancelling: True where the user asked it to stop or to pause and it is still at work.
        pausing: True where that is a pause.
        owner: who started it on a server with log-in; empty elsewhere.
    """

    id: str
    kind: str
    title: str
    spec: Mapping[str, Any]
    state: State
    progress: float = 0.0
    stage: str = ""
    message: str = ""
    created: float = 0.0
    started: float | None = None
    finished: float | None = None
    heartbeat: float | None = None
    seconds_left: float | None = None
    error: str = ""
    details: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"
    pid: int | None = None
    log: str = ""
    attempt: int = 1
    cancelling: bool = False
    pausing: bool = False
    owner: str = ""

    @property
    def live(self) -> bool:
        """True while a worker is at it or waits for its turn."""
        return self.state in LIVE

    @property
    def hopeless(self) -> bool:
        """True where it failed by its settings, so that only other ones help."""
        return self.state == "failed" and self.result.get("cause") == SETTINGS

    @property
    def matrix(self) -> str | None:
        """Key of the affinity matrix that it made, or was given; None where there is none."""
        key = self.result.get("affinity") or self.spec.get("affinity")
        return str(key) if key else None

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"spec": dict(self.spec), "result": dict(self.result)}
