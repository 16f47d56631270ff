"""What the subset engine is asked for, and what it hands back."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from taskviz.networks import NetworkOptions
from taskviz.values import SubsetTable, option

Checkpoint = Literal["network", "task"]


@dataclass(frozen=True)
class SubsetOptions(NetworkOptions):
    """How subset networks are trained; estimators that rest on them inherit from it."""

    epochs: int = option(60, "Passes over the training split.", minimum=1, maximum=100_000)
    batch_size: int = option(64, "Samples in a step.", minimum=1, maximum=1_000_000, advanced=True)
    learning_rate: float = option(
        1e-3, "Step size of Adam.", minimum=0, maximum=1000, advanced=True
    )
    weight_decay: float = option(
        0.0, "Decoupled weight decay (AdamW).", minimum=0, maximum=1000, advanced=True
    )
    checkpoint: Literal["network", "task"] = option(
        "network",
        "State that is scored: one a network (best mean validation loss of its tasks), or one a "
        "task (measured: its losses choose worse groups).",
        advanced=True,
    )
    mode: Literal["auto", "stacked", "sequential"] = option(
        "auto",
        "Train networks stacked, one after another, or whichever a short measurement finds faster. "
        "Only sequential repeats bit for bit: another stack may change a loss in its last digit.",
        advanced=True,
    )
    memory_mb: int = option(
        1024, "Memory for networks in training, in MB.", minimum=1, advanced=True
    )


@dataclass(frozen=True)
class Subset:
    """One network to train.

    Args:
        tasks: names of the tasks it is trained on; order does not matter.
        seed: decides split, initial state and batch order.
    """

    tasks: tuple[str, ...]
    seed: int = 0

    def __post_init__(self) -> None:
        given: Iterable[str] = self.tasks
        # A plain string would be taken letter by letter.
        names = (given,) if isinstance(given, str) else tuple(sorted(given))
        object.__setattr__(self, "tasks", names)


@dataclass(frozen=True)
class SubsetRun:
    """Losses of the networks asked for.

    Args:
        valid: validation losses, one row a subset in the order asked for; NaN outside the subset,
            where a task has no validation label, and throughout a network whose loss did not stay
            finite.
        test: the same rows on the test split. Never choose by it.
        notes: sentences a reader must see beside the tables.
        trained: networks trained now, not taken from the cache.
        seconds: wall time of this call.
    """

    valid: SubsetTable
    test: SubsetTable
    notes: tuple[str, ...]
    trained: int
    seconds: float
