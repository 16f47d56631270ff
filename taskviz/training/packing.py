"""State of modules and optimizers as JSON and tensors, so that no checkpoint is ever pickled."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from taskviz.values import TaskvizError

OWN = frozenset(vars(nn.Module()))
"""Attributes of every module, which are no state."""
_MARK = "$"


def pack(tree: Any) -> tuple[str, dict[str, Tensor]]:
    """JSON text and named tensors of nested dicts, lists, numbers, text, arrays and tensors.

    Keys of dicts may be text or whole numbers. Floats come back bit by bit, infinities too.

    Raises:
        TypeError: something else is in there.
    """
    tensors: dict[str, Tensor] = {}
    return json.dumps(_pack(tree, tensors), allow_nan=False), tensors


def unpack(text: str, tensors: Mapping[str, Tensor], device: torch.device | str = "cpu") -> Any:
    """What :func:`pack` was given; tensors are copies of their own.

    Args:
        device: where those go that were not on the host.

    Raises:
        TaskvizError: the text and the tensors do not belong together.
    """
    try:
        return _unpack(json.loads(text), tensors, device)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TaskvizError(
            f"A saved state cannot be read ({type(error).__name__}: {error})."
        ) from None


def module_state(module: nn.Module) -> dict[str, Any]:
    """Everything a module and its parts remember: parameters, buffers, plain attributes, and the
    optimizers that they own. What cannot be packed (a solver's problem) is left out."""
    return {path: _part_state(part) for path, part in module.named_modules()}


def load_module_state(module: nn.Module, state: Mapping[str, Any]) -> None:
    """Put back what :func:`module_state` gave into a module of the same make."""
    for path, part in module.named_modules():
        saved = state[path]
        with torch.no_grad():
            for name, value in saved["parameters"].items():
                part._parameters[name].copy_(value)
        for name, value in saved["buffers"].items():
            part._buffers[name] = value
        for name, value in saved["attributes"].items():
            part.__dict__[name] = value
        for name, value in saved["optimizers"].items():
            if part.__dict__.get(name) is None:
                # Made at its first step: over the part's own parameters, with the saved settings.
                kind = getattr(torch.optim, value["kind"])
                part.__dict__[name] = kind(part.parameters(recurse=False))
            part.__dict__[name].load_state_dict(value["state"])


def _part_state(part: nn.Module) -> dict[str, Any]:
    attributes, optimizers = {}, {}
    for name, value in vars(part).items():
        if name in OWN:
            continue
        if isinstance(value, torch.optim.Optimizer):
            optimizers[name] = {"kind": type(value).__name__, "state": value.state_dict()}
        elif _packable(value):
            attributes[name] = value
    return {
        "parameters": {n: p.detach() for n, p in part._parameters.items() if p is not None},
        "buffers": dict(part._buffers),
        "attributes": attributes,
        "optimizers": optimizers,
    }


def _packable(value: Any) -> bool:
    try:
        _pack(value, {})
    except TypeError:
        return False
    return True


def _pack(value: Any, tensors: dict[str, Tensor]) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {_MARK: "float", "of": repr(value)}
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {_MARK: "tensor", "of": name, "host": value.device.type == "cpu"}
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        name = str(len(tensors))
        tensors[name] = torch.from_numpy(value.copy())
        return {_MARK: "array", "of": name}
    if isinstance(value, np.generic) and value.dtype.kind in "fiub":
        return _pack(value.item(), tensors)
    if isinstance(value, torch.dtype):
        return {_MARK: "dtype", "of": str(value).removeprefix("torch.")}
    if isinstance(value, torch.device):
        return {_MARK: "device", "of": str(value)}
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {_MARK: kind, "of": [_pack(item, tensors) for item in value]}
    if isinstance(value, Mapping):
        return {_MARK: "dict", "of": [[_key(k), _pack(v, tensors)] for k, v in value.items()]}
    raise TypeError(f"{type(value).__name__} is no state that can be saved")


def _key(key: Any) -> str | int:
    if isinstance(key, str | int) and not isinstance(key, bool):
        return key
    raise TypeError(f"{type(key).__name__} is no key that can be saved")


def _unpack(value: Any, tensors: Mapping[str, Tensor], device: torch.device | str) -> Any:
    if not isinstance(value, dict):
        return value
    kind, of = value[_MARK], value["of"]
    if kind == "tensor":
        # A copy: what a file was read into may be unaligned, or belong to the file.
        return tensors[of].clone().to("cpu" if value["host"] else device)
    if kind == "array":
        return tensors[of].numpy().copy()
    if kind == "list":
        return [_unpack(item, tensors, device) for item in of]
    if kind == "tuple":
        return tuple(_unpack(item, tensors, device) for item in of)
    if kind == "dict":
        return {key: _unpack(item, tensors, device) for key, item in of}
    plain = {"float": float, "dtype": lambda name: getattr(torch, name), "device": torch.device}
    return plain[kind](of)
