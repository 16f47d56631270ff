"""SCA and the gradient cosine over a joint training (SCA paper, section 6.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.affinity.agreement import rank_agreement
from taskviz.affinity.gradient_cosine import task_gradients
from taskviz.affinity.joint_training import JointOptions, JointTraining
from taskviz.affinity.sca import affinity_from_distances
from taskviz.affinity.seeds import repeat_seed
from taskviz.affinity.shared_gradients import gradient_gram, gram_cosines
from taskviz.engines import RunContext
from taskviz.networks import build_network
from taskviz.optima.distances import pairwise_distances
from taskviz.optima.units import Units, draw_units, drawn_rows
from taskviz.values import AffinityMatrix, TaskCollection, TaskvizError, option, option_values
from taskviz.values.storage import dumps, nullable, read_json, write_text

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
METHODS = {"sca": "SCA", "gradient-cosine": "Gradient cosine"}


@dataclass(frozen=True)
class DynamicsOptions(JointOptions):
    """What is trained, and how often it is looked at."""

    n: int = option(100, "Training samples to compare gradients on.", minimum=2, maximum=10**6)
    every: int = option(5, "Epochs between two looks.", minimum=1, maximum=100_000)
    trainings: int = option(
        3,
        "Joint trainings from different initial states; errors rest on them.",
        minimum=1,
        maximum=50,
    )
    heads: Literal["own", "tied"] = option(
        "own", "Own: every task draws its head. Tied: heads of one shape start equal."
    )


@dataclass(frozen=True, eq=False)
class DynamicsStudy:
    """Matrices at several epochs of several joint trainings. Immutable.

    Args:
        names: of the tasks.
        epochs: ``(k,)`` epochs done at each look; the first is 0.
        matrices: method → ``(r, k, T, T)`` of r trainings.
        loss: ``(r, k)`` mean validation loss over the tasks; NaN without validation labels.
    """

    names: tuple[str, ...]
    epochs: NDArray[np.int64]
    matrices: Mapping[str, Floats]
    loss: Floats
    collection: str = ""
    fingerprint: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def mean(self, method: str) -> Floats:
        """``(k, T, T)`` over the trainings."""
        return _mean(self.matrices[method])

    def error(self, method: str) -> Floats | None:
        """``(k, T, T)`` standard error over the trainings; None for one."""
        values = self.matrices[method]
        if len(values) < 2:
            return None
        return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))

    def stability(self) -> "pd.DataFrame":
        """Rank correlation with the start and with the look before, one row a method and epoch.

        Columns ``method, epoch, start, start_error, before, before_error``: Spearman over entries
        off the diagonal, mean and standard error over the trainings.
        """
        import pandas as pd

        rows = []
        for method, values in self.matrices.items():
            for k, epoch in enumerate(self.epochs):
                row: dict[str, Any] = {"method": method, "epoch": int(epoch)}
                for name, other in (("start", 0), ("before", k - 1)):
                    found = np.array(
                        [self._agreement(own[k], own[other]) for own in values if other >= 0]
                    )
                    known = found[np.isfinite(found)]
                    row[name] = float(known.mean()) if len(known) else np.nan
                    row[f"{name}_error"] = (
                        float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else np.nan
                    )
                rows.append(row)
        return pd.DataFrame(rows)

    def _agreement(self, first: Floats, second: Floats) -> float:
        pair = [AffinityMatrix(values, self.names, "dynamics") for values in (first, second)]
        return float(rank_agreement(pair, ["first", "second"]).to_numpy()[0, 1])

    def save(self, path: Path | str) -> Path:
        """Write JSON, atomically."""
        plain = {
            "names": list(self.names),
            "epochs": self.epochs.tolist(),
            "matrices": {name: nullable(values) for name, values in self.matrices.items()},
            "loss": nullable(self.loss),
            "collection": self.collection,
            "fingerprint": self.fingerprint,
            "options": dict(self.options),
            "notes": list(self.notes),
        }
        return write_text(path, dumps(plain))

    @classmethod
    def read(cls, path: Path | str) -> "DynamicsStudy":
        """Read what :meth:`save` wrote."""
        data = read_json(path, "study of dynamics")
        try:
            return cls(
                tuple(data["names"]),
                np.array(data["epochs"], dtype=np.int64),
                {k: np.array(v, dtype=np.float64) for k, v in data["matrices"].items()},
                np.array(data["loss"], dtype=np.float64),
                data["collection"],
                data["fingerprint"],
                data["options"],
                tuple(data["notes"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TaskvizError(
                f"{Path(path).name} is no study of dynamics ({type(error).__name__}: {error})."
            ) from None


def study_dynamics(
    collection: TaskCollection, options: DynamicsOptions, context: RunContext
) -> DynamicsStudy:
    """Train jointly and recompute the matrices every few epochs, on the same samples throughout.

    SCA takes the gradients of single samples (eq. 16 and 17), the gradient cosine those of the
    mean loss over the same samples, the mean over the tasks taken off; both with the heads as the
    training has left them.

    Raises:
        TaskvizError: fewer than 3 tasks, or a training without a finite loss.
    """
    if len(collection.tasks) < 3:
        raise TaskvizError(
            f"{collection.name!r} has {len(collection.tasks)} tasks: how the ranking of pairs "
            "changes can be studied from 3 tasks on."
        )
    dtype = torch.float64 if context.device.type == "cpu" else torch.float32
    epochs = sorted({*range(0, options.epochs, options.every), options.epochs})
    size = len(collection.tasks)
    shape = (options.trainings, len(epochs), size, size)
    sca, cosine = np.full(shape, np.nan), np.full(shape, np.nan)
    loss = np.full(shape[:2], np.nan)
    context.progress.begin("Dynamics", options.trainings)
    for r in range(options.trainings):
        seed = repeat_seed(context.seed, r)
        progress = context.progress.part(1.0)
        own = replace(context, seed=seed, progress=progress)
        training = JointTraining(collection, options, own, dtype)
        start = build_network(
            collection,
            options,
            seed=seed,
            heads=options.heads,
            device=context.device,
            dtype=dtype,
        )
        training.network.load_state_dict(start.state_dict())
        units = draw_units(training.data, options.n, context.seed)
        rows = _rows(collection, options.n, context, training)
        progress.begin("Joint training", training.total_steps)
        for step in training.steps(own):
            done, into = divmod(step.number - 1, training.steps_an_epoch)
            if into == 0 and done in epochs:
                k = epochs.index(done)
                sca[r, k], cosine[r, k], loss[r, k] = _look(training, units, rows)
        sca[r, -1], cosine[r, -1], loss[r, -1] = _look(training, units, rows)
    notes = []
    if len(units) < options.n:
        notes.append(f"The training split has {len(units)} rows, fewer than n = {options.n}.")
    if options.trainings == 1:
        notes.append("One training: no error can be given. Take 2 or more.")
    return DynamicsStudy(
        collection.names,
        np.array(epochs, dtype=np.int64),
        {"sca": sca, "gradient-cosine": cosine},
        loss,
        collection.name,
        collection.fingerprint,
        {**option_values(options), "seed": context.seed},
        tuple(notes),
    )


def _rows(
    collection: TaskCollection, n: int, context: RunContext, training: JointTraining
) -> list[torch.Tensor]:
    """Rows of the units, one tensor a task."""
    drawn = [
        torch.from_numpy(rows).to(training.data.device)
        for rows in drawn_rows(collection, n, context.seed)
    ]
    return drawn * len(collection.tasks) if len(drawn) == 1 else drawn


def _look(
    training: JointTraining, units: Units, rows: list[torch.Tensor]
) -> tuple[Floats, Floats, float]:
    """SCA, gradient cosine and validation loss now; the network trains on as it was."""
    network = training.network
    was_training = network.training
    loss = training.mean_loss("valid")
    network.eval()
    distances = pairwise_distances(network, units)
    gram = gradient_gram(task_gradients(network, training.data, rows))
    if len({task.kind for task in training.tasks}) > 1:
        gram = gram_cosines(gram)
    network.train(was_training)
    return affinity_from_distances(distances.means), gram_cosines(gram, remove_mean=True), loss


def _mean(values: Floats) -> Floats:
    known = np.isfinite(values)
    count = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return np.where(count > 0, sums / np.maximum(count, 1), np.nan)
