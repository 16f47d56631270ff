"""CIFAR-10 and STL-10 in their binary versions, SVHN in its MATLAB version."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.readers.base import DataSet, Reader, Request, frame_of
from taskviz.values import TaskvizError

CLASS = "class"
MOST_BYTES = 4_000_000_000
_CIFAR_ROW = 1 + 3 * 32 * 32
_STL_IMAGE = 3 * 96 * 96
_CIFAR_TRAIN = tuple(f"data_batch_{i}.bin" for i in range(1, 6))


def recognise_cifar(folder: Path) -> dict[str, str] | None:
    """Whether CIFAR-10's binary batches lie in a folder or in the one that its archive makes."""
    for relative in (".", "cifar-10-batches-bin"):
        if (folder / relative / "data_batch_1.bin").is_file():
            return {"folder": relative}
    return None


def read_cifar(request: Request) -> DataSet:
    """Rows of one label byte and 3 × 32 × 32 pixels."""
    folder = request.files["folder"]
    if not (folder / _CIFAR_TRAIN[0]).is_file() and (folder / "data_batch_1").is_file():
        raise TaskvizError(
            f"{folder.name} holds CIFAR-10 for Python, whose files are pickles and could run code: "
            "download the binary version."
        )
    names = _class_names(folder / "batches.meta.txt", 10, request)
    images, codes, split = [], [], []
    for name in (*_CIFAR_TRAIN, "test_batch.bin"):
        path = folder / name
        if not path.is_file():
            request.findings.error(f"{name} of CIFAR-10 is missing in {folder.name}.")
            continue
        data = _bytes(path)
        if not len(data) or len(data) % _CIFAR_ROW:
            request.findings.error(
                f"{name} has {len(data):,} bytes, which is no whole number of images of "
                f"{_CIFAR_ROW:,} bytes: the file is cut off or no binary batch of CIFAR-10."
            )
            continue
        rows = data.reshape(-1, _CIFAR_ROW)
        if rows[:, 0].max() > 9:
            bad = int((rows[:, 0] > 9).argmax())
            request.findings.error(
                f"{name}, image {bad + 1}: the label is {rows[bad, 0]}, but CIFAR-10 has labels 0 "
                "to 9."
            )
            continue
        images.append(rows[:, 1:].reshape(-1, 3, 32, 32))
        codes.append(rows[:, 0])
        split.append(np.full(len(rows), 2 * (name == "test_batch.bin"), dtype=np.int8))
    return _data(images, codes, split, names, folder)


def recognise_stl(folder: Path) -> dict[str, str] | None:
    """Whether STL-10's binary files lie in a folder or in the one that its archive makes."""
    for relative in (".", "stl10_binary"):
        if (folder / relative / "train_X.bin").is_file():
            return {"folder": relative}
    return None


def read_stl(request: Request) -> DataSet:
    """Images of 3 × 96 × 96 pixels, stored column by column; labels 1 to 10."""
    folder = request.files["folder"]
    names = _class_names(folder / "class_names.txt", 10, request)
    images, codes, split = [], [], []
    for number, part in enumerate(("train", "test")):
        pixels, labels = folder / f"{part}_X.bin", folder / f"{part}_y.bin"
        missing = [path.name for path in (pixels, labels) if not path.is_file()]
        for name in missing:
            request.findings.error(f"{name} of STL-10 is missing in {folder.name}.")
        if missing:
            continue
        data, marks = _bytes(pixels), _bytes(labels)
        if not len(data) or len(data) % _STL_IMAGE:
            request.findings.error(
                f"{pixels.name} has {len(data):,} bytes, which is no whole number of images of "
                f"{_STL_IMAGE:,} bytes: the file is cut off."
            )
            continue
        count = len(data) // _STL_IMAGE
        if len(marks) != count:
            request.findings.error(
                f"{labels.name} has {len(marks):,} labels but {pixels.name} has {count:,} images."
            )
            continue
        if marks.min() < 1 or marks.max() > 10:
            request.findings.error(f"{labels.name} holds a label outside 1 to 10.")
            continue
        images.append(data.reshape(-1, 3, 96, 96).transpose(0, 1, 3, 2))
        codes.append(marks - 1)
        split.append(np.full(count, 2 * number, dtype=np.int8))
    return _data(images, codes, split, names, folder)


def recognise_svhn(folder: Path) -> dict[str, str] | None:
    """Whether the cropped digits of SVHN lie in a folder."""
    if not (folder / "train_32x32.mat").is_file():
        return None
    found = {"train": "train_32x32.mat"}
    if (folder / "test_32x32.mat").is_file():
        found["test"] = "test_32x32.mat"
    return found


def read_svhn(request: Request) -> DataSet:
    """Cropped digits of 32 × 32 pixels; the label 10 stands for the digit 0."""
    images, codes, split = [], [], []
    for number, role in enumerate(("train", "test")):
        path = request.files.get(role)
        if path is None:
            request.findings.note("There is no test file of SVHN: a split is drawn.")
            continue
        try:
            pixels, labels = _matlab(path)
        except TaskvizError as error:
            request.findings.error(str(error))
            continue
        images.append(np.ascontiguousarray(pixels.transpose(3, 2, 0, 1)))
        codes.append(labels.astype(np.int64) % 10)
        split.append(np.full(len(labels), 2 * number, dtype=np.int8))
    names = [str(i) for i in range(10)]
    whole = "test" in request.files
    return _data(images, codes, split if whole else None, names, request.files["train"])


def _matlab(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    from scipy.io import loadmat, whosmat

    try:
        described = {name: (shape, kind) for name, shape, kind in whosmat(str(path))}
        size = sum(int(np.prod(shape)) for shape, _ in described.values())
        if size > MOST_BYTES:
            raise TaskvizError(f"{path.name} holds more than the {MOST_BYTES:,} numbers allowed.")
        for name in ("X", "y"):
            if name not in described:
                raise TaskvizError(
                    f"{path.name} has no variable {name!r}: SVHN has X (images) and y (labels)."
                )
            if described[name][1] in ("cell", "struct", "object", "opaque", "function", "char"):
                raise TaskvizError(
                    f"{path.name}: {name!r} is a MATLAB {described[name][1]}; an array of numbers "
                    "is needed."
                )
        found = loadmat(str(path), variable_names=["X", "y"])
    except NotImplementedError:
        raise TaskvizError(
            f"{path.name} is a MATLAB 7.3 file: save it in version 5 or 7."
        ) from None
    except TaskvizError:
        raise
    except Exception as error:  # scipy lets through whatever a damaged file brings about
        text = " ".join(str(error).split())[:120]
        raise TaskvizError(f"{path.name} cannot be read as a MATLAB file ({text}).") from None
    pixels, labels = found["X"], found["y"].reshape(-1)
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[2] != 3:
        raise TaskvizError(
            f"{path.name}: X has shape {pixels.shape} of {pixels.dtype}; (height, width, 3, n) of "
            "uint8 is needed."
        )
    if len(labels) != pixels.shape[3]:
        raise TaskvizError(
            f"{path.name} has {pixels.shape[3]:,} images but {len(labels):,} labels."
        )
    if labels.dtype.kind not in "iuf" or not np.isin(labels, range(11)).all():
        raise TaskvizError(f"{path.name}: y holds a label outside 1 to 10.")
    return pixels, labels


def _bytes(path: Path) -> NDArray[np.uint8]:
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise TaskvizError(f"{path.name} is larger than the {MOST_BYTES:,} bytes that are read.")
    return np.fromfile(path, dtype=np.uint8)


def _class_names(path: Path, count: int, request: Request) -> list[str]:
    try:
        names = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        names = []
    if len(set(names)) == count:
        return names
    request.findings.note(f"{path.name} does not name {count} classes: they are called 0, 1, ….")
    return [str(i) for i in range(count)]


def _data(
    images: list[NDArray[np.uint8]],
    codes: list[NDArray[Any]],
    split: list[NDArray[np.int8]] | None,
    names: list[str],
    where: Path,
) -> DataSet:
    if not images:
        raise TaskvizError(f"No image of {where.name} can be read.")
    labels = np.array(names, dtype=object)[np.concatenate(codes)]
    published = None if split is None else np.concatenate(split)
    if published is not None and len(set(published.tolist())) < 2:
        published = None
    return DataSet(
        np.concatenate(images), frame_of({CLASS: labels}), class_column=CLASS, split=published
    )


CIFAR10 = Reader(
    "cifar10",
    "image",
    "CIFAR-10, binary version: data_batch_1.bin … test_batch.bin",
    {"folder": "folder of the batches"},
    {},
    recognise_cifar,
    read_cifar,
)
STL10 = Reader(
    "stl10",
    "image",
    "STL-10, binary version: train_X.bin, train_y.bin, test_X.bin, test_y.bin",
    {"folder": "folder of the files"},
    {},
    recognise_stl,
    read_stl,
)
SVHN = Reader(
    "svhn",
    "image",
    "SVHN, cropped digits: train_32x32.mat, test_32x32.mat",
    {"train": "train_32x32.mat", "test?": "test_32x32.mat"},
    {},
    recognise_svhn,
    read_svhn,
)
