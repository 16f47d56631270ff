"""What training the groups gave: metrics, curves, weights."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.values.checks import check_path
from taskviz.values.collection import SPLITS
from taskviz.values.errors import TaskvizError
from taskviz.values.grouping import Grouping
from taskviz.values.inputs import Inputs
from taskviz.values.storage import dumps, nullable, read_json, write_text

if TYPE_CHECKING:
    import pandas as pd

METRIC_COLUMNS = ("group", "task", "split", "metric", "value", "seed")
HISTORY_COLUMNS = ("step", "group", "task", "split", "metric", "value", "seed")
HIGHER_IS_BETTER = {
    "loss": False,
    "mae": False,
    "rmse": False,
    "r2": True,
    "error": False,
    "balanced_accuracy": True,
    "auroc": True,
}
"""Every metric a result can hold, and its sense."""

Predictor = Callable[
    ["Inputs | pd.DataFrame | Mapping[str, Inputs]"], dict[str, NDArray[np.float64]]
]


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """Weights of one group's network.

    Args:
        tasks: the tasks it was trained on.
        weights: parameter name → array, trunk and heads.
        seed: of its initial state and batch order.
        best_step: epoch of the kept checkpoint (best mean validation loss over its tasks).
        seconds: wall time of its training.
    """

    tasks: tuple[str, ...]
    weights: Mapping[str, NDArray[Any]]
    seed: int
    best_step: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A trained grouping, from one seed or from several. Immutable.

    Of several seeds, ``metrics`` and ``history`` hold all; networks, serving, preprocessing and
    predictions are those of the first, and ``runs`` holds the result of each by itself. An average
    of their predictions would be another, larger model than the one whose metrics are shown.

    Args:
        grouping: what was trained.
        metrics: columns :data:`METRIC_COLUMNS`; one row a group, task, split and metric.
        history: columns :data:`HISTORY_COLUMNS`; ``step`` counts epochs from 1.
        serving: task → index of the group that serves it: best validation loss.
        networks: one a group, in the order of ``grouping.groups``.
        preprocessing: arrays that turn raw inputs and targets into what the networks see,
            measured on the training split only.
        settings: every setting in full, as plain data.
        seconds: training time of all its networks.
        runs: one result a seed, where there are several.
        predictor: raw inputs → task → predictions; attached by ``taskviz.training``.
    """

    grouping: Grouping
    metrics: "pd.DataFrame"
    history: "pd.DataFrame"
    serving: Mapping[str, int]
    networks: tuple[TrainedNetwork, ...] = ()
    preprocessing: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    seconds: float = 0.0
    collection: str = ""
    fingerprint: str = ""
    notes: tuple[str, ...] = ()
    runs: "tuple[TrainingResult, ...]" = ()
    predictor: Predictor | None = None

    @classmethod
    def over_seeds(cls, runs: "Sequence[TrainingResult]") -> "TrainingResult":
        """One result of several seeds' results of the same grouping; of one, that one itself."""
        import pandas as pd

        first = runs[0]
        if len(runs) == 1:
            return first
        seeds = [run.seed for run in runs]
        return replace(
            first,
            metrics=pd.concat([run.metrics for run in runs], ignore_index=True),
            history=pd.concat([run.history for run in runs], ignore_index=True),
            settings={**first.settings, "seeds": seeds},
            seconds=sum(run.seconds for run in runs),
            notes=tuple(dict.fromkeys(note for run in runs for note in run.notes)),
            runs=tuple(runs),
        )

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every seed it was trained from."""
        return tuple(run.seed for run in self.runs) or (self.seed,)

    def of_seed(self, seed: int) -> "TrainingResult":
        """The result of one seed by itself, with its own networks.

        Raises:
            TaskvizError: it was not trained from this seed.
        """
        for run in self.runs or (self,):
            if run.seed == seed:
                return run
        raise TaskvizError(
            f"The result has no seed {seed}: it was trained from {', '.join(map(str, self.seeds))}."
        )

    def predict(
        self, inputs: "Inputs | pd.DataFrame | Mapping[str, Inputs]"
    ) -> dict[str, NDArray[np.float64]]:
        """Predictions of each task's serving network.

        Args:
            inputs: n raw inputs of the same kind as in the collection; NaN where missing. The
                columns of a ``DataFrame`` are matched by name, in any order, as they stood in the
                table of training. Of a separate collection task → its inputs; tasks that are left
                out are not predicted.

        Returns:
            task → ``(n,)`` predicted value (regression) or probability of the second class
            (binary); ``(n, classes)`` probabilities otherwise.

        Raises:
            TaskvizError: inputs that do not fit those of training, or that no finite value can be
                predicted from.
        """
        if self.predictor is None:
            raise TaskvizError(
                "This result was read without its networks: load it with taskviz.load_result."
            )
        return self.predictor(inputs)

    def served(self, split: str = "test") -> "pd.DataFrame":
        """Metrics of each task under its serving group only, chosen in each seed by itself.

        Args:
            split: ``train``, ``valid`` or ``test``.

        Raises:
            TaskvizError: another split.
        """
        if split not in SPLITS:
            raise TaskvizError(f"There is no split '{split}': take {', '.join(SPLITS)}.")
        if self.runs:
            import pandas as pd

            return pd.concat([run.served(split) for run in self.runs], ignore_index=True)
        rows = self.metrics[self.metrics["split"] == split]
        served = rows["task"].map(self.serving) == rows["group"]
        return rows[served].reset_index(drop=True)

    def with_predictor(self, predictor: Predictor) -> "TrainingResult":
        """The same result, able to predict."""
        return replace(self, predictor=predictor)

    def save(self, folder: Path | str) -> Path:
        """Write safetensors and JSON, never pickle; ``result.json`` goes last."""
        folder = check_path(folder, "The folder")
        folder.mkdir(parents=True, exist_ok=True)
        first, *rest = self.runs or (self,)
        data = first._write(folder, "")
        if rest:
            data["runs"] = [run._write(folder, f"seed_{run.seed}.") for run in rest]
        write_text(folder / "result.json", dumps(data))
        return folder

    def _write(self, folder: Path, prefix: str) -> dict[str, Any]:
        """Arrays of one seed as files; what else there is to say of it."""
        from safetensors.numpy import save as to_bytes

        for i, network in enumerate(self.networks):
            packed = to_bytes(_contiguous(network.weights))
            _write_bytes(folder / f"{prefix}group_{i}.safetensors", packed)
        if self.preprocessing:
            packed = to_bytes(_contiguous(self.preprocessing))
            _write_bytes(folder / f"{prefix}preprocessing.safetensors", packed)
        return {
            "grouping": self.grouping.to_json(),
            "metrics": _frame_to_json(self.metrics),
            "history": _frame_to_json(self.history),
            "serving": dict(self.serving),
            "networks": [
                {
                    "file": f"{prefix}group_{i}.safetensors",
                    "tasks": list(network.tasks),
                    "seed": network.seed,
                    "best_step": network.best_step,
                    "seconds": network.seconds,
                }
                for i, network in enumerate(self.networks)
            ],
            "settings": dict(self.settings),
            "seed": self.seed,
            "seconds": self.seconds,
            "collection": self.collection,
            "fingerprint": self.fingerprint,
            "notes": list(self.notes),
        }

    @classmethod
    def read(cls, folder: Path | str) -> "TrainingResult":
        """Read what :meth:`save` wrote; :func:`taskviz.load_result` also attaches the predictor."""
        from safetensors import SafetensorError

        folder = check_path(folder, "The folder")
        data = read_json(folder / "result.json", "training result")
        try:
            first = cls._read(folder, "", data)
            rest = [
                cls._read(folder, f"seed_{int(part['seed'])}.", part)
                for part in data.get("runs", ())
            ]
            return cls.over_seeds([first, *rest])
        except (
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            OverflowError,
            OSError,
            SafetensorError,
        ) as error:
            raise TaskvizError(
                f"{folder} does not hold a whole training result ({type(error).__name__}: {error})."
            ) from None

    @classmethod
    def _read(cls, folder: Path, prefix: str, data: Mapping[str, Any]) -> "TrainingResult":
        from safetensors.numpy import load_file

        networks = tuple(
            TrainedNetwork(
                tasks=tuple(entry["tasks"]),
                weights=load_file(folder / Path(entry["file"]).name),
                seed=entry["seed"],
                best_step=entry["best_step"],
                seconds=entry["seconds"],
            )
            for entry in data["networks"]
        )
        packed = folder / f"{prefix}preprocessing.safetensors"
        return cls(
            grouping=Grouping.from_json(data["grouping"]),
            metrics=_frame_from_json(data["metrics"]),
            history=_frame_from_json(data["history"]),
            serving={str(task): int(index) for task, index in data["serving"].items()},
            networks=networks,
            preprocessing=load_file(packed) if packed.exists() else {},
            settings=data["settings"],
            seed=int(data["seed"]),
            seconds=float(data["seconds"]),
            collection=str(data["collection"]),
            fingerprint=str(data["fingerprint"]),
            notes=tuple(data["notes"]),
        )


def _contiguous(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _write_bytes(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(data)
    temporary.replace(path)


def _frame_to_json(frame: "pd.DataFrame") -> dict[str, list[Any]]:
    return {str(name): nullable(frame[name].to_numpy()) for name in frame.columns}


def _frame_from_json(data: Mapping[str, list[Any]]) -> "pd.DataFrame":
    import pandas as pd

    frame = pd.DataFrame(dict(data))
    if "value" in frame:
        frame["value"] = frame["value"].astype(float)
    return frame
