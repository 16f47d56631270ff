"""What the sliders of the laboratory say, and the figures of the talk that set them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Setting:
    """What the sliders say: n_s, n_t, p, σ, μ, λ, r."""

    n_source: int
    n_target: int
    features: int
    sigma: float
    mu: float
    lam: float
    width: int

    @property
    def variance(self) -> float:
        """σ²."""
        return self.sigma**2

    @property
    def learns_alone(self) -> bool:
        """The target has samples enough for least squares of its own."""
        return self.n_target > self.features + 1

    @property
    def pools(self) -> bool:
        """Both tasks together have samples enough."""
        return self.n_source + self.n_target > self.features + 1

    @property
    def most(self) -> int:
        """Right end of the axis of n_s; in steps, so that it seldom moves."""
        need = max(2 * self.n_target, 1.1 * self.n_source)
        return next(end for end in (500, 1000, 2000) if need <= end)

    @property
    def least(self) -> int:
        """Smallest n_s for which both tasks together can be fitted."""
        return max(1, self.features + 2 - self.n_target)

    def grid(self, count: int) -> NDArray[np.int64]:
        """``count`` sizes of the source, evenly from the least to the most."""
        low = max(self.least, self.most // 40)
        return np.unique(np.linspace(low, self.most, count).round().astype(np.int64))


@dataclass(frozen=True, slots=True)
class Slider:
    """One slider: its key in the URL, label, range, and what it means."""

    key: str
    label: str
    low: float
    high: float
    start: float
    step: float
    help: str


SLIDERS: Final = (
    Slider("lab_ns", "Source samples n_s", 10, 1500, 200, 10, "Samples of the task that helps."),
    Slider("lab_nt", "Target samples n_t", 10, 800, 300, 10, "Samples of the task you care about."),
    Slider("lab_p", "Features p", 10, 200, 100, 10, "Length of x, the same for both tasks."),
    Slider("lab_sd", "Noise σ", 0.1, 2.0, 0.5, 0.1, "Standard deviation of the noise in y."),
    Slider(
        "lab_mu",
        "Model shift μ",
        0.0,
        1.4,
        0.3,
        0.01,
        "How far the two tasks' coefficients lie apart: ‖β_s − β_t‖² = 2μ². 0: the same task.",
    ),
    Slider(
        "lab_lam",
        "Covariate shift λ",
        1.0,
        8.0,
        1.0,
        0.1,
        "How differently their inputs spread: half of the singular values of Σ_s^½ are λ, half "
        "1/λ; Σ_t = I. 1: the same inputs.",
    ),
    Slider("lab_r", "Width r", 1, 4, 1, 1, "Width of the shared layer; see the tab Capacity."),
)


@dataclass(frozen=True, slots=True)
class Preset:
    """A figure of the talk: which shift it varies, over which values, at which settings.

    The talk prints no numbers; ours are chosen so that each case it names is seen.
    """

    title: str
    shift: str
    values: tuple[float, ...]
    sliders: dict[str, float]
    says: str


PRESETS: Final = {
    "Figure 3": Preset(
        "Figure 3",
        "lam",
        (1.0, 2.0, 4.0),
        {
            "lab_ns": 150,
            "lab_nt": 300,
            "lab_p": 100,
            "lab_sd": 0.5,
            "lab_mu": 0.0,
            "lab_lam": 2.0,
        },
        "Talk, figure 3: the curves cross at n_s = n_t. Below it covariate shift helps (a larger λ "
        "lies lower), above it hurts.",
    ),
    "Figure 4": Preset(
        "Figure 4",
        "mu",
        (0.2, 0.33, 0.5),
        {
            "lab_ns": 450,
            "lab_nt": 300,
            "lab_p": 100,
            "lab_sd": 0.5,
            "lab_mu": 0.33,
            "lab_lam": 1.0,
        },
        "Talk, figure 4: with little model shift transfer is positive for every n_s, with more for "
        "a restricted range of n_s, with much never.",
    ),
}
ONE: Final = "Mine"


def choose() -> tuple[Setting, Preset | None]:
    """The preset and the sliders."""
    shown = st.segmented_control(
        "Show",
        [ONE, *PRESETS],
        default=ONE,
        required=True,
        key="lab_show",
        wrap=True,
        on_change=_take_preset,
        help="Figures 3 and 4 of the talk set the sliders and draw three values of one shift.",
        bind="query-params",
    )
    found = [_slider(spec) for spec in SLIDERS]
    n_source, n_target, features, sigma, mu, lam, width = found
    setting = Setting(int(n_source), int(n_target), int(features), sigma, mu, lam, int(width))
    return setting, PRESETS.get(shown or ONE)


def _slider(spec: Slider) -> float:
    whole = float(spec.step).is_integer()
    kind: Callable[[float], Any] = int if whole else float
    # A value of a link may lie outside; Streamlit would then start anew, which is right.
    st.session_state.setdefault(spec.key, kind(spec.start))
    value = st.slider(
        spec.label,
        min_value=kind(spec.low),
        max_value=kind(spec.high),
        step=kind(spec.step),
        key=spec.key,
        help=spec.help,
        bind="query-params",
        persist_state="session",
    )
    return float(value)


def _take_preset() -> None:
    preset = PRESETS.get(str(st.session_state.get("lab_show")))
    if preset is None:
        return
    whole = {spec.key: float(spec.step).is_integer() for spec in SLIDERS}
    for key, value in preset.sliders.items():
        st.session_state[key] = int(value) if whole[key] else float(value)


def settings_of(setting: Setting, preset: Preset | None) -> list[tuple[float, float, bool]]:
    """``(μ, λ, chosen)`` of every curve, in the preset's order; the one on the sliders is bold."""
    mine = (setting.mu, setting.lam)
    if preset is None:
        return [(*mine, True)]
    curves = [
        (setting.mu, value) if preset.shift == "lam" else (value, setting.lam)
        for value in preset.values
    ]
    return [(*curve, curve == mine) for curve in (curves if mine in curves else [*curves, mine])]
