"""Weights of the user's own for a trunk, from a safetensors file."""

import hashlib
from pathlib import Path

from torch import Tensor, nn

from taskviz.values import TaskvizError

HEADS = ("fc.", "classifier.", "head.", "heads.", "adapters.")
"""Parts of other networks' files that are no part of a trunk."""


def load_weights(trunk: nn.Module, path: str) -> None:
    """Put the tensors of a file into a trunk; every one of its weights must be there.

    Names may begin with ``trunk.``; heads in the file are passed over.

    Raises:
        TaskvizError: no such file, another format, or tensors that do not fit; the first is named.
    """
    found = _read(path)
    wanted = trunk.state_dict()
    for name, tensor in wanted.items():
        if name not in found:
            if name.endswith("num_batches_tracked"):
                continue
            some = ", ".join(list(found)[:3])
            raise TaskvizError(
                f"{path} has no tensor {name!r}, which the trunk needs; it has {some}, …: choose "
                "the network (width, depth, norm) that the weights were made for."
            )
        if found[name].shape != tensor.shape:
            raise TaskvizError(
                f"{path}: tensor {name!r} has shape {tuple(found[name].shape)}, but the trunk's "
                f"has {tuple(tensor.shape)}: choose the network that the weights were made for."
            )
    left = sorted(set(found) - set(wanted))
    if left:
        raise TaskvizError(
            f"{path} has a tensor {left[0]!r} for which the trunk has no place: choose the network "
            "(network, depth, norm) that the weights were made for."
        )
    trunk.load_state_dict(found, strict=False)


def weights_digest(path: str) -> str:
    """SHA-256 of a weight file.

    Raises:
        TaskvizError: it cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TaskvizError(f"Cannot read the weights {path}: {error.strerror}.") from None


def _read(path: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    weights_digest(path)
    try:
        found = load_file(path)
    except (SafetensorError, ValueError) as error:
        raise TaskvizError(f"{path} is no safetensors file of weights ({error}).") from None
    named = {name.removeprefix("trunk."): tensor for name, tensor in found.items()}
    return {name: tensor for name, tensor in named.items() if not name.startswith(HEADS)}
