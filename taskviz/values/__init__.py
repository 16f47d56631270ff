"""The small immutable values that every room passes on; each can be saved, loaded and drawn."""

from taskviz.values.affinity_matrix import AffinityMatrix
from taskviz.values.collection import (
    SPLITS,
    Layout,
    Modality,
    Origin,
    Samples,
    Split,
    TaskCollection,
)
from taskviz.values.errors import Cancelled, SettingsError, TaskvizError, unknown_choice
from taskviz.values.grouping import Grouping
from taskviz.values.input_column import InputColumn
from taskviz.values.inputs import GraphNodes, Graphs, Inputs, InputSource, LazyInputs
from taskviz.values.options import (
    OptionSet,
    option,
    option_defaults,
    option_values,
    parse_options,
)
from taskviz.values.subset_table import SubsetTable
from taskviz.values.task import TASK_KINDS, Task, TaskKind
from taskviz.values.training_result import (
    HIGHER_IS_BETTER,
    HISTORY_COLUMNS,
    METRIC_COLUMNS,
    TrainedNetwork,
    TrainingResult,
)

__all__ = [
    "HIGHER_IS_BETTER",
    "HISTORY_COLUMNS",
    "METRIC_COLUMNS",
    "SPLITS",
    "TASK_KINDS",
    "AffinityMatrix",
    "Cancelled",
    "GraphNodes",
    "Graphs",
    "Grouping",
    "InputColumn",
    "InputSource",
    "Inputs",
    "Layout",
    "LazyInputs",
    "Modality",
    "OptionSet",
    "Origin",
    "Samples",
    "SettingsError",
    "Split",
    "SubsetTable",
    "Task",
    "TaskCollection",
    "TaskKind",
    "TaskvizError",
    "TrainedNetwork",
    "TrainingResult",
    "option",
    "option_defaults",
    "option_values",
    "parse_options",
    "unknown_choice",
]
