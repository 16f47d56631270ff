"""The .ts format of the UCR and UEA time-series archives (as documented by aeon)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taskviz.values import TaskvizError

_MOST_NUMBERS = 50_000_000
_FLAGS = ("timestamps", "univariate", "equallength", "missing")


@dataclass(frozen=True, eq=False)
class TimeSeriesFile:
    """What a .ts file holds.

    Args:
        name: ``@problemName``.
        values: ``(n, channels, length)`` float32; shorter series end in NaN.
        labels: one text a series; empty where the file has no label.
        classes: those the header lists; empty where the label is a number to predict.
    """

    name: str
    values: NDArray[np.float32]
    labels: tuple[str, ...]
    classes: tuple[str, ...]


def read_ts(path: Path, label: str = "") -> TimeSeriesFile:
    """Read a .ts file.

    Raises:
        TaskvizError: no such file, or the first line that does not fit, with its number.
    """
    label = label or path.name
    lines = _lines(path, label)
    header, classes = _header(lines, label)
    if header.get("timestamps") == "true":
        raise TaskvizError(
            f"{label} has time stamps: taskviz reads series of evenly spaced values, so write it "
            "without them (@timeStamps false)."
        )
    labelled = header.get("classlabel") == "true" or header.get("targetlabel") == "true"
    series: list[list[NDArray[np.float32]]] = []
    labels: list[str] = []
    seen = 0
    for number, line in lines:
        parts = line.split(":")
        if labelled:
            if len(parts) < 2:
                raise TaskvizError(
                    f"{label}, line {number}: there is no label; the header says that each line "
                    "ends in a colon and a label."
                )
            labels.append(_label(parts.pop().strip(), classes, f"{label}, line {number}"))
        series.append([_numbers(part, f"{label}, line {number}") for part in parts])
        seen += sum(map(len, series[-1]))
        if seen > _MOST_NUMBERS:
            raise TaskvizError(
                f"{label} holds more than the {_MOST_NUMBERS:,} numbers that are read: "
                "split it or shorten its series."
            )
        _check_shape(series, header, f"{label}, line {number}")
    if not series:
        raise TaskvizError(f"{label} has no series after @data: at least one is needed.")
    return TimeSeriesFile(header.get("problemname", path.stem), pad(series), tuple(labels), classes)


def pad(series: list[list[NDArray[np.float32]]]) -> NDArray[np.float32]:
    """``(n, channels, length)`` of series that may differ in length; shorter ones end in NaN."""
    length = max(len(channel) for one in series for channel in one)
    values = np.full((len(series), len(series[0]), length), np.nan, dtype=np.float32)
    for i, one in enumerate(series):
        for c, channel in enumerate(one):
            values[i, c, : len(channel)] = channel
    return values


def _lines(path: Path, label: str) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                plain = line.strip()
                if plain and not plain.startswith(("#", "%")):
                    yield number, plain
    except FileNotFoundError:
        raise TaskvizError(f"There is no file {label}: give the path of a .ts file.") from None
    except (UnicodeDecodeError, OSError) as error:
        raise TaskvizError(
            f"{label} cannot be read as text ({error}): a .ts file in UTF-8 is needed."
        ) from None


def _header(lines: Iterator[tuple[int, str]], label: str) -> tuple[dict[str, str], tuple[str, ...]]:
    header: dict[str, str] = {}
    classes: tuple[str, ...] = ()
    for number, line in lines:
        key, *rest = line.split()
        key = key.lower()
        if not key.startswith("@"):
            raise TaskvizError(
                f"{label}, line {number}: data stand before the line @data; a .ts file begins "
                "with its header."
            )
        if key == "@data":
            return header, classes
        name, value = key[1:], " ".join(rest)
        if name in (*_FLAGS, "classlabel", "targetlabel"):
            value = rest[0].lower() if rest else ""
            if value not in ("true", "false"):
                raise TaskvizError(
                    f"{label}, line {number}: {key} is {value!r}; true or false is needed."
                )
        if name == "classlabel" and value == "true":
            classes = tuple(rest[1:])
            if len(set(classes)) < 2:
                raise TaskvizError(
                    f"{label}, line {number}: @classLabel lists {len(set(classes))} classes; "
                    "at least 2 different ones are needed."
                )
        header[name] = value
    raise TaskvizError(f"{label} has no line @data: a .ts file has a header, then @data.")


def _label(text: str, classes: tuple[str, ...], where: str) -> str:
    if classes:
        if text not in (*classes, "?"):
            raise TaskvizError(
                f"{where}: {text!r} is none of the classes of the header, {', '.join(classes)}."
            )
        return "" if text == "?" else text
    if text in ("", "?"):
        return ""
    try:
        value = float(text)
    except ValueError:
        value = float("inf")
    if np.isinf(value):
        raise TaskvizError(f"{where}: the target {text!r} is not a finite number.")
    return "" if np.isnan(value) else text


def _numbers(text: str, where: str) -> NDArray[np.float32]:
    cells = text.split(",")
    try:
        values = np.array(
            [np.nan if cell.strip() in ("?", "") else cell for cell in cells], dtype=np.float32
        )
    except ValueError:
        wrong = next(cell for cell in cells if not _is_number(cell))
        raise TaskvizError(f"{where}: {wrong.strip()[:40]!r} is not a number.") from None
    if np.isinf(values).any():
        raise TaskvizError(f"{where}: a value is infinite; finite numbers or ? are needed.")
    return values


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.strip() in ("?", "")
    return True


def _check_shape(
    series: list[list[NDArray[np.float32]]], header: dict[str, str], where: str
) -> None:
    one, first = series[-1], series[0]
    wanted = int(header["dimensions"]) if header.get("dimensions", "").isdigit() else len(first)
    if header.get("univariate") == "true":
        wanted = 1
    if len(one) != wanted:
        raise TaskvizError(
            f"{where}: the series has {len(one)} channels but {wanted} are expected; write one "
            "part between colons a channel."
        )
    if len({len(channel) for channel in one}) > 1:
        raise TaskvizError(
            f"{where}: the channels of one series differ in length; give them the same length."
        )
    equal = header.get("equallength") == "true"
    length = header.get("serieslength", "")
    right = int(length) if equal and length.isdigit() else len(first[0])
    if equal and len(one[0]) != right:
        raise TaskvizError(
            f"{where}: the series has {len(one[0])} values but {right} are expected, since the "
            "header says that all have equal length."
        )
