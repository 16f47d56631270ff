"""CelebA as it is distributed: aligned images, attributes and partition (Liu et al., ICCV 2015)."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taskviz.data.readers.base import DataSet, Reader, Request, Target
from taskviz.data.readers.image_files import image_collection, scan
from taskviz.values import TaskvizError

if TYPE_CHECKING:
    pass

TAG_ATTRIBUTES = (
    "5_o_Clock_Shadow",
    "Black_Hair",
    "Blond_Hair",
    "Brown_Hair",
    "Goatee",
    "Mustache",
    "No_Beard",
    "Rosy_Cheeks",
    "Wearing_Hat",
)
"""The nine attributes of TAG (Fifty et al. 2021), which the SCA paper takes over."""

_MORE = "more"  # what stands behind the last cell of a line
_IMAGES, _ATTRIBUTES, _PARTITION = (
    "img_align_celeba",
    "list_attr_celeba.txt",
    "list_eval_partition.txt",
)


def recognise(folder: Path) -> dict[str, str] | None:
    """Whether the three parts of CelebA lie in a folder."""
    for prefix in ("", "Anno/"):
        attributes = f"{prefix}{_ATTRIBUTES}"
        if (folder / _IMAGES).is_dir() and (folder / attributes).is_file():
            found = {"images": _IMAGES, "attributes": attributes}
            for partition in (_PARTITION, f"Eval/{_PARTITION}"):
                if (folder / partition).is_file():
                    found["partition"] = partition
            return found
    return None


def read(request: Request) -> DataSet:
    """Attributes as binary tasks; only the lists are read, images when they are asked for."""
    import pandas as pd

    folder, path = request.files["images"], request.files["attributes"]
    stated, names = _head(path)
    try:
        table = pd.read_csv(
            path,
            sep=r"\s+",
            skiprows=2,
            header=None,
            names=["image", *names, _MORE],
            index_col=False,
            dtype={"image": str, _MORE: str} | dict.fromkeys(names, np.int8),
        )
    except (ValueError, pd.errors.ParserError, UnicodeDecodeError, OverflowError):
        raise _broken_row(path, names) from None
    values = table[names].to_numpy()
    if table[_MORE].notna().any() or not (np.abs(values) == 1).all():
        raise _broken_row(path, names)
    if len(table) != stated:
        request.findings.error(
            f"{path.name} says that it lists {stated:,} images but has {len(table):,} rows: a row "
            f"is {'missing' if len(table) < stated else 'too many'}, or the first line is wrong."
        )
    listed = table["image"].tolist()
    if len(set(listed)) < len(listed):
        twice = next(name for i, name in enumerate(listed) if name in listed[:i])
        request.findings.error(f"{path.name} lists the image {twice} more than once.")
    files = scan(folder)
    there = [i for i, name in enumerate(listed) if name in files]
    missing = [name for name in listed if name not in files]
    for name in missing[:20]:
        request.findings.error(
            f"{path.name} lists the image {name}, which is not in {folder.name}."
        )
    if len(missing) > 20:
        request.findings.error(f"{len(missing) - 20:,} more images of {path.name} are missing.")
    spare = len(files) - len(there)
    if spare > 0:
        request.findings.note(f"{spare:,} images in {folder.name} are in no row of {path.name}.")
    if not there:
        raise TaskvizError(f"No image of {path.name} is in {folder.name}: put the images there.")
    kept = [listed[i] for i in there]
    split = _partition(request, kept)
    images = image_collection(folder, kept, request, stats=[files[name] for name in kept])
    positive = values[there] > 0
    labels = pd.DataFrame({name: positive[:, i] for i, name in enumerate(names)})
    chosen = [name for name in TAG_ATTRIBUTES if name in names] or names
    default = tuple(Target(name, (name,), "binary") for name in chosen)
    return DataSet(images, labels, default, split=split)


def _head(path: Path) -> tuple[int, list[str]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            count, names = file.readline().strip(), file.readline().split()
    except (UnicodeDecodeError, OSError) as error:
        raise TaskvizError(f"{path.name} cannot be read as text ({error}).") from None
    if not count.isdigit() or len(names) < 2:
        raise TaskvizError(
            f"{path.name} does not begin like CelebA's list (the number of images, then the names "
            "of the attributes): use the file as it is distributed."
        )
    return int(count), names


def _broken_row(path: Path, names: list[str]) -> TaskvizError:
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            cells = line.split()
            if number < 3 or not cells:
                continue
            if len(cells) != len(names) + 1:
                return TaskvizError(
                    f"{path.name}, line {number}: {len(cells)} cells but {len(names) + 1} are "
                    "expected, an image and one a attribute."
                )
            wrong = next((cell for cell in cells[1:] if cell not in ("-1", "1")), None)
            if wrong is not None:
                return TaskvizError(
                    f"{path.name}, line {number}: {wrong[:40]!r} is no label of an attribute; 1 or "
                    "-1 is needed."
                )
    return TaskvizError(f"{path.name} cannot be read as CelebA's list of attributes.")


def _partition(request: Request, images: list[str]) -> NDArray[np.int8] | None:
    import pandas as pd

    path = request.files.get("partition")
    if path is None:
        request.findings.note("There is no list_eval_partition.txt: a split is drawn.")
        return None
    try:
        table = pd.read_csv(
            path,
            sep=r"\s+",
            header=None,
            names=["image", "part", _MORE],
            index_col=False,
            dtype={"image": str, "part": np.int8, _MORE: str},
        )
    except (ValueError, pd.errors.ParserError, UnicodeDecodeError, OverflowError):
        raise TaskvizError(
            f"{path.name} cannot be read: each line must hold an image and 0, 1 or 2."
        ) from None
    if table[_MORE].notna().any():
        row = int(table[_MORE].notna().to_numpy().argmax())
        raise TaskvizError(f"{path.name}, line {row + 1}: more than an image and its part.")
    known = dict(zip(table["image"].tolist(), table["part"].tolist(), strict=True))
    parts = [known.get(name, -1) for name in images]
    if -1 in parts:
        raise TaskvizError(
            f"{path.name} has no line for {images[parts.index(-1)]} (and {parts.count(-1) - 1} "
            "others): each image needs 0 (train), 1 (valid) or 2 (test)."
        )
    if not set(parts) <= {0, 1, 2}:
        raise TaskvizError(f"{path.name} holds a part other than 0, 1 and 2.")
    return np.array(parts, dtype=np.int8)


READER = Reader(
    "celeba",
    "image",
    "CelebA: img_align_celeba/, list_attr_celeba.txt, list_eval_partition.txt",
    {
        "images": "folder of aligned images",
        "attributes": "list_attr_celeba.txt",
        "partition?": "list_eval_partition.txt",
    },
    {"size": "height and width, such as [64, 64]", "channels": "1 or 3"},
    recognise,
    read,
)
