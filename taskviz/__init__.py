"""taskviz: which tasks should be trained together, given that I can afford b models?

The steps of the way, and the error that a user can cause, each handed on when it is first asked
for, so that importing the package costs next to nothing. Their types stand in ``__init__.pyi``.
"""

from importlib import import_module

__version__ = "0.1.0"

_VERBS = (
    "compare_estimators",
    "compare_groupings",
    "compute_affinity",
    "does_grouping_matter",
    "group_tasks",
    "load_collection",
    "load_result",
    "measure_reliability",
    "recommend",
    "train_groups",
    "write_report",
)


def __getattr__(name: str) -> object:
    if name == "TaskvizError":
        return import_module("taskviz.values").TaskvizError
    if name in _VERBS:
        verbs = import_module("taskviz.verbs")
        if hasattr(verbs, name):
            return getattr(verbs, name)
    raise AttributeError(f"module 'taskviz' has no attribute {name!r}")


def __dir__() -> list[str]:
    verbs = import_module("taskviz.verbs")
    return sorted(
        ["__version__", "TaskvizError", *(name for name in _VERBS if hasattr(verbs, name))]
    )
