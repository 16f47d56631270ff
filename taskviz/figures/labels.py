"""Names beside nodes, placed so that they cover neither a node nor each other."""

from collections.abc import Sequence
from dataclasses import dataclass

from taskviz.figures.text import text_width

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
    taken = [*(node_box(x, y, radius) for x, y in points), *obstacles]
    frame = Box(0, 0, *size)
    chosen: list[str | None] = []
    for (x, y), text in zip(points, texts, strict=True):
        costs = []
        for position in POSITIONS:
            box = label_box(x, y, radius, text, font, position)
            area = (box.right - box.left) * (box.bottom - box.top)
            outside = area - box.overlap(frame)
            costs.append(outside + sum(box.overlap(other) for other in taken))
        best = min(range(len(POSITIONS)), key=lambda i: costs[i])
        if costs[best] > 1e-9 and not all_shown:
            chosen.append(None)
            continue
        chosen.append(POSITIONS[best])
        taken.append(label_box(x, y, radius, text, font, POSITIONS[best]))
    return chosen
