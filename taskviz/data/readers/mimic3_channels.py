"""The 17 channels of the MIMIC-III benchmark as 76 numbers an hour, as its discretizer has them.

Categories are one-hot, gaps take the last value or the normal one, and a mask a channel says
whether the hour held a measurement.
"""

import numpy as np
from numpy.typing import NDArray

from taskviz.values import TaskvizError

_EYE = (
    "To Pain",
    "3 To speech",
    "1 No Response",
    "4 Spontaneously",
    "None",
    "To Speech",
    "Spontaneously",
    "2 To pain",
)
_MOTOR = (
    "1 No Response",
    "3 Abnorm flexion",
    "Abnormal extension",
    "No response",
    "4 Flex-withdraws",
    "Localizes Pain",
    "Flex-withdraws",
    "Obeys Commands",
    "Abnormal Flexion",
    "6 Obeys Commands",
    "5 Localizes Pain",
    "2 Abnorm extensn",
)
_VERBAL = (
    "1 No Response",
    "No Response",
    "Confused",
    "Inappropriate Words",
    "Oriented",
    "No Response-ETT",
    "5 Oriented",
    "Incomprehensible sounds",
    "1.0 ET/Trach",
    "4 Confused",
    "2 Incomp sounds",
    "3 Inapprop words",
)
_TOTAL = ("11", "10", "13", "12", "15", "14", "3", "5", "4", "7", "6", "9", "8")

_TABLE: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("Capillary refill rate", ("0.0", "1.0"), "0.0"),
    ("Diastolic blood pressure", (), "59.0"),
    ("Fraction inspired oxygen", (), "0.21"),
    ("Glascow coma scale eye opening", _EYE, "4 Spontaneously"),
    ("Glascow coma scale motor response", _MOTOR, "6 Obeys Commands"),
    ("Glascow coma scale total", _TOTAL, "15"),
    ("Glascow coma scale verbal response", _VERBAL, "5 Oriented"),
    ("Glucose", (), "128.0"),
    ("Heart Rate", (), "86"),
    ("Height", (), "170.0"),
    ("Mean blood pressure", (), "77.0"),
    ("Oxygen saturation", (), "98.0"),
    ("Respiratory rate", (), "19"),
    ("Systolic blood pressure", (), "118.0"),
    ("Temperature", (), "36.6"),
    ("Weight", (), "81.0"),
    ("pH", (), "7.4"),
)
CHANNELS = tuple(name for name, _, _ in _TABLE)
WIDTH = sum(len(values) or 1 for _, values, _ in _TABLE) + len(_TABLE)
"""76: values and masks."""


def encode_stay(
    hours: NDArray[np.float64], rows: list[list[str]], end: float
) -> NDArray[np.float32]:
    """``(76, steps)``: one step an hour up to ``end`` hours.

    Args:
        hours: ``(m,)`` since admission.
        rows: m rows of 17 cells, "" where nothing was measured.
        end: hours; what was measured later is not seen.

    Raises:
        TaskvizError: a cell that is neither a number nor a category of its channel.
    """
    steps = max(int(np.ceil(end - 1e-6)), 1)
    columns = []
    masks = np.zeros((len(_TABLE), steps), dtype=np.float32)
    seen = np.flatnonzero((hours <= end + 1e-6) & (hours >= -1e-6))
    order = seen[np.argsort(hours[seen], kind="stable")]
    step = np.minimum(hours[order].astype(np.int64), steps - 1)
    for c, (name, values, normal) in enumerate(_TABLE):
        cells: list[str] = [""] * steps
        for row, place in zip(order, step, strict=True):
            text = rows[row][c].strip()
            if text:
                cells[place] = text
                masks[c, place] = 1
        last = normal
        for place in range(steps):
            last = cells[place] = cells[place] or last
        columns.append(_encode(cells, values, name))
    return np.concatenate([*columns, masks])


def _encode(cells: list[str], values: tuple[str, ...], name: str) -> NDArray[np.float32]:
    if not values:
        try:
            numbers = np.array([cells], dtype=np.float32)
        except ValueError:
            numbers = np.full((1, 1), np.inf, dtype=np.float32)
        if not np.isfinite(numbers).all():
            wrong = next(cell for cell in cells if not _is_finite(cell))
            raise TaskvizError(
                f"Channel {name!r} of a stay holds {wrong[:40]!r}, which is no number."
            )
        return numbers
    out = np.zeros((len(values), len(cells)), dtype=np.float32)
    for place, cell in enumerate(cells):
        found = cell if cell in values else _as_listed(cell, values)
        if found is None:
            raise TaskvizError(
                f"Channel {name!r} of a stay holds {cell[:40]!r}, which is none of its categories."
            )
        out[values.index(found), place] = 1
    return out


def _as_listed(cell: str, values: tuple[str, ...]) -> str | None:
    """A category that is written as another number: 15.0 for 15, 0 for 0.0."""
    try:
        number = float(cell)
    except ValueError:
        return None
    for value in values:
        try:
            if float(value) == number:
                return value
        except ValueError:
            continue
    return None


def _is_finite(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False
