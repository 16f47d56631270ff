"""Where the formulas of two linear regressions hold, told in one sentence."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from taskviz.values import TaskvizError

Array = NDArray[np.float64]


def numbers(name: str, given: ArrayLike, low: float, *, strict: bool = False) -> Array:
    """Finite numbers not below ``low`` (above it where ``strict``)."""
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.array(np.nan)
    fits = values > low if strict else values >= low
    if not bool(np.all(np.isfinite(values) & fits)):
        wrong = _first(given, ~(np.isfinite(values) & fits))
        bound = f"above {low:g}" if strict else f"of at least {low:g}"
        raise TaskvizError(f"{name} is {wrong}: give a finite number {bound}.")
    return values


def counts(n_source: ArrayLike, n_target: ArrayLike, features: ArrayLike) -> tuple[Array, ...]:
    """Sample sizes and features; ``n_source + n_target > features + 1`` or an error.

    Below that bound the expected risk of least squares is infinite or there is no unique fit.
    """
    sizes = (
        numbers("n_source", n_source, 0),
        numbers("n_target", n_target, 0),
        numbers("features", features, 1),
    )
    n_s, n_t, p = np.broadcast_arrays(*sizes)
    short = ~(n_s + n_t > p + 1)
    if bool(np.any(short)):
        raise TaskvizError(
            f"{_first(n_s + n_t, short)} samples of both tasks are too few for "
            f"{_first(p, short)} features: least squares needs n_source + n_target > features + 1."
        )
    return sizes


def alone(n_target: ArrayLike, features: ArrayLike) -> tuple[Array, Array]:
    """Sample size and features of one task; ``n_target > features + 1`` or an error."""
    n_t, p = numbers("n_target", n_target, 0), numbers("features", features, 1)
    wide_n, wide_p = np.broadcast_arrays(n_t, p)
    short = ~(wide_n > wide_p + 1)
    if bool(np.any(short)):
        raise TaskvizError(
            f"{_first(wide_n, short)} samples are too few for {_first(wide_p, short)} features: "
            "least squares on the target alone needs n_target > features + 1."
        )
    return n_t, p


def _first(values: Any, wrong: NDArray[np.bool_]) -> str:
    """The first offender as text."""
    if wrong.ndim == 0:
        return f"{values:g}" if isinstance(values, int | float | np.ndarray) else repr(values)
    return f"{np.asarray(values)[wrong][0]:g}"
