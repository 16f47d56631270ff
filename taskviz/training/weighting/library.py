"""What torchjd offers, read from the library when it is asked for."""

from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import version
from inspect import getdoc, isabstract, isclass
from types import ModuleType
from typing import Any

import torch
import torchjd.aggregation as aggregation
import torchjd.scalarization as scalarization
from torch import nn

from taskviz.training.weighting.base import Weighting
from taskviz.training.weighting.gradient_method import GradientMethod
from taskviz.training.weighting.scalarization import Scalarization

_BASES = ("Aggregator", "WeightedAggregator", "GramianWeightedAggregator", "Weighting")

_SETTINGS: dict[str, Callable[[int], dict[str, Any]]] = {
    "cagrad": lambda tasks: {"c": 0.5},
    "fairgrad": lambda tasks: {"alpha": 1.0},
    "krum": lambda tasks: {"n_byzantine": 0},
    "trimmed-mean": lambda tasks: {"trim_number": 1},
    "nash-mtl": lambda tasks: {"n_tasks": tasks},
    "cr-mogm": lambda tasks: {"weighting": aggregation.MGDAWeighting()},
    "constant": lambda tasks: {"weights": torch.ones(tasks)},
    "constant-gradients": lambda tasks: {"weights": torch.ones(tasks)},
    "cosmos": lambda tasks: {"lambda_": 1.0, "weights": torch.ones(tasks)},
    "pbi": lambda tasks: {"theta": 5.0, "weights": torch.ones(tasks)},
    "stch": lambda tasks: {"mu": 0.1},
    "uw": lambda tasks: {"shape": tasks},
    "imtl-l": lambda tasks: {"shape": tasks},
    "famo": lambda tasks: {"shape": tasks},
}
"""Arguments without a default in the library. ``c`` as in the CAGrad authors' code, ``alpha`` as in
LibMTL, ``theta`` as in MOEA/D; CR-MOGM smooths MGDA; all tasks are preferred alike."""

_TITLES = {
    "aligned-mtl": "Aligned-MTL",
    "cagrad": "CAGrad",
    "cr-mogm": "CR-MOGM over MGDA",
    "imtl-g": "IMTL-G",
    "imtl-l": "IMTL-L",
    "nash-mtl": "Nash-MTL",
    "uw": "Uncertainty weighting",
    "dwa": "Dynamic weight average",
}


@cache
def torchjd_names() -> tuple[str, ...]:
    """Every scalarization and aggregator, by the name of its module, alphabetically."""
    return tuple(sorted(_classes()))


@cache
def torchjd_class(name: str) -> type[Weighting]:
    """The weighting made of the library's class of this name."""
    cls = _classes()[name]
    scalar = issubclass(cls, scalarization.Scalarizer)
    settings = {
        "name": name,
        "title": _TITLES.get(name, cls.__name__.removesuffix("Weighting")),
        "source": _source(cls),
        "version": f"torchjd {version('torchjd')} 1",
        "make": staticmethod(partial(_make, name)),
        "__doc__": f"``torchjd.{cls.__name__}``.",
    }
    base: type[Weighting] = Scalarization if scalar else GradientMethod
    return type(cls.__name__, (base,), settings)


@cache
def _classes() -> dict[str, type[nn.Module]]:
    found = {_name(cls): cls for cls in _offered(scalarization, ("Scalarizer",))}
    aggregators = list(_offered(aggregation, _BASES))
    # A weighting without an aggregator of its own comes as itself.
    modules = {c.__module__ for c in aggregators if issubclass(c, aggregation.Aggregator)}
    for cls in aggregators:
        if issubclass(cls, aggregation.Aggregator) or cls.__module__ not in modules:
            name = _name(cls)
            found[f"{name}-gradients" if name in found else name] = cls
    return found


def _offered(module: ModuleType, bases: tuple[str, ...]) -> list[type[nn.Module]]:
    classes = [getattr(module, name) for name in module.__all__ if name not in bases]
    return [c for c in classes if isclass(c) and issubclass(c, nn.Module) and not isabstract(c)]


def _name(cls: type) -> str:
    return cls.__module__.rsplit(".", 1)[-1].strip("_").replace("_", "-")


def _make(name: str, tasks: int) -> Any:
    cls = _classes()[name]
    given = _SETTINGS[name](tasks) if name in _SETTINGS else {}
    made: Any = cls(**given)
    if name == "cr-mogm":
        return aggregation.GramianWeightedAggregator(made)
    return made


def _source(cls: type) -> str:
    """The paper that the library's documentation names."""
    text = " ".join((getdoc(cls) or "").split())
    title, _, rest = text.partition("`")[2].partition(" <")
    while rest and "https://" not in rest[:10]:
        # Earlier marks in the text are names of classes.
        title, _, rest = rest.partition("`")[2].partition(" <")
    address = rest.partition(">")[0]
    return f"{title.rpartition('`')[2]}, {address}" if address else f"torchjd, {cls.__name__}"
