"""Networks trained on groups and on subsets of the tasks.

Names are handed on lazily, so that importing one module of the room does not import all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskviz.training.comparison import comparison_table, gain_table
    from taskviz.training.group import GroupOutcome, train_group
    from taskviz.training.groups import train_grouping
    from taskviz.training.metrics import primary_metric
    from taskviz.training.options import TrainingOptions
    from taskviz.training.predict import attach_predictor, load_result

_HOMES = {
    "GroupOutcome": "group",
    "TrainingOptions": "options",
    "attach_predictor": "predict",
    "comparison_table": "comparison",
    "gain_table": "comparison",
    "load_result": "predict",
    "primary_metric": "metrics",
    "summary_sentences": "sentences",
    "train_group": "group",
    "train_grouping": "groups",
}

__all__ = [
    "GroupOutcome",
    "TrainingOptions",
    "attach_predictor",
    "comparison_table",
    "gain_table",
    "load_result",
    "primary_metric",
    "summary_sentences",
    "train_group",
    "train_grouping",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"taskviz.training.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'taskviz.training' has no attribute {name!r}")
