"""The landscape in words and pictures: densities, bounds beside losses, layers."""

import numpy as np
import streamlit as st

from taskviz.figures import landscape
from taskviz.figures.style import chart_config, three_digits
from taskviz.optima.landscape import LandscapeStudy
from taskviz.ui import frame, glossary, pair, store, tables
from taskviz.ui.text import listed, safe

HOLDS = 0.05
"""Share of the starting loss that may be left where the bounds' assumption counts as true."""


def findings(study: LandscapeStudy) -> list[str]:
    """What the landscape shows, and where an assumption of the theorems fails; Markdown."""
    said = [_bound_words(study), _zero_words(study)]
    left, start = study.left_shared, study.start
    if left > HOLDS * start:
        said.append(
            ":material/warning: Equations 14 and 15 assume further that a sample's shared optimum "
            f"has no loss. It has {three_digits(left)}, against {three_digits(start)} at the "
            "start: the tasks pull apart."
        )
    said.append(_curvature_words(study))
    broken = [f"eq. {row.equation}" for row in study.bounds() if not row.holds]
    if broken:
        said.append(
            f":material/error: {' and '.join(broken)}: the value lies **below** the measured loss. "
            "An assumption fails here, so it is no bound."
        )
    return said


def _bound_words(study: LandscapeStudy) -> str:
    row = study.bounds()[0]
    value, measured = three_digits(row.bound), three_digits(row.measured)
    if not row.holds:
        return (
            f"The bound of eq. 12, {value}, is **below** the loss measured at the shared optima, "
            f"{measured}."
        )
    if np.isnan(row.times):
        return f"Eq. 12 bounds the loss by {value}; nothing of it is left at the shared optima."
    loose = "tight" if row.times < 3 else "loose"
    loose = "so loose that it says little" if row.times >= 100 else loose
    return (
        f"Eq. 12 bounds the loss of joint training by {value}; measured at the shared optima it "
        f"is {measured}. The bound is **{three_digits(row.times)} times** too large: {loose}."
    )


def _zero_words(study: LandscapeStudy) -> str:
    step, left, start = (three_digits(v) for v in (study.losses.step, study.left, study.start))
    if study.left <= HOLDS * study.start:
        return (
            f":material/check: The bounds assume that one step reaches zero loss. η = {step} "
            f"leaves {left} of {start} at a task's own optimum: that holds about."
        )
    better = "Set the step to 0 to search for a better one."
    if not study.options.get("step"):
        better = "No other step leaves less. Where a bound holds, it is not by the theorem."
    return (
        ":material/warning: **The bounds assume that one step reaches zero loss. It does not**: "
        f"η = {step} leaves {left} of {start} at a task's own optimum. {better}"
    )


def _curvature_words(study: LandscapeStudy) -> str:
    found = study.curvature
    value = three_digits(found.value, found.error or None)
    where = f"on {found.units:,} samples, largest for {safe(study.names[found.task])}"
    how = {
        "rectified": "exact, since the trunk is linear layers and ReLUs",
        "basis": "exact, one Hessian-vector product a parameter",
        "hutchinson": "the largest entry where Hutchinson's estimate, ± its error, says to look",
    }[found.way]
    words = f":material/info: H = {value} ({how}; {where})."
    if found.value <= 0:
        words += " No entry of the diagonal is positive, so nothing is bounded."
    return words + (
        " It was measured at the initial state; the theorem speaks of the way from there to the "
        "optimum."
    )


def draw_bounds(study: LandscapeStudy) -> None:
    """Words, histogram, bounds, and the numbers behind."""
    for line in findings(study):
        st.markdown(line)
    for note in study.notes:
        st.caption(f":material/info: {safe(note)}")
    dark = frame.dark()
    left, right = st.columns(2)
    with left:
        st.markdown("**Densities ψ of the samples**")
        st.plotly_chart(
            landscape.density_histogram(study, dark=dark),
            theme=None,
            key="densities",
            config=chart_config(),
            alt=landscape.describe_densities(study),
        )
        st.caption(landscape.describe_densities(study))
    with right:
        st.markdown("**Bounds beside the measured loss**")
        st.plotly_chart(
            landscape.bound_dots(study, dark=dark),
            theme=None,
            key="bounds",
            config=chart_config(),
            alt=landscape.describe_bounds(study),
        )
        st.caption("Measured: eq. 12 at each sample's shared optimum; 14 and 15 at their mean.")
    with st.grid(4, min_column_width=170, gap="small"):
        found = study.curvature
        st.metric(
            "Ψ between samples",
            three_digits(study.density),
            border=True,
            help=glossary.meaning("density"),
        )
        st.metric(
            "Smoothness H",
            three_digits(found.value, found.error or None),
            border=True,
            help=glossary.meaning("smoothness"),
        )
        st.metric("Step size η", three_digits(study.losses.step), border=True)
        st.metric(
            "Loss before → after own step",
            f"{three_digits(study.start)} → {three_digits(study.left)}",
            border=True,
        )
    with st.expander("The numbers behind", icon=":material/table:"):
        tables.show(
            store.readable(study.to_frame()), hide_index=True, alt="Bound and measured loss"
        )


def draw_layers(study: LandscapeStudy) -> None:
    """Which layers carry the distance between two tasks."""
    chosen = pair.boxes(study.names, "layer_pair")
    if chosen is not None and chosen[0] == chosen[1]:
        chosen = None
    st.markdown(layer_words(study, chosen))
    st.plotly_chart(
        landscape.layer_bars(study, chosen, dark=frame.dark()),
        theme=None,
        key="layers",
        config=chart_config(),
        alt=layer_words(study, chosen).replace("*", ""),
    )
    st.caption(
        "L1 distances add up over the parameters, so each layer has its share of a[s,t] (eq. 16). "
        "A large layer has a large share by its size alone."
    )


def layer_words(study: LandscapeStudy, chosen: tuple[int, int] | None) -> str:
    """The layer that carries most, in a sentence."""
    if chosen is None:
        totals = {name: float(np.nansum(values)) for name, values in study.layers.items()}
        whole = sum(totals.values())
        shares = {name: value / whole if whole > 0 else np.nan for name, value in totals.items()}
        who = "between all pairs of tasks"
    else:
        shares = study.layer_shares(*chosen)
        who = f"between {listed([study.names[i] for i in chosen])}"
    known = {name: value for name, value in shares.items() if np.isfinite(value)}
    if not known:
        return f"There is no distance {who}: no layer tells them apart."
    top = max(known, key=lambda name: known[name])
    return f"Layer **{safe(top)}** carries {known[top]:.0%} of the distance {who}."
