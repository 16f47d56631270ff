"""Where a PDF of Chromium has its text: each run with its box, font and what it is clipped to."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pypdf import PdfReader

MARGIN = 15 / 25.4 * 72
"""Of the paper, in points."""


@dataclass(frozen=True)
class Run:
    """Letters of one font on one line; lengths in points, y upwards from the foot of the sheet."""

    left: float
    right: float
    foot: float
    size: float
    bold: bool
    window: tuple[float, float, float, float]
    """Left, foot, right, top of what is drawn at all at this place."""

    @property
    def is_cut(self) -> bool:
        """Whether a part of it is not on the paper; the baseline and x-height count."""
        left, foot, right, top = self.window
        slack = 0.75
        return (
            self.left < left - slack
            or self.right > right + slack
            or self.foot < foot - slack
            or self.foot + self.size / 2 > top + slack
        )


@dataclass
class Sheet:
    """One page of the PDF."""

    width: float
    height: float
    runs: list[Run] = field(default_factory=list)

    @property
    def filled(self) -> float:
        """Share of the height within the margins down to the last line of text."""
        last = min(run.foot for run in self.runs)
        return (self.height - MARGIN - last) / (self.height - 2 * MARGIN)

    @property
    def last_line(self) -> list[Run]:
        """The runs of the last line."""
        last = min(run.foot for run in self.runs)
        return [run for run in self.runs if run.foot < last + run.size / 2]


def read_sheets(path: Path) -> list[Sheet]:
    """The pages of a PDF."""
    return [_read(page) for page in PdfReader(path).pages]


def _read(page: Any) -> Sheet:
    width, height = float(page.mediabox.width), float(page.mediabox.height)
    sheet = Sheet(width, height)
    window = (0.0, 0.0, width, height)
    stack: list[tuple[float, float, float, float]] = []
    path: list[tuple[float, float]] = []
    fonts = {name: _Font(font.get_object()) for name, font in page["/Resources"]["/Font"].items()}
    font, size = next(iter(fonts.values())), 0.0

    def operator(name: bytes, operands: Any, cm: list[float], tm: list[float]) -> None:
        nonlocal window, font, size
        numbers = [float(each) for each in operands if isinstance(each, (int, float))]
        match name:
            case b"q":
                stack.append(window)
            case b"Q":
                window = stack.pop()
            case b"re":
                x, y, w, h = numbers
                path.extend(_moved(cm, x + i * w, y + j * h) for i in (0, 1) for j in (0, 1))
            case b"m" | b"l" | b"c":
                path.append(_moved(cm, *numbers[-2:]))
            case b"W" | b"W*":
                xs, ys = zip(*path, strict=True)
                left, foot, right, top = window
                window = (
                    max(left, min(xs)),
                    max(foot, min(ys)),
                    min(right, max(xs)),
                    min(top, max(ys)),
                )
            case b"n" | b"f" | b"f*" | b"S" | b"B" | b"B*":
                path.clear()
            case b"Tf":
                font, size = fonts[operands[0]], numbers[0]
            case b"Tj":
                codes = operands[0].original_bytes
                wide = font.width(codes) * size
                ends = [_moved(cm, *_moved(tm, x, 0)) for x in (0, wide)]
                scale = abs(cm[3]) or abs(cm[1])
                sheet.runs.append(
                    Run(
                        min(x for x, _ in ends),
                        max(x for x, _ in ends),
                        min(y for _, y in ends),
                        size * scale,
                        font.bold,
                        window,
                    )
                )
            case b"TJ":
                raise AssertionError("Chromium places letters in another way now")

    page.extract_text(visitor_operand_before=operator)
    return sheet


def _moved(matrix: list[float], x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


class _Font:
    """Widths of the letters of an embedded font with codes of two bytes."""

    def __init__(self, font: Any) -> None:
        assert font["/Subtype"] == "/Type0", font["/Subtype"]
        inner = font["/DescendantFonts"][0].get_object()
        self.bold = "Bold" in font["/BaseFont"]
        self._default = float(inner.get("/DW", 1000))
        self._widths: dict[int, float] = {}
        given = list(inner.get("/W", ()))
        while given:
            first, then = int(given.pop(0)), given.pop(0)
            if isinstance(then, list):
                self._widths.update({first + i: float(each) for i, each in enumerate(then)})
            else:
                self._widths.update(dict.fromkeys(range(first, int(then) + 1), float(given.pop(0))))

    def width(self, codes: bytes) -> float:
        """Of a text, in sizes of the font."""
        return sum(self._widths.get(code, self._default) for code in _pairs(codes)) / 1000


def _pairs(codes: bytes) -> list[int]:
    return [int.from_bytes(codes[i : i + 2], "big") for i in range(0, len(codes), 2)]
