"""The simulation that fills in behind the closed forms.

Closed forms are drawn first: each run of the fragment draws what is known, simulates for a fraction
of a second and asks for the next run. Streamlit takes up a move of a slider between two runs, so
that a move never waits for a whole simulation.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import streamlit as st

from taskviz.engines.blas import one_blas_thread
from taskviz.theory.capacity import shared_layer_draws
from taskviz.theory.simulation import chunks, draw, pooled_draws, shifted
from taskviz.theory.validity import Array
from taskviz.ui.laboratory.setting import Setting

REPEATS: Final = 40
STEP: Final = 4
BUDGET: Final = 0.15
"""Seconds of simulation between two looks at the sliders."""
SEED: Final = 0


@st.cache_data(max_entries=600, show_spinner=False)
def _pooled(
    sizes: tuple[int, ...],
    n_target: int,
    features: int,
    variance: float,
    shifts: tuple[tuple[float, float], ...],
    first: int,
    count: int,
) -> Array:
    """Risks ``(count, shifts, sizes)`` of some repeats: one draw serves every shift."""
    moments = draw(sizes, n_target, features, variance, repeats=count, first=first, seed=SEED)
    return np.concatenate([pooled_draws(shifted(moments, lam), [mu]) for mu, lam in shifts], axis=1)


@st.cache_data(max_entries=600, show_spinner=False)
def _layer(
    sizes: tuple[int, ...],
    n_target: int,
    features: int,
    variance: float,
    shift: tuple[float, float],
    widths: tuple[int, ...],
    first: int,
    count: int,
) -> Array:
    """Risks ``(count, widths, sizes)`` of some repeats of the shared layer."""
    moments = draw(
        sizes, n_target, features, variance, shift[1], repeats=count, first=first, seed=SEED
    )
    return np.stack([shared_layer_draws(moments, width, shift[0]) for width in widths], axis=1)


@dataclass
class Filling:
    """A simulation that fills in behind a chart.

    Args:
        name: of the chart; one simulation is kept for each.
        key: all that the draws depend on.
        step: draws ``(count, curves, sizes)`` from first and count.
    """

    name: str
    key: tuple[Any, ...]
    step: Callable[[int, int], Array]

    @property
    def draws(self) -> Array | None:
        """All repeats drawn so far."""
        kept = self._kept()
        return np.concatenate(kept) if kept else None

    @property
    def done(self) -> bool:
        """All repeats are there."""
        return sum(map(len, self._kept())) >= REPEATS

    def say(self) -> str:
        """How far it is, and then what the points are."""
        have = sum(map(len, self._kept()))
        if have < REPEATS:
            return f":material/progress_activity: Simulating: {have} of {REPEATS} draws."
        return (
            f":material/casino: Points: means of {REPEATS} simulated draws (seed {SEED}) with 95 % "
            "intervals. A larger source holds the samples of a smaller one, so neighbouring points "
            "share their luck."
        )

    def go_on(self, show: Callable[[], None], *, page: bool) -> None:
        """Simulate for a while and run the fragment again; in a run of the whole page to the end.

        Args:
            show: draws what is known.
            page: the whole page runs: Streamlit then allows no fragment to ask for itself.
        """
        if self.done:
            return
        kept, start = self._kept(), time.perf_counter()
        with one_blas_thread():
            for first, count in chunks(REPEATS, STEP):
                if first < sum(map(len, kept)):
                    continue
                if not page and time.perf_counter() - start > BUDGET:
                    break
                kept.append(self.step(first, count))
        if not page:
            st.rerun(scope="fragment")
        show()

    def _kept(self) -> list[Array]:
        store = st.session_state.setdefault("lab_draws", {})
        if self.name not in store or store[self.name][0] != self.key:
            store[self.name] = (self.key, [])
        kept: list[Array] = store[self.name][1]
        return kept


def pooling_filling(
    setting: Setting, sizes: Sequence[int], shifts: Sequence[tuple[float, float]]
) -> Filling:
    """Pooled fits under each shift."""
    key = (
        tuple(sizes),
        setting.n_target,
        setting.features,
        setting.variance,
        tuple(shifts),
    )
    return Filling("pooling", key, lambda first, count: _pooled(*key, first, count))


def layer_filling(setting: Setting, sizes: Sequence[int], widths: Sequence[int]) -> Filling:
    """Fits through a shared layer of each width."""
    key = (
        tuple(sizes),
        setting.n_target,
        setting.features,
        setting.variance,
        (setting.mu, setting.lam),
        tuple(widths),
    )
    return Filling("layer", key, lambda first, count: _layer(*key, first, count))
