"""How the tasks of a group share one update, one file each; a new one is a file and a line here.

What torchjd offers is listed from the library (:mod:`taskviz.training.weighting.library`).
"""

from dataclasses import dataclass
from functools import cache

from taskviz.training.weighting.base import Step, Weighting
from taskviz.values import TaskvizError, unknown_choice
from taskviz.values.registry import registered_class

WEIGHTINGS: dict[str, str] = {
    "equal": "taskviz.training.weighting.equal:Equal",
    "gradnorm": "taskviz.training.weighting.gradnorm:GradNorm",
}
"""Our own: published name → class; imported only when it is asked for."""

FIRST = ("equal", "uw", "gradnorm", "pcgrad", "nash-mtl")
"""Those that the SCA paper compares; they come first in every list."""

__all__ = [
    "FIRST",
    "WEIGHTINGS",
    "Step",
    "Weighting",
    "WeightingInfo",
    "check_weighting",
    "describe_weighting",
    "make_weighting",
    "weighting_class",
    "weighting_names",
]


@dataclass(frozen=True)
class WeightingInfo:
    """A weighting for people.

    Args:
        name: published name.
        title: as it is written.
        source: paper.
        kind: ``weighting`` (of losses) or ``gradient method`` (one backward pass a task).
        missing: why it cannot run here, in one sentence; empty where it can.
    """

    name: str
    title: str
    source: str
    kind: str
    missing: str = ""


def weighting_names() -> tuple[str, ...]:
    """Every weighting: those of the SCA paper first, then the rest alphabetically."""
    from taskviz.training.weighting.library import torchjd_names

    names = {*WEIGHTINGS, *torchjd_names()}
    first = [name for name in FIRST if name in names]
    return (*first, *sorted(names.difference(first)))


def weighting_class(name: str) -> type[Weighting]:
    """The class of a weighting.

    Raises:
        TaskvizError: unknown name; the valid ones are listed.
    """
    if name in WEIGHTINGS:
        found: type[Weighting] = registered_class("weighting", name, WEIGHTINGS)
        return found
    # torchjd takes a moment to load: only where one of its methods is asked for.
    from taskviz.training.weighting.library import torchjd_class

    if name not in weighting_names():
        raise unknown_choice("weighting", name, weighting_names())
    return torchjd_class(name)


def make_weighting(name: str, tasks: int) -> Weighting:
    """A weighting by its published name, for a group of this many tasks.

    A single task has nothing to be weighed against: it is trained plainly, whatever the name.

    Raises:
        TaskvizError: unknown name, or a package that the method needs is not installed.
    """
    made = weighting_class(name if tasks > 1 else "equal")
    try:
        return made(tasks)
    except ImportError as error:
        raise TaskvizError(
            f"Weighting {name!r} cannot run here: {str(error).splitlines()[0]}"
        ) from None
    except TypeError as error:
        raise TaskvizError(
            f"Weighting {name!r} cannot run here: this version of torchjd wants a setting for it "
            f"that is not known ({error})."
        ) from None


def check_weighting(name: str) -> None:
    """Raise what :func:`make_weighting` would."""
    weighting_class(name)
    make_weighting(name, 3)


@cache
def describe_weighting(name: str) -> WeightingInfo:
    """Title, source and kind of a weighting, and whether it can run here."""
    cls = weighting_class(name)
    try:
        check_weighting(name)
        missing = ""
    except TaskvizError as error:
        missing = str(error)
    kind = "gradient method" if cls.gradients else "weighting"
    return WeightingInfo(name, cls.title, cls.source, kind, missing)
