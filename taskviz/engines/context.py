"""What every computation is told besides its options."""

from dataclasses import dataclass, field

import torch

from taskviz.cache import Cache
from taskviz.engines.choose import engine_in_use
from taskviz.engines.device import pick_device
from taskviz.engines.local import Engine
from taskviz.progress import SILENT, Progress


@dataclass(frozen=True)
class RunContext:
    """Seed, device, who listens, and where finished units are kept.

    Args:
        seed: every random draw of the computation derives from it.
        device: where tensors live.
        progress: told of each unit; asked for a cancel.
        cache: finished units are kept here, so that a resumed run repeats none; None keeps nothing.
        engine: runs the units; by default the one of :func:`taskviz.engines.use_engine`.
    """

    seed: int = 0
    device: torch.device = field(default_factory=lambda: pick_device("cpu"))
    progress: Progress = SILENT
    cache: Cache | None = None
    engine: Engine = field(default_factory=engine_in_use)
