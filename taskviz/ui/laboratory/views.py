"""The laboratory's two charts of pooling and the one of capacity, with their sentences."""

import numpy as np
import pandas as pd
import streamlit as st

from taskviz.figures.risk_curves import RiskCurve, describe_risk_curves, risk_curves
from taskviz.figures.style import chart_config, three_digits
from taskviz.figures.transfer_map import describe_transfer_map, transfer_map
from taskviz.theory.linear_regression import pooled_risk, target_only_risk
from taskviz.theory.simulation import Interval
from taskviz.theory.transfer_range import MOST, helpful_range
from taskviz.theory.validity import Array
from taskviz.ui import store, tables
from taskviz.ui.laboratory.filling import layer_filling, pooling_filling
from taskviz.ui.laboratory.setting import Preset, Setting, settings_of

NO_ALONE = (
    "The target cannot be learned alone by least squares here (n_t ≤ p + 1): there is no line to "
    "compare with. Raise n_t or lower p."
)
TOO_FEW = (
    "Both tasks together have too few samples for least squares (N ≤ p + 1): raise n_s or n_t, or "
    "lower p."
)
POINTS = 9
"""Sizes of the source that are simulated."""
CLOSE = 20
"""Where N − p (or n_t − p) is below it, the limit formulas are off by 5 % and more."""


def pooling(setting: Setting, preset: Preset | None, *, dark: bool, page: bool) -> None:
    """Sentence, curves and map; ``page``: they are drawn with the whole page."""
    alone = _alone(setting)
    st.markdown(_sentence(setting, alone))
    if preset is not None:
        st.caption(f":material/menu_book: {preset.says}")
    left, right = st.columns([3, 2], gap="medium") if alone is not None else (st.container(), None)
    with left, st.container(key="risk_curves"):
        place, status = st.empty(), st.empty()
    shifts = settings_of(setting, preset)
    sizes = setting.grid(POINTS)
    filling = pooling_filling(setting, sizes.tolist(), [(mu, lam) for mu, lam, _ in shifts])
    fine = setting.grid(240).astype(np.float64)
    lines = [
        np.asarray(pooled_risk(fine, setting.n_target, setting.features, setting.variance, mu, lam))
        for mu, lam, _ in shifts
    ]

    def show() -> None:
        draws = filling.draws
        curves = [
            RiskCurve(
                _name(mu, lam, preset),
                (fine, lines[i]),
                None if draws is None else (sizes.astype(np.float64), Interval.of(draws[:, i])),
                chosen,
            )
            for i, (mu, lam, chosen) in enumerate(shifts)
        ]
        place.plotly_chart(
            risk_curves(curves, alone=alone, at=setting.n_source, most=setting.most, dark=dark),
            theme=None,
            config=chart_config(),
            alt=describe_risk_curves(curves, alone=alone, at=setting.n_source),
        )

        status.caption(filling.say())

    show()
    if right is not None and alone is not None:
        with right, st.container(key="transfer_map"):
            _map(setting, preset, alone, dark=dark)
    filling.go_on(show, page=page)
    if filling.draws is not None:
        with st.expander("Table"):
            tables.show(
                store.readable(_table(setting, sizes, shifts, filling.draws, alone)),
                hide_index=True,
                alt="Closed form and simulation at each simulated size",
            )


def capacity(setting: Setting, *, dark: bool, page: bool) -> None:
    """A shared layer of width 1 beside one of width 2; ``page`` as in :func:`pooling`."""
    if not setting.learns_alone:
        st.info(NO_ALONE)
        return
    alone = float(target_only_risk(setting.n_target, setting.features, setting.variance))
    with st.container(key="capacity_curves"):
        words, place, status = st.empty(), st.empty(), st.empty()
    sizes = setting.grid(6)
    widths = (1, 2) if setting.width <= 2 else (1, setting.width)

    filling = layer_filling(setting, sizes.tolist(), widths)

    def show() -> None:
        draws = filling.draws
        curves = [
            RiskCurve(
                f"r = {width}",
                None if width == 1 else (np.array([0.0, setting.most]), np.array([alone, alone])),
                None if draws is None else (sizes.astype(np.float64), Interval.of(draws[:, i])),
                width == setting.width,
            )
            for i, width in enumerate(widths)
        ]
        place.plotly_chart(
            risk_curves(curves, alone=alone, at=setting.n_source, most=setting.most, dark=dark),
            theme=None,
            config=chart_config(),
            alt=describe_risk_curves(curves, alone=alone, at=setting.n_source),
        )
        words.markdown(_capacity_words(setting, sizes, draws))
        status.caption(filling.say())

    show()
    filling.go_on(show, page=page)


def _alone(setting: Setting) -> float | None:
    if not setting.learns_alone:
        return None
    return float(target_only_risk(setting.n_target, setting.features, setting.variance))


def _name(mu: float, lam: float, preset: Preset | None) -> str:
    by_lam = preset is not None and preset.shift == "lam"
    if by_lam and mu == 0:
        return f"λ = {lam:g}"
    return f"μ = {mu:g}" if lam == 1 and not by_lam else f"μ = {mu:g}, λ = {lam:g}"


def _sentence(setting: Setting, alone: float | None) -> str:
    """What the sliders come to."""
    if not setting.pools:
        return f":material/warning: {TOO_FEW}"
    risk = float(
        pooled_risk(
            setting.n_source,
            setting.n_target,
            setting.features,
            setting.variance,
            setting.mu,
            setting.lam,
        )
    )
    words = (
        f"Pooling **{setting.n_source:,}** source with **{setting.n_target:,}** target samples: "
        f"risk **{three_digits(risk)}**"
    )
    if alone is None:
        return f"{words}. {NO_ALONE}"
    change = 1 - risk / alone
    side = "positive" if change > 0 else "negative"
    how = "less" if change > 0 else "more"
    words += (
        f" against **{three_digits(alone)}** alone: **{side} transfer**, "
        f"{abs(change):.1%} {how} risk. {_range_words(setting)}"
    )
    if min(setting.n_target, setting.n_source + setting.n_target) - setting.features < CLOSE:
        words += (
            " So close to N = p the formulas, limits for many features, are too low by several "
            "per cent: trust the points."
        )
    return words


def _range_words(setting: Setting) -> str:
    ranges = helpful_range(
        setting.n_target, setting.features, setting.variance, setting.mu, setting.lam
    )
    if not ranges:
        return "Here a source **never** helps, however many samples it has."
    if ranges == ((1, MOST),):
        return "Here a source helps **at every size**."
    parts = [
        f"from {first:,} samples on" if last == MOST else f"{first:,} to {last:,} samples"
        for first, last in ranges
    ]
    return f"Here a source helps with **{' and '.join(parts)}**."


def _map(setting: Setting, preset: Preset | None, alone: float, *, dark: bool) -> None:
    """Gain over n_s and one shift: the one that the preset varies, else the one in use."""
    by_lam = preset.shift == "lam" if preset is not None else setting.lam > 1 and setting.mu == 0
    sizes = setting.grid(90).astype(np.float64)
    # Twice the μ beyond which no source helps (risk at n_s → 0), so that both regions are seen.
    never = np.sqrt(alone * setting.n_target / setting.features / 2)
    reach = min(1.4, max(2 * never, 1.1 * setting.mu))
    low, high, name = (1.0, 8.0, "covariate shift, λ") if by_lam else (0.0, reach, "model shift, μ")
    shifts = np.linspace(low, high, 60)
    risk = np.asarray(
        pooled_risk(
            sizes,
            setting.n_target,
            setting.features,
            setting.variance,
            setting.mu if by_lam else shifts[:, None],
            shifts[:, None] if by_lam else setting.lam,
        )
    )
    at = setting.lam if by_lam else setting.mu
    gain = 1 - risk / alone
    st.plotly_chart(
        transfer_map(sizes, shifts, gain, shift_name=name, at=(setting.n_source, at), dark=dark),
        theme=None,
        config=chart_config(),
        alt=describe_transfer_map(gain, shift_name=name),
    )
    st.caption(
        "Gain of pooling over learning alone, by the closed form; the line is where it makes no "
        "difference, the dot is you."
    )


def _table(
    setting: Setting,
    sizes: np.ndarray,
    shifts: list[tuple[float, float, bool]],
    draws: Array,
    alone: float | None,
) -> pd.DataFrame:
    rows = []
    for i, (mu, lam, _) in enumerate(shifts):
        found = Interval.of(draws[:, i])
        told = np.asarray(
            pooled_risk(sizes, setting.n_target, setting.features, setting.variance, mu, lam)
        )
        for k, size in enumerate(sizes.tolist()):
            rows.append(
                {
                    "μ": mu,
                    "λ": lam,
                    "n_s": size,
                    "closed form": float(told[k]),
                    "simulated": float(found.mean[k]),
                    "± (95 %)": float(found.half_width[k]),
                    "target alone": alone,
                }
            )
    return pd.DataFrame(rows)


def _capacity_words(setting: Setting, sizes: np.ndarray, draws: Array | None) -> str:
    words = (
        "With a shared layer of **r ≥ 2** two linear tasks do not touch each other: the risk is "
        "that of learning alone. With **r = 1** both must share one direction"
    )
    if draws is None:
        return f"{words}."
    nearest = int(np.abs(sizes - setting.n_source).argmin())
    change = Interval.of(draws[:, 0, nearest] - draws[:, 1, nearest])
    mean, half = float(change.mean), float(change.half_width)
    if abs(mean) <= half:
        verdict = "makes no measurable difference"
    else:
        verdict = "**helps**" if mean < 0 else "**interferes**"
    return (
        f"{words}, which {verdict} here: risk {'+' if mean > 0 else ''}"
        f"{three_digits(mean, float(change.standard_error))} at n_s = {sizes[nearest]:,} "
        f"(cosine between the tasks {1 - setting.mu**2:.2f})."
    )
