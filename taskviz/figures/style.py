"""The one theme of every figure: type, spacing, colours in light and dark."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_uppercase
from types import MappingProxyType
from typing import Any, Final

from taskviz.figures.numbers import duration_words, signed, size_words, three_digits

__all__ = [
    "CIVIDIS",
    "DARK",
    "LIGHT",
    "Theme",
    "base_layout",
    "chart_config",
    "diverging",
    "duration_words",
    "group_colour",
    "group_letter",
    "group_symbol",
    "ink_on",
    "sequential",
    "signed",
    "size_words",
    "theme_of",
    "three_digits",
]

FONT: Final = '"Source Sans", "Source Sans 3", system-ui, -apple-system, "Segoe UI", sans-serif'


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of one theme, as the app's pages have them.

    Args:
        background: behind a figure; figures themselves are transparent.
        surface: hover labels and cards.
        text: letters and axes' titles.
        muted: tick labels, notes; contrast 4.5 at least.
        line: grid and borders.
        accent: what is selected.
        better: a gain.
        worse: a loss.
        edge: an edge of the task graph.
        groups: qualitative palette; every pair stays apart under the three colour-vision
            deficiencies, and every colour has contrast 3 at least with background and surface.
    """

    background: str
    surface: str
    text: str
    muted: str
    line: str
    accent: str
    better: str
    worse: str
    edge: str
    groups: tuple[str, ...]


# After Okabe & Ito (2008), moved in lightness so that each can be read on its background.
LIGHT: Final = Theme(
    background="#ffffff",
    surface="#f3f6f7",
    text="#16262b",
    muted="#51646b",
    line="#d6dfe2",
    accent="#0b6e75",
    better="#0064b8",
    worse="#c75000",
    edge="#3f5f68",
    groups=("#0064b8", "#dd5f00", "#0c9c70", "#cc66a8", "#743600", "#12305f", "#30373a"),
)
DARK: Final = Theme(
    background="#0f171a",
    surface="#18242a",
    text="#e6eef0",
    muted="#a3b4ba",
    line="#2c3c43",
    accent="#6fd0d6",
    better="#56b4e9",
    worse="#ff8a4a",
    edge="#9fb8bf",
    groups=("#56b4e9", "#e8602c", "#1fe0a0", "#c06a9c", "#f5cb3a", "#2f74d6", "#e2e6e8"),
)

SYMBOLS: Final = (
    "circle",
    "square",
    "diamond",
    "pentagon",
    "hexagon",
    "octagon",
    "hexagon2",
    "star-square",
)

POINTS: Final = (
    "circle",
    "square",
    "diamond",
    "cross",
    "triangle-up",
    "x",
    "star",
    "triangle-down",
)
"""Markers that nothing is written on: they differ more, at a small size."""

CIVIDIS: Final = (
    "#00224e",
    "#123570",
    "#3b496c",
    "#575d6d",
    "#707173",
    "#8a8678",
    "#a59c74",
    "#c3b369",
    "#e1cc55",
    "#fee838",
)
"""Sequential map (Nuñez et al., 2018): even in lightness, so that it also reads in greyscale."""

Colourscale = list[list[float | str]]


def theme_of(dark: bool) -> Theme:
    """The colours of a theme."""
    return DARK if dark else LIGHT


def group_letter(index: int) -> str:
    """A, B, …, Z, AA, AB, …: the second channel of a group beside its colour."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, len(ascii_uppercase))
        letters = ascii_uppercase[rest] + letters
    return letters


def group_colour(index: int, dark: bool = False) -> str:
    """Colour of a group, the same on every page; it repeats beyond the palette."""
    palette = theme_of(dark).groups
    return palette[index % len(palette)]


def group_symbol(index: int) -> str:
    """Marker of a group: with :func:`group_colour` unique for the first 56 groups."""
    return _nth(SYMBOLS, index)


def point_symbol(index: int) -> str:
    """Marker of a task among points: likewise, and told from its neighbours at 9 pixels."""
    return _nth(POINTS, index)


def _nth(symbols: tuple[str, ...], index: int) -> str:
    colours = len(LIGHT.groups)
    return symbols[(index % colours + index // colours) % len(symbols)]


def sequential() -> Colourscale:
    """The map of affinities, low to high; the same in both themes, so that pictures agree."""
    return _scale(CIVIDIS)


def diverging(dark: bool = False) -> Colourscale:
    """The map of differences; its middle is 0, so give it a range symmetric about 0."""
    if dark:
        return _scale(("#ff8a4a", "#a3542a", "#2d3437", "#2f6f9c", "#56b4e9"))
    return _scale(("#c75000", "#eaa678", "#f1f3f4", "#86b6de", "#0064b8"))


def _scale(colours: tuple[str, ...]) -> Colourscale:
    return [[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)]


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on a ``#rrggbb`` colour (WCAG contrast)."""
    light = luminance(colour)
    return "#ffffff" if 1.05 / (light + 0.05) >= (light + 0.05) / 0.0573 else "#10181b"


def luminance(colour: str) -> float:
    """Relative luminance of a ``#rrggbb`` colour (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def faded(colour: str, opacity: float) -> str:
    """``rgba(…)`` of a ``#rrggbb`` colour."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:.3g})"


def base_layout(dark: bool = False, **changes: Any) -> dict[str, Any]:
    """Layout that every figure starts from; ``changes`` replace single entries."""
    theme = theme_of(dark)
    axis = {
        "automargin": True,
        "gridcolor": theme.line,
        "linecolor": theme.line,
        "showline": False,
        "zeroline": False,
        "ticks": "",
        "ticklabelstandoff": 4,
        "tickfont": {"color": theme.muted, "size": 12},
        "title": {"font": {"color": theme.text, "size": 13}, "standoff": 8},
    }
    layout: dict[str, Any] = {
        # A template of our own: an empty one would let Plotly's default look in.
        "template": {"layout": {"xaxis": axis, "yaxis": axis}},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13, "color": theme.text},
        "colorway": list(theme.groups),
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hoverlabel": {
            "bgcolor": theme.surface,
            "bordercolor": theme.line,
            "font": {"family": FONT, "size": 13, "color": theme.text},
            "align": "left",
            "namelength": -1,
        },
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"color": theme.text, "size": 12},
            "bgcolor": "rgba(0,0,0,0)",
        },
        "hovermode": "closest",
        "showlegend": False,
        "autosize": True,
        "height": 360,
    }
    layout.update(changes)
    return layout


def note(text: str, dark: bool = False, **changes: Any) -> dict[str, Any]:
    """An annotation in the middle of a figure: what is missing and why."""
    annotation: dict[str, Any] = {
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0.5,
        "showarrow": False,
        "font": {"color": theme_of(dark).muted, "size": 13},
    }
    annotation.update(changes)
    return annotation


_CONFIG: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "displaylogo": False,
        "responsive": True,
        # Plotly 4 offers to upload a chart to its maker's cloud, on by default: data stay here.
        "showSendToCloud": False,
        "plotlyServerURL": "",
        "modeBarButtonsToRemove": ["sendDataToCloud", "select2d", "lasso2d", "autoScale2d"],
        # A dollar sign in a task's name is a dollar sign.
        "typesetMath": False,
    }
)


def chart_config(*, bar: bool = False) -> dict[str, Any]:
    """Plotly's config for every chart: no logo, no upload, no formulas.

    Args:
        bar: show the buttons (zoom, save as picture) while the mouse is over the chart.
    """
    return {**_CONFIG, "displayModeBar": "hover" if bar else False}
