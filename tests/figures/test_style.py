"""Colours that everybody can tell apart, numbers that say what is known."""

import itertools
from collections.abc import Callable

import numpy as np
import plotly.colors
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskviz.figures import style
from taskviz.figures.numbers import duration_words, signed, size_words, three_digits

# Machado, Oliveira & Fernandes (2009), severity 1, on linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB of linear sRGB under D65."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(a: str, b: str) -> float:
    low, high = sorted([style.luminance(a), style.luminance(b)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_group_colours_stay_apart(dark: bool, deficiency: str) -> None:
    seen = [lab(DEFICIENCIES[deficiency] @ linear(c)) for c in style.theme_of(dark).groups]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
    assert nearest >= 12


@pytest.mark.parametrize("dark", [False, True])
def test_contrast(dark: bool) -> None:
    theme = style.theme_of(dark)
    for ground in (theme.background, theme.surface):
        for colour in (*theme.groups, theme.accent, theme.better, theme.worse, theme.edge):
            assert contrast(colour, ground) >= 3
        for ink in (theme.text, theme.muted):
            assert contrast(ink, ground) >= 4.5
    for colour in theme.groups:
        # letters of groups are bold and large enough for the lesser threshold
        assert contrast(style.ink_on(colour), colour) >= 3.9


@pytest.mark.parametrize("symbol", [style.group_symbol, style.point_symbol])
def test_colour_and_symbol_name_a_group(symbol: Callable[[int], str]) -> None:
    pairs = {(style.group_colour(i), symbol(i)) for i in range(56)}
    assert len(pairs) == 56
    assert [style.group_letter(i) for i in (0, 1, 25, 26, 51, 52, 701, 702)] == [
        *("A", "B", "Z", "AA", "AZ", "BA", "ZZ", "AAA"),
    ]


def test_sequential_map_reads_in_greyscale() -> None:
    assert [c for _, c in style.sequential()] == plotly.colors.sequential.Cividis
    light = [style.luminance(c) for c in style.CIVIDIS]
    assert light == sorted(light)


@pytest.mark.parametrize("dark", [False, True])
def test_diverging_map_is_neutral_at_zero(dark: bool) -> None:
    scale = style.diverging(dark)
    places = [place for place, _ in scale]
    assert places == sorted(places)
    assert (places[0], places[len(places) // 2], places[-1]) == (0, 0.5, 1)
    centre = lab(linear(str(scale[len(scale) // 2][1])))
    assert np.hypot(*centre[1:]) < 6
    assert [scale[0][1], scale[-1][1]] == [style.theme_of(dark).worse, style.theme_of(dark).better]


def test_layout_is_known_to_plotly_and_has_no_default_look() -> None:
    figure = go.Figure(layout=style.base_layout(dark=True, height=123))
    assert figure.layout.height == 123
    assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"
    # an own template, not Plotly's with its blue ground
    assert figure.layout.template.layout.plot_bgcolor is None
    assert figure.layout.template.data.to_plotly_json() == {}


def test_no_chart_offers_an_upload() -> None:
    for bar in (False, True):
        config = style.chart_config(bar=bar)
        assert config["showSendToCloud"] is False
        assert config["plotlyServerURL"] == ""
        assert config["displaylogo"] is False


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.41234, 0.0312, "0.412 ± 0.031"),
        (0.41234, None, "0.412"),
        (12.345, 0.0123, "12.345 ± 0.012"),
        (0.412, 0.2, "0.41 ± 0.20"),
        (0.9996, None, "1.00"),
        (99.96, None, "100"),
        (2417, None, "2,417"),
        (-0.0416, None, "−0.0416"),
        (-0.0001, 0.03, "0.000 ± 0.030"),
        (1.5e-7, None, "1.50·10⁻⁷"),
        (4.2e9, None, "4.20·10⁹"),
        (0, None, "0"),
        (0.0, 0.5, "0.00 ± 0.50"),
        (1234.5, 12.3, "1,234 ± 12"),
        (0.5, 0.0, "0.500"),
        (0.5, 1e-16, "0.500"),
        (0.5, float("nan"), "0.500"),
        (float("nan"), 0.1, "no data"),
        (None, None, "no data"),
        (float("-inf"), None, "−∞"),
    ],
)
def test_three_digits(value: float | None, error: float | None, text: str) -> None:
    assert three_digits(value, error) == text


@given(st.floats(-1e12, 1e12).filter(lambda v: v == 0 or abs(v) > 1e-12))
def test_three_digits_keep_the_value(value: float) -> None:
    text = three_digits(value).replace("−", "-").replace(",", "")
    mantissa, _, power = text.partition("·10")
    ten = int(power.replace("⁻", "-").translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")) or 0)
    read = float(mantissa) * 10.0**ten
    assert read == pytest.approx(value, rel=0.0051)


def test_signed() -> None:
    assert [signed(v) for v in (0.031, -0.031, 0.0)] == ["+0.0310", "−0.0310", "0"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "under 1 s"),
        (3.6, "about 4 s"),
        (42, "about 40 s"),
        (54, "about 50 s"),
        (57, "about 1 min"),
        (170, "about 3 min"),
        (3_570, "about 1 h"),
        (4_700, "about 1 h 20 min"),
        (86_000, "about 24 h"),
        (200_000, "about 2 days"),
        (float("inf"), "an unknown time"),
    ],
)
def test_duration_words(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_400_000, "1.40 MB"),
        (1_000_000_000, "1.00 GB"),
        (2.53e10, "25.3 GB"),
    ],
)
def test_size_words(count: float, words: str) -> None:
    assert size_words(count) == words
