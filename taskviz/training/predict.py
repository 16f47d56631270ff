"""Predictions of a trained grouping, from its saved weights and settings alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.data.tensors import Scaling
from taskviz.networks import MultiHeadNetwork, build_network
from taskviz.training.options import TrainingOptions
from taskviz.values import (
    Task,
    TaskCollection,
    TaskvizError,
    TrainingResult,
    option_defaults,
    parse_options,
)

CHUNK = 8192
"""Rows that are predicted at once."""


def load_result(folder: Path | str) -> TrainingResult:
    """Read what ``TrainingResult.save`` wrote, with its networks ready to predict.

    Raises:
        TaskvizError: the folder does not hold a whole training result, or its weights do not fit
            its settings.
    """
    result = TrainingResult.read(folder)
    try:
        predictor = Predictor.of(result)
    except TaskvizError as error:
        raise TaskvizError(f"{folder} does not hold a usable training result: {error}") from None
    return result.with_predictor(predictor)


def attach_predictor(result: TrainingResult) -> TrainingResult:
    """The same result, able to predict; its networks are built when they are first asked for."""
    found: list[Predictor] = []

    def predict(inputs: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
        if not found:
            found.append(Predictor.of(result))
        return found[0](inputs)

    return result.with_predictor(predict)


@dataclass(frozen=True, eq=False)
class Predictor:
    """Raw inputs → task → predictions of its serving network, on the host.

    Args:
        tasks: of the collection, in order.
        served: for each network in use, the network, and its tasks: number in the collection and
            head.
        scaling: of inputs and regression targets.
        input_shape: of one sample.
        feature_names: of a table's columns, for messages.
        dtype: floating type of the networks.
    """

    tasks: tuple[Task, ...]
    served: tuple[tuple[MultiHeadNetwork, dict[int, int]], ...]
    scaling: Scaling
    input_shape: tuple[int, ...]
    feature_names: tuple[str, ...]
    dtype: torch.dtype

    @classmethod
    def of(cls, result: TrainingResult) -> "Predictor":
        """Build the serving networks of a result and load their weights.

        Raises:
            TaskvizError: settings, preprocessing or weights are missing or do not fit.
        """
        settings = result.settings
        try:
            tasks = tuple(Task.from_json(task) for task in settings["tasks"])
            shape = tuple(int(size) for size in settings["input_shape"])
            dtype = {"float32": torch.float32, "float64": torch.float64}[settings["dtype"]]
            given = {
                name: value
                for name, value in settings["options"].items()
                if name in option_defaults(TrainingOptions)
            }
            options = parse_options(TrainingOptions, given, "the saved result")
            scaling = _scaling(result.preprocessing, len(tasks))
            skeleton = _skeleton(tasks, shape, settings["modality"])
            names = [task.name for task in tasks]
            served = []
            for group, network in enumerate(result.networks):
                heads = {
                    names.index(name): head
                    for head, name in enumerate(network.tasks)
                    if result.serving.get(name) == group
                }
                if heads:
                    members = [names.index(name) for name in network.tasks]
                    built = build_network(skeleton, options, seed=0, tasks=members, dtype=dtype)
                    built.load_state_dict(_tensors(network.weights))
                    served.append((built.eval(), heads))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TaskvizError(
                f"its settings are incomplete ({type(error).__name__}: {error})."
            ) from None
        except RuntimeError as error:
            raise TaskvizError(
                f"the weights do not fit the settings ({str(error).splitlines()[0]})."
            ) from None
        return cls(tasks, tuple(served), scaling, shape, tuple(settings["feature_names"]), dtype)

    @torch.no_grad()
    def __call__(self, inputs: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
        """See :meth:`taskviz.values.TrainingResult.predict`.

        Raises:
            TaskvizError: another number of features than in training, text, or infinite values.
        """
        scaled = self.scaling.scale_inputs(self._checked(inputs))
        chunks = torch.split(torch.from_numpy(scaled).to(self.dtype), CHUNK)
        found: dict[int, NDArray[np.float64]] = {}
        for network, heads in self.served:
            parts = [network(chunk, list(heads.values())) for chunk in chunks]
            for place, number in enumerate(heads):
                output = torch.cat([part[place] for part in parts]).double()
                found[number] = self._answer(number, output)
        return {task.name: found[i] for i, task in enumerate(self.tasks) if i in found}

    def _answer(self, number: int, output: Tensor) -> NDArray[np.float64]:
        task, scaling = self.tasks[number], self.scaling
        if task.kind == "regression":
            scale, centre = scaling.target_scale[number][0], scaling.target_centre[number][0]
            return np.asarray(output[:, 0].numpy() * scale + centre)
        if task.kind == "multiclass":
            return np.asarray(output.softmax(dim=1).numpy())
        probabilities = output.sigmoid().numpy()
        return np.asarray(probabilities[:, 0] if task.kind == "binary" else probabilities)

    def _checked(self, inputs: NDArray[Any]) -> NDArray[np.float64]:
        try:
            array = np.asarray(inputs, dtype=np.float64)
        except (TypeError, ValueError):
            raise TaskvizError(
                "Inputs to predict hold something that is not a number: numbers are needed, NaN "
                "where one is missing."
            ) from None
        if array.ndim == 0 or array.shape[1:] != self.input_shape:
            wanted = ", ".join(["n", *(str(size) for size in self.input_shape)])
            names = f" ({', '.join(self.feature_names[:6])}" if self.feature_names else ""
            more = ", …)" if len(self.feature_names) > 6 else ")" if names else ""
            raise TaskvizError(
                f"Inputs to predict have shape {array.shape}: the networks were trained on the "
                f"shape ({wanted}){names}{more}."
            )
        if np.isinf(array).any():
            row, *place = np.argwhere(np.isinf(array))[0].tolist()
            column = place[0] if place else 0
            name = self.feature_names[column] if column < len(self.feature_names) else column + 1
            raise TaskvizError(
                f"Inputs to predict, row {row + 1}, feature {name!r} is infinite: give a finite "
                "number, or NaN where it is missing."
            )
        return array


def _scaling(arrays: Mapping[str, NDArray[Any]], tasks: int) -> Scaling:
    return Scaling(
        (arrays["input_centre"],),
        (arrays["input_scale"],),
        tuple(arrays[f"target_centre.{i}"] for i in range(tasks)),
        tuple(arrays[f"target_scale.{i}"] for i in range(tasks)),
    )


def _skeleton(tasks: tuple[Task, ...], shape: tuple[int, ...], modality: Any) -> TaskCollection:
    """The collection without its samples: all that a network's shape depends on."""
    targets = {task.name: np.empty((0, task.width)) for task in tasks}
    return TaskCollection.from_arrays(
        "saved",
        np.empty((0, *shape)),
        targets,
        tasks,
        np.empty(0, dtype=np.int8),
        modality=modality,
    )


def _tensors(weights: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.array(array)) for name, array in weights.items()}
