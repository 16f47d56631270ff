"""Each group's network as one file that runs without taskviz: ONNX, or a torch.export program.

The file takes raw features, as a table has them, and gives what :meth:`TrainingResult.predict`
gives, one output a task under the task's name: scaling, and the way back to values and
probabilities, are part of the graph.
"""

import io
import logging
import re
import warnings
from collections.abc import Callable, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from taskviz.training.predict import Predictor
from taskviz.values import TaskvizError, TrainingResult, unknown_choice
from taskviz.values.storage import dumps, write_bytes, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskviz.values import Task

INPUT = "inputs"
TOLERANCE = 1e-5
"""Largest difference from ``predict``, relative to the outputs' size, that is let through."""


class ServedGroup(nn.Module):
    """One group's network with its scaling: raw inputs → task → prediction.

    Args:
        predictor: with exactly one network.

    Shape: ``(n, *input_shape)`` float64, NaN where missing → ``(n,)`` (regression, binary) or
    ``(n, classes)`` for each task, float64.
    """

    input_centre: Tensor
    input_scale: Tensor

    def __init__(self, predictor: Predictor) -> None:
        super().__init__()
        ((self.network, heads),) = predictor.served
        self.heads = list(heads.values())
        self.tasks = [predictor.tasks[number] for number in heads]
        self.dtype = predictor.dtype
        scaling = predictor.scaling
        self.register_buffer("input_centre", torch.tensor(scaling.input_centre[0]))
        self.register_buffer("input_scale", torch.tensor(scaling.input_scale[0]))
        self.back = [
            (float(scaling.target_centre[i].ravel()[0]), float(scaling.target_scale[i].ravel()[0]))
            if predictor.tasks[i].kind == "regression"
            else (0.0, 1.0)
            for i in heads
        ]

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        """See the class."""
        # Float64 until it is scaled: a large centre would eat up the digits of a float32.
        scaled = (inputs - self.input_centre) / self.input_scale
        scaled = torch.where(torch.isnan(scaled), torch.zeros_like(scaled), scaled)
        outputs = self.network(scaled.to(self.dtype), self.heads)
        return {
            task.name: _answer(task, output.double(), *back)
            for task, output, back in zip(self.tasks, outputs, self.back, strict=True)
        }


def _answer(task: "Task", output: Tensor, centre: float, scale: float) -> Tensor:
    if task.kind == "regression":
        return output[:, 0] * scale + centre
    if task.kind == "multiclass":
        return output.softmax(dim=1)
    return output.sigmoid()[:, 0] if task.kind == "binary" else output.sigmoid()


@dataclass(frozen=True)
class ExportFormat:
    """A kind of file.

    Args:
        name: as the user names it.
        suffix: of the files.
        needs: packages beyond those of taskviz.
        write: module, example of ``(2, …)`` raw inputs → bytes.
    """

    name: str
    suffix: str
    needs: tuple[str, ...]
    write: Callable[[ServedGroup, Tensor], bytes]


def export_networks(
    result: TrainingResult,
    folder: Path | str,
    format: str = "onnx",  # noqa: A002
) -> list[Path]:
    """Write one file a group, and ``export.json``, which says what goes in and comes out.

    Each is compared with ``predict`` on made-up rows before anything is written.

    Args:
        result: with its networks.
        folder: made where it is missing.
        format: a key of :data:`FORMATS`.

    Raises:
        TaskvizError: an unknown format, a package that is not installed, networks that cannot be
            exported (the reason is told), or a folder that cannot be written.
    """
    if format not in FORMATS:
        raise unknown_choice("export format", format, FORMATS)
    chosen = FORMATS[format]
    need_packages(chosen.needs, f"An export to {format}")
    why = not_exportable(result)
    if why:
        raise TaskvizError(why)
    made: dict[str, bytes] = {}
    entries = []
    for group, network in enumerate(result.networks):
        module = _served_group(result, group)
        example = _check(result, module, group)
        name = f"group_{group + 1}{chosen.suffix}"
        with _quiet():
            try:
                made[name] = chosen.write(module, example)
            except Exception as error:
                reason = re.sub(r"\x1b\[[0-9;]*m", "", " ".join(str(error).split()))[:200]
                raise TaskvizError(
                    f"Group {group + 1} ({', '.join(network.tasks[:4])}) cannot be exported to "
                    f"{format}: {type(error).__name__}: {reason}"
                ) from error
        entries.append(_entry(result, module, group, name))
    about = {
        "format": format,
        "collection": result.collection,
        "input": {
            "name": INPUT,
            "dtype": "float64",
            "shape": ["n", *result.settings["input_shape"]],
            "missing": "NaN, taken as the training mean",
            "features": list(result.settings.get("feature_names", ())),
            "columns": list(result.settings.get("input_columns", ())),
        },
        "networks": entries,
    }
    folder = Path(folder)
    try:
        paths = [write_bytes(folder / name, data) for name, data in made.items()]
        return [*paths, write_text(folder / "export.json", dumps(about))]
    except OSError as error:
        raise TaskvizError(
            f"Cannot write to {folder} ({error.strerror or error}): give a folder that can be "
            "written."
        ) from None


def not_exportable(result: TrainingResult) -> str:
    """Why the networks of a result cannot become files, in a sentence; "" where they can."""
    settings = result.settings
    if not result.networks:
        return "This result was read without its networks: load it with taskviz.load_result."
    if settings.get("layout", "joint") != "joint":
        return (
            "Networks of a separate collection cannot be exported: each task has inputs of its own "
            "while a file takes one."
        )
    if settings.get("modality") in ("graph", "nodes"):
        return (
            f"Networks on {settings['modality']} data cannot be exported: their input is a graph "
            "of any size, not one array; use predict of taskviz.load_result."
        )
    if settings.get("modality") == "series":
        return (
            "Networks on series cannot be exported: how many steps they walk depends on where a "
            "series is padded, which torch.export does not take; use predict of "
            "taskviz.load_result."
        )
    return ""


def missing_packages(format: str) -> str:  # noqa: A002
    """The packages that a format lacks here, joined by commas; "" where it is ready."""
    return ", ".join(name for name in FORMATS[format].needs if find_spec(name) is None)


def need_packages(names: tuple[str, ...], what: str) -> None:
    """Raise unless the packages are installed.

    Raises:
        TaskvizError: which one is not, and how to install it.
    """
    for name in names:
        if find_spec(name) is None:
            raise TaskvizError(
                f"{what} needs the package {name}, which is not installed: "
                "pip install -r requirements-export.txt"
            )


def _served_group(result: TrainingResult, group: int) -> ServedGroup:
    """Of every task of the group, whether it serves it or not."""
    serving = dict.fromkeys(result.networks[group].tasks, group)
    module = ServedGroup(Predictor.of(replace(result, serving=serving))).eval()
    return module.requires_grad_(False)


@torch.no_grad()
def _check(result: TrainingResult, module: ServedGroup, group: int) -> Tensor:
    """Example inputs; raises where the module does not give on them what ``predict`` gives."""
    rng = np.random.default_rng(0)
    centre, scale = module.input_centre.numpy(), module.input_scale.numpy()
    shape = (7, *(int(size) for size in result.settings["input_shape"]))
    inputs = centre + scale * rng.normal(size=shape)
    inputs[0].flat[0] = np.nan
    serving = dict.fromkeys(result.networks[group].tasks, group)
    wanted = Predictor.of(replace(result, serving=serving))(inputs)
    found = module(torch.from_numpy(inputs))
    for name, values in wanted.items():
        size = max(1.0, float(np.abs(values).max()))
        if np.abs(found[name].numpy() - values).max() > TOLERANCE * size:
            raise TaskvizError(
                f"The network of group {group + 1} cannot be exported: its inputs are prepared in "
                "a way that an exported file does not know; use predict of taskviz.load_result."
            )
    return torch.from_numpy(inputs[1:3])


def _entry(result: TrainingResult, module: ServedGroup, group: int, file: str) -> dict[str, Any]:
    outputs = []
    for task in module.tasks:
        meaning = {
            "regression": "the value",
            "binary": f"probability of {task.classes[-1]!r}" if task.classes else "",
            "multiclass": "probability of each class",
            "multilabel": "probability of each label",
        }[task.kind]
        outputs.append({**task.to_json(), "gives": meaning})
    serves = [name for name in module_names(module) if result.serving.get(name) == group]
    return {"file": file, "serves": serves, "outputs": outputs}


def module_names(module: ServedGroup) -> list[str]:
    """Names of the outputs, in order."""
    return [task.name for task in module.tasks]


def _program(module: ServedGroup, example: Tensor) -> Any:
    shapes = {INPUT: {0: torch.export.Dim("n", min=1)}}
    return torch.export.export(module, (example,), dynamic_shapes=shapes)


def _to_pt2(module: ServedGroup, example: Tensor) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(_program(module, example), buffer)
    return buffer.getvalue()


def _to_onnx(module: ServedGroup, example: Tensor) -> bytes:
    exported = torch.onnx.export(
        module,
        (example,),
        input_names=[INPUT],
        output_names=module_names(module),
        dynamic_shapes={INPUT: {0: torch.export.Dim("n", min=1)}},
        dynamo=True,
        verbose=False,
    )
    assert exported is not None
    return bytes(exported.model_proto.SerializeToString())


@contextmanager
def _quiet() -> "Iterator[None]":
    """The exporters talk of their own steps on stdout and in warnings."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


FORMATS: Mapping[str, ExportFormat] = {
    each.name: each
    for each in (
        ExportFormat("onnx", ".onnx", ("onnx", "onnxscript"), _to_onnx),
        ExportFormat("pt2", ".pt2", (), _to_pt2),
    )
}
