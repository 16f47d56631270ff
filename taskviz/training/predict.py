"""Predictions of a trained grouping, from its saved weights and settings alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.data.tensors import Scaling
from taskviz.networks import MultiHeadNetwork, build_network, outputs_of
from taskviz.training.named_columns import encode_named, is_table, plain_frame
from taskviz.training.options import TrainingOptions
from taskviz.values import (
    GraphNodes,
    Graphs,
    Inputs,
    InputSource,
    LazyInputs,
    Samples,
    Task,
    TaskCollection,
    TaskvizError,
    TrainingResult,
    option_defaults,
    parse_options,
)

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 8192
"""Rows that are predicted at once."""
ANY_LENGTH = ("lstm", "crnn")
"""Trunks that take series of any length."""
RawInputs: TypeAlias = "Inputs | pd.DataFrame | Mapping[str, Inputs]"
"""Inputs of all tasks, a table of them, or of each task of a separate collection."""


class NoFinitePrediction(TaskvizError):
    """A network's output is NaN or infinite.

    Args:
        row: of the inputs, from 0.
        task: whose output it is.
        cause: the input that lies furthest from those of training; "" where it has no name.
    """

    def __init__(self, row: int, task: str, cause: str = "") -> None:
        self.row, self.task, self.cause = row, task, cause
        super().__init__(self.told(f"Inputs to predict, row {row + 1}"))

    def told(self, where: str) -> str:
        """The sentence, the row named otherwise."""
        why = f" because {self.cause}" if self.cause else ""
        return (
            f"{where}: no finite value of {self.task!r} can be predicted{why}: give numbers nearer "
            "to those of training, or leave out what is not known."
        )


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
    whole = replace(result, runs=tuple(attach_predictor(run) for run in result.runs))
    return whole.with_predictor(predictor)


def attach_predictor(result: TrainingResult) -> TrainingResult:
    """The same result (and each seed's), able to predict; networks are built when first asked."""
    found: list[Predictor] = []

    def predict(inputs: RawInputs) -> dict[str, NDArray[np.float64]]:
        if not found:
            found.append(Predictor.of(result))
        return found[0](inputs)

    whole = replace(result, runs=tuple(attach_predictor(run) for run in result.runs))
    return whole.with_predictor(predict)


@dataclass(frozen=True, eq=False)
class Predictor:
    """Raw inputs → task → predictions of its serving network, on the host.

    Args:
        tasks: of the collection, in order.
        served: for each network in use, the network, and its tasks: number in the collection and
            head. On nodes they hold a blank graph: :meth:`__call__` builds them on the one given.
        scaling: of inputs and regression targets.
        skeleton: the collection without its samples.
        feature_names: of a table's columns, for messages.
        dtype: floating type of the networks.
        options: of the networks, the kind of trunk named.
        members: for each network in use, the numbers of all its tasks.
        settings: of the result, by which a table's columns are matched.
    """

    tasks: tuple[Task, ...]
    served: tuple[tuple[MultiHeadNetwork, dict[int, int]], ...]
    scaling: Scaling
    skeleton: TaskCollection
    feature_names: tuple[str, ...]
    dtype: torch.dtype
    options: TrainingOptions
    members: tuple[tuple[int, ...], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, result: TrainingResult) -> "Predictor":
        """Build the serving networks of a result and load their weights.

        Raises:
            TaskvizError: settings, preprocessing or weights are missing or do not fit.
        """
        settings = result.settings
        try:
            tasks = tuple(Task.from_json(task) for task in settings["tasks"])
            shapes = [
                tuple(int(size) for size in shape)
                for shape in settings.get("input_shapes", [settings["input_shape"]])
            ]
            dtype = {"float32": torch.float32, "float64": torch.float64}[settings["dtype"]]
            given = {
                name: value
                for name, value in settings["options"].items()
                if name in option_defaults(TrainingOptions)
            }
            if "network" in settings:
                # What auto chose, and not what it would choose for other data.
                given["network"] = settings["network"]
            options = parse_options(TrainingOptions, {**given, "weights": ""}, "the saved result")
            scaling = _scaling(result.preprocessing, len(tasks), len(shapes))
            skeleton = _skeleton(tasks, shapes, settings["modality"], settings.get("layout"))
            names = [task.name for task in tasks]
            served, all_members = [], []
            for group, network in enumerate(result.networks):
                heads = {
                    names.index(name): head
                    for head, name in enumerate(network.tasks)
                    if result.serving.get(name) == group
                }
                if heads:
                    members = tuple(names.index(name) for name in network.tasks)
                    all_members.append(members)
                    built = build_network(
                        skeleton, options, seed=0, tasks=members, dtype=dtype, scaling=scaling
                    )
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
        feature_names = tuple(settings["feature_names"])
        return cls(
            tasks,
            tuple(served),
            scaling,
            skeleton,
            feature_names,
            dtype,
            options,
            tuple(all_members),
            settings,
        )

    @torch.no_grad()
    def __call__(self, inputs: RawInputs) -> dict[str, NDArray[np.float64]]:
        """See :meth:`taskviz.values.TrainingResult.predict`.

        Raises:
            TaskvizError: inputs of another kind, shape or number of features than in training,
                text, infinite values, a table without a column of training, or inputs so far from
                those of training that an output is not finite.
        """
        found: dict[int, NDArray[np.float64]] = {}
        given = self._by_block(inputs)
        rows = {
            block: self.scaling.rows(own, self.skeleton.modality, block, dtype=self.dtype)
            for block, own in given.items()
        }
        for network, heads in self._on(given):
            joint = self.skeleton.layout == "joint"
            for numbers in [list(heads)] if joint else [[number] for number in heads]:
                block = 0 if joint else numbers[0]
                if block not in rows:
                    continue
                own, wanted = rows[block], [heads[i] for i in numbers]
                outputs = outputs_of(network, own, torch.arange(len(own)), wanted, most=CHUNK)
                for number, output in zip(numbers, outputs, strict=True):
                    found[number] = self._answer(number, output.double())
                    self._check_finite(found[number], number, given[block], block)
        return {task.name: found[i] for i, task in enumerate(self.tasks) if i in found}

    def _by_block(self, inputs: RawInputs) -> dict[int, Inputs]:
        if self.skeleton.layout == "joint":
            if isinstance(inputs, Mapping):
                raise TaskvizError(
                    "Inputs to predict are given by task, but all tasks of this collection share "
                    "their inputs: give them once."
                )
            return {0: self._checked(inputs, 0)}
        if not isinstance(inputs, Mapping):
            raise TaskvizError(
                "Each task of a separate collection has inputs of its own: give predict a "
                "dictionary from task to inputs."
            )
        numbers = {name: self.skeleton.index(name) for name in inputs}
        return {numbers[name]: self._checked(own, numbers[name]) for name, own in inputs.items()}

    def _on(self, given: Mapping[int, Inputs]) -> Sequence[tuple[MultiHeadNetwork, dict[int, int]]]:
        """The networks, on the graphs whose nodes are asked for."""
        if self.skeleton.modality != "nodes":
            return self.served
        samples = list(self.skeleton.samples)
        for block, own in given.items():
            samples[block] = _blank_samples(own, samples[block])
        collection = replace(self.skeleton, samples=tuple(samples))
        found = []
        for (network, heads), members in zip(self.served, self.members, strict=True):
            built = build_network(
                collection,
                self.options,
                seed=0,
                tasks=members,
                dtype=self.dtype,
                scaling=self.scaling,
            )
            built.load_state_dict(network.state_dict())
            found.append((built.eval(), heads))
        return found

    def _answer(self, number: int, output: Tensor) -> NDArray[np.float64]:
        task, scaling = self.tasks[number], self.scaling
        if task.kind == "regression":
            scale, centre = scaling.target_scale[number][0], scaling.target_centre[number][0]
            return np.asarray(output[:, 0].numpy() * scale + centre)
        if task.kind == "multiclass":
            return np.asarray(output.softmax(dim=1).numpy())
        probabilities = output.sigmoid().numpy()
        return np.asarray(probabilities[:, 0] if task.kind == "binary" else probabilities)

    def _checked(self, given: Any, block: int) -> Inputs:
        wanted = self.skeleton.samples[block].inputs
        inputs: Inputs = given
        if is_table(given):
            inputs, _ = encode_named(plain_frame(given), self.settings, "The table to predict")
        if isinstance(wanted, InputSource) or isinstance(inputs, InputSource):
            return self._same_kind(inputs, wanted)
        try:
            array = np.asarray(inputs)
            array = array if array.dtype.kind in "iu" else array.astype(np.float64)
        except (TypeError, ValueError):
            raise TaskvizError(
                "Inputs to predict hold something that is not a number: numbers are needed, NaN "
                "where one is missing."
            ) from None
        self._check_shape(array.shape, wanted.shape[1:])
        if np.isinf(array).any():
            row, *place = np.argwhere(np.isinf(array))[0].tolist()
            column = place[0] if place else 0
            raise TaskvizError(
                f"Inputs to predict, row {row + 1}, feature {self._feature(column)!r} is infinite: "
                "give a finite number, or NaN where it is missing."
            )
        return array

    def _check_finite(
        self, predicted: NDArray[np.float64], number: int, inputs: Inputs, block: int
    ) -> None:
        bad = ~np.isfinite(predicted).all(axis=tuple(range(1, predicted.ndim)))
        if not bad.any():
            return
        row, cause = int(np.flatnonzero(bad)[0]), ""
        if isinstance(inputs, np.ndarray) and inputs.ndim == 2:
            own = np.asarray(inputs[row], dtype=np.float64)
            centre, scale = self.scaling.input_centre[block], self.scaling.input_scale[block]
            with np.errstate(over="ignore"):
                column = int(np.nan_to_num(np.abs((own - centre) / scale)).argmax())
            cause = f"feature {self._feature(column)!r} is {own[column]:g}"
        raise NoFinitePrediction(row, self.tasks[number].name, cause)

    def _feature(self, column: int) -> str | int:
        names = self.feature_names
        return names[column] if column < len(names) else column + 1

    def _check_shape(self, shape: tuple[int, ...], trained: tuple[int, ...]) -> None:
        any_length = self.skeleton.modality == "series" and self.options.network in ANY_LENGTH
        given = (*shape[1:-1], *trained[-1:]) if any_length and len(shape) > 1 else shape[1:]
        if shape and given == trained:
            return
        wanted = ", ".join(["n", *(str(size) for size in trained)])
        names = f" ({', '.join(self.feature_names[:6])}" if self.feature_names else ""
        more = ", …)" if len(self.feature_names) > 6 else ")" if names else ""
        raise TaskvizError(
            f"Inputs to predict have shape {shape}: the networks were trained on the "
            f"shape ({wanted}){names}{more}."
        )

    def _same_kind(self, inputs: Inputs, wanted: Inputs) -> Inputs:
        lazy = isinstance(inputs, LazyInputs) and not isinstance(wanted, InputSource)
        if not lazy and type(inputs) is not type(wanted):
            raise TaskvizError(
                f"Inputs to predict are {type(inputs).__name__}: the networks were trained on "
                f"{type(wanted).__name__}."
            )
        self._check_shape(inputs.shape, wanted.shape[1:])
        return inputs


def _scaling(arrays: Mapping[str, NDArray[Any]], tasks: int, blocks: int) -> Scaling:
    ends = ["", *(f".{block}" for block in range(1, blocks))]
    return Scaling(
        tuple(arrays[f"input_centre{end}"] for end in ends),
        tuple(arrays[f"input_scale{end}"] for end in ends),
        tuple(arrays[f"target_centre.{i}"] for i in range(tasks)),
        tuple(arrays[f"target_scale.{i}"] for i in range(tasks)),
    )


def _skeleton(
    tasks: tuple[Task, ...], shapes: Sequence[tuple[int, ...]], modality: Any, layout: Any
) -> TaskCollection:
    """The collection without its samples: all that a network's shape depends on."""
    blank = [_blank(shape, modality) for shape in shapes]
    separate = layout == "separate"
    members = [(task,) for task in tasks] if separate else [tasks]
    samples = tuple(
        Samples(
            own,
            tuple(np.empty((len(own), task.width)) for task in kept),
            np.zeros(len(own), dtype=np.int8),
        )
        for own, kept in zip(blank, members, strict=True)
    )
    return TaskCollection("saved", tasks, samples, "separate" if separate else "joint", modality)


def _blank(shape: tuple[int, ...], modality: Any) -> Inputs:
    if modality == "graph":
        return Graphs.empty(*shape)
    if modality == "nodes":
        return GraphNodes(np.zeros((1, *shape)), np.zeros((2, 0), dtype=np.int64))
    return np.empty((0, *shape))


def _blank_samples(inputs: Inputs, like: Samples) -> Samples:
    """Inputs without a label."""
    targets = tuple(np.full((len(inputs), t.shape[1]), np.nan) for t in like.targets)
    return Samples(inputs, targets, np.zeros(len(inputs), dtype=np.int8))


def _tensors(weights: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.array(array)) for name, array in weights.items()}
