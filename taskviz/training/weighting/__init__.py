"""How the tasks of a group share one update, one file each; a new one is a file and a line here."""

from importlib import import_module

from taskviz.training.weighting.base import Step, Weighting
from taskviz.values import unknown_choice

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
    if name not in WEIGHTINGS:
        raise unknown_choice("weighting", name, WEIGHTINGS)
    module, attribute = WEIGHTINGS[name].split(":")
    found: type[Weighting] = getattr(import_module(module), attribute)
    return found


def make_weighting(name: str, tasks: int) -> Weighting:
    """A weighting by its published name, for a group of this many tasks."""
    return weighting_class(name)(tasks)
