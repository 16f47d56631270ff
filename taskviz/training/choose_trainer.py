"""Which trainer a group takes."""

from collections.abc import Sequence

from taskviz.data.tensors import CollectionTensors
from taskviz.training.options import TrainingOptions
from taskviz.training.reptile import ReptileTrainer
from taskviz.training.separate import AlternatingTrainer, SeparateTrainer
from taskviz.training.trainer import GroupTrainer
from taskviz.values import TaskvizError

_SEPARATE: dict[str, type[GroupTrainer]] = {
    "together": SeparateTrainer,
    "alternating": AlternatingTrainer,
    "reptile": ReptileTrainer,
}


def make_trainer(
    data: CollectionTensors,
    tasks: Sequence[int],
    options: TrainingOptions,
    *,
    weighting: str = "equal",
    seed: int = 0,
) -> GroupTrainer:
    """A trainer of a group: by the layout of its collection and option ``separate``.

    Raises:
        TaskvizError: a weighting where each step sees one task only.
    """
    kind = GroupTrainer
    if data.collection.layout == "separate":
        kind = _SEPARATE[options.separate]
        if weighting != "equal" and len(tasks) > 1 and options.separate != "together":
            raise TaskvizError(
                f"Weighting {weighting!r} combines the losses of several tasks at one step, but "
                f"{options.separate} training takes one task at a time: choose separate='together' "
                "or weighting 'equal'."
            )
    return kind(data, tasks, options, weighting=weighting, seed=seed)
