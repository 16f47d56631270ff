"""How the tasks of a group share one update, one file each; a new one is a file and a line here."""

from taskviz.training.weighting.base import Step, Weighting
from taskviz.values.registry import registered_class

WEIGHTINGS: dict[str, str] = {
    "equal": "taskviz.training.weighting.equal:Equal",
}
"""Published name → class; imported only when it is asked for."""

__all__ = ["WEIGHTINGS", "Step", "Weighting", "make_weighting", "weighting_class"]


def weighting_class(name: str) -> type[Weighting]:
    """The class of a weighting.

    Raises:
        TaskvizError: unknown name; the valid ones are listed.
    """
    found: type[Weighting] = registered_class("weighting", name, WEIGHTINGS)
    return found


def make_weighting(name: str, tasks: int) -> Weighting:
    """A weighting by its published name, for a group of this many tasks."""
    return weighting_class(name)(tasks)
