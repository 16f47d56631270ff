"""Images in files of their own: decoded when they are asked for, never all at once."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.readers.base import Findings, Request
from taskviz.data.readers.file_rows import FileRows, files_digest
from taskviz.values import TaskvizError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".pgm", ".ppm", ".webp")
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "GIF", "PPM", "WEBP")
MOST_PIXELS = 50_000_000
"""Of one image; a larger one is refused before it is decoded."""
_GREY = ("1", "L", "LA", "I", "I;16", "F")


class ImageFiles(FileRows):
    """``(n, channels, height, width)`` uint8 out of n files.

    Args:
        folder: where the files are.
        names: of the files, relative to the folder, in the order of the samples.
        size: height and width that every image is brought to.
        channels: 1 (grey) or 3 (red, green, blue).
        fingerprint: of names, sizes and times of change of the files.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        size: tuple[int, int],
        channels: int,
        fingerprint: str,
    ) -> None:
        super().__init__(
            (len(names), channels, *size), np.dtype(np.uint8), f"{fingerprint} {size} {channels}"
        )
        self.folder = folder
        self.names = tuple(names)
        self.size = size
        self.channels = channels

    def decode(self, row: int) -> NDArray[np.uint8]:
        """One image.

        Raises:
            TaskvizError: it cannot be decoded, or has another number of channels.
        """
        return decode_image(
            self.folder / self.names[row], self.names[row], self.size, self.channels
        )


def decode_image(path: Path, label: str, size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    """``(channels, *size)`` of one file; reading goes through Pillow, and no further than pixels.

    Raises:
        TaskvizError: no image, truncated, too many pixels, grey among coloured ones or the reverse.
    """
    from PIL import Image

    image = _open(path, label)
    try:
        grey = image.mode in _GREY
        if grey != (channels == 1):
            found, wanted = ("one channel (grey)", "three") if grey else ("colours", "one (grey)")
            raise TaskvizError(
                f"{label} has {found} but the collection has {wanted}: convert it, or set the "
                "option channels."
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plain = image.convert("L" if channels == 1 else "RGB")
            if plain.size != (size[1], size[0]):
                plain = plain.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    except TaskvizError:
        raise
    except Exception as error:  # Pillow's decoders raise many kinds on broken data
        raise TaskvizError(
            f"{label} cannot be decoded ({_short(error)}): replace the file or leave it out."
        ) from None
    finally:
        image.close()
    pixels = np.asarray(plain, dtype=np.uint8)
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def image_look(path: Path, label: str) -> tuple[tuple[int, int], int]:
    """Height and width, and channels (1 or 3), from the head of a file."""
    with _open(path, label) as image:
        return (image.size[1], image.size[0]), 1 if image.mode in _GREY else 3


def image_collection(
    folder: Path, names: Sequence[str], request: Request, *, stats: Sequence[tuple[int, int]]
) -> ImageFiles:
    """Lazy inputs over files, of the size and channels asked for or of the first image.

    Args:
        folder: where they are.
        names: relative to the folder; at least one.
        request: its options ``size`` and ``channels`` are used; all files are decoded where it is
            thorough.
        stats: size in bytes and time of change (ns) of each file.
    """
    size = _size(request)
    channels = request.options.get("channels")
    if channels not in (None, 1, 3):
        raise TaskvizError(f"Option 'channels' is {channels!r}: 1 (grey) or 3 (colour) is needed.")
    if size is None or channels is None:
        found_size, found_channels = _first_look(folder, names, request.findings)
        size, channels = size or found_size, channels or found_channels
    images = ImageFiles(folder, names, size, int(channels), files_digest(names, stats))
    if request.thorough:
        images.check(request.findings)
    return images


def scan(folder: Path) -> dict[str, tuple[int, int]]:
    """Name → bytes and time of change (ns) of the images in a folder, in order of their names."""
    found = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith(".") or not name.lower().endswith(SUFFIXES):
                continue
            if entry.is_file(follow_symlinks=False):
                status = entry.stat()
                found[name] = (status.st_size, status.st_mtime_ns)
    return {name: found[name] for name in sorted(found)}


def _first_look(
    folder: Path, names: Sequence[str], findings: Findings
) -> tuple[tuple[int, int], int]:
    for name in names[:20]:
        try:
            return image_look(folder / name, name)
        except TaskvizError as error:
            findings.error(str(error))
    raise TaskvizError(f"None of the first images of {folder.name} can be opened.")


def _size(request: Request) -> tuple[int, int] | None:
    size = request.options.get("size")
    if size is None:
        return None
    if (
        not isinstance(size, list | tuple)
        or len(size) != 2
        or not all(isinstance(v, int) and not isinstance(v, bool) and 4 <= v <= 1024 for v in size)
    ):
        raise TaskvizError(
            f"Option 'size' is {size!r}: height and width from 4 to 1024 are needed, such as "
            "[64, 64]."
        )
    return int(size[0]), int(size[1])


def _open(path: Path, label: str) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(path, formats=FORMATS)
    except FileNotFoundError:
        raise TaskvizError(f"There is no image {label}: add it or leave its row out.") from None
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as error:
        raise TaskvizError(
            f"{label} is no image that can be read ({_short(error)}): PNG, JPEG, BMP, TIFF, GIF, "
            "PPM or WebP is needed."
        ) from None
    if image.size[0] * image.size[1] > MOST_PIXELS:
        image.close()
        raise TaskvizError(
            f"{label} has {image.size[0]:,} × {image.size[1]:,} pixels, more than the "
            f"{MOST_PIXELS:,} that are decoded: make it smaller."
        )
    return image


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    # Pillow names the whole path; ours is named already.
    return type(error).__name__ if "/" in text or not text else text[:120]
