"""A folder a class, as the colorectal histology and malaria sets are distributed."""

from pathlib import Path

import numpy as np

from taskviz.data.readers.base import DataSet, Reader, Request, frame_of
from taskviz.data.readers.image_files import image_collection, scan
from taskviz.values import TaskvizError

CLASS = "class"
_PARTS = {"train": 0, "training": 0, "valid": 1, "val": 1, "validation": 1, "test": 2, "testing": 2}


def recognise(folder: Path) -> dict[str, str] | None:
    """Whether at least two folders with images lie in a folder, or in the only one inside it."""
    place, relative = folder, "."
    for _ in range(3):
        inside = _folders(place)
        if len(inside) >= 2 and sum(map(_has_images, inside)) >= 2:
            return {"folder": relative}
        if len(inside) >= 2 and all(name.name.lower() in _PARTS for name in inside):
            return {"folder": relative} if _has_classes(inside[0]) else None
        if len(inside) != 1:
            return None
        place = inside[0]
        relative = str(place.relative_to(folder))
    return None


def read(request: Request) -> DataSet:
    """The class of an image is the name of its folder."""
    root = request.files["folder"]
    names: list[str] = []
    stats: list[tuple[int, int]] = []
    classes: list[str] = []
    split: list[int] = []
    parts = [f for f in _folders(root) if f.name.lower() in _PARTS and _has_classes(f)]
    for part in parts or [root]:
        for folder in _folders(part):
            found = scan(folder)
            if not found:
                request.findings.error(
                    f"Folder {folder.relative_to(root)} holds no image: put the images of its "
                    "class there, or remove it."
                )
            names += [str((folder / name).relative_to(root)) for name in found]
            stats += found.values()
            classes += [folder.name] * len(found)
            split += [_PARTS.get(part.name.lower(), 0)] * len(found)
    if len(set(classes)) < 2:
        raise TaskvizError(
            f"Folder {root.name} has {len(set(classes))} folders with images: at least 2 are "
            "needed, one a class."
        )
    images = image_collection(root, names, request, stats=stats)
    published = np.array(split, dtype=np.int8) if parts else None
    return DataSet(images, frame_of({CLASS: classes}), class_column=CLASS, split=published)


def _folders(folder: Path) -> list[Path]:
    return sorted(
        f
        for f in folder.iterdir()
        if f.is_dir() and not f.is_symlink() and not f.name.startswith((".", "__"))
    )


def _has_images(folder: Path) -> bool:
    return bool(scan(folder))


def _has_classes(folder: Path) -> bool:
    return sum(map(_has_images, _folders(folder))) >= 2


READER = Reader(
    "class-folders",
    "image",
    "one folder of images a class (colorectal histology, malaria), also below train/ and test/",
    {"folder": "folder that holds the folders"},
    {"size": "height and width, such as [64, 64]", "channels": "1 or 3"},
    recognise,
    read,
)
