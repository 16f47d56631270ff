"""Names beside nodes, placed so that they cover neither a node nor each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskviz.figures.text import text_width

Floats = NDArray[np.float64]

POSITIONS = (
    "bottom center",
    "top center",
    "middle right",
    "middle left",
    "bottom right",
    "bottom left",
    "top right",
    "top left",
)
"""Plotly's text positions, in the order of preference."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: "Box") -> float:
        """Area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)


def node_box(x: float, y: float, radius: float) -> Box:
    """Square around a node."""
    return Box(x - radius, y - radius, x + radius, y + radius)


def label_box(x: float, y: float, radius: float, text: str, font: float, position: str) -> Box:
    """Where Plotly puts a label of a marker, by the mean width of its letters."""
    width, height = text_width(text, font), 1.25 * font
    vertical, horizontal = position.split()
    left = {"left": x - radius - width, "center": x - width / 2, "right": x + radius}[horizontal]
    top = {"top": y - radius - height, "middle": y - height / 2, "bottom": y + radius}[vertical]
    return Box(left, top, left + width, top + height)


def place_labels(
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    *,
    radius: float,
    font: float,
    size: tuple[float, float],
    all_shown: bool,
    obstacles: Sequence[Box] = (),
) -> list[str | None]:
    """A text position for each node, chosen one after another.

    Args:
        points: centres in pixels, y downwards.
        texts: as drawn.
        radius: of the nodes.
        font: size in pixels.
        size: width and height of the plot; labels keep inside.
        all_shown: take the least bad position where none is free; else leave the label out.
        obstacles: what else labels should keep off.

    Returns:
        a position of :data:`POSITIONS` for each node, None for a label that is left out.
    """
    first = [*(node_box(x, y, radius) for x, y in points), *obstacles]
    taken = np.empty((len(first) + len(points), 4))
    taken[: len(first)] = [_corners(box) for box in first] or np.empty((0, 4))
    count = len(first)
    chosen: list[str | None] = []
    for (x, y), text in zip(points, texts, strict=True):
        boxes = np.array(
            [_corners(label_box(x, y, radius, text, font, position)) for position in POSITIONS]
        )
        area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        inside = _overlaps(boxes, np.array([[0.0, 0.0, *size]]))[:, 0]
        costs = area - inside + _overlaps(boxes, taken[:count]).sum(axis=1)
        best = int(costs.argmin())
        if costs[best] > 1e-9 and not all_shown:
            chosen.append(None)
            continue
        chosen.append(POSITIONS[best])
        taken[count] = boxes[best]
        count += 1
    return chosen


def _corners(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def _overlaps(boxes: Floats, others: Floats) -> Floats:
    """``(b, o)`` areas that each of some boxes shares with each of others, as
    :meth:`Box.overlap`; both ``(…, 4)`` left, top, right, bottom."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    areas: Floats = np.clip(high - low, 0.0, None).prod(axis=2)
    return areas
