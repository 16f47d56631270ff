"""How much of a matrix is signal, from the standard errors measured beside it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from taskviz.values import AffinityMatrix

Grade = Literal["stable", "shaky", "noise", "not measured"]
STABLE, SHAKY = 0.8, 0.4


@dataclass(frozen=True)
class Reliability:
    """Share of the variance between entries that is not measurement noise.

    Args:
        grade: ``stable`` from 0.8 up, ``shaky`` from 0.4 up, else ``noise``.
        share: 1 − mean(standard error²) / variance of the entries, clipped to [0, 1]; None where
            no standard error was measured.
        repeats: how many initial states (or other units) the errors rest on, where known.
    """

    grade: Grade
    share: float | None
    repeats: int | None = None

    @property
    def sentence(self) -> str:
        """The grade with the number behind it."""
        if self.share is None:
            return (
                "Reliability not measured: one draw has no standard error. Repeat over several "
                "initial states to see how far it can be trusted."
            )
        over = f" over {self.repeats} repeats" if self.repeats else ""
        return f"{self.grade.capitalize()}: {self.share:.0%} of the spread is signal{over}."


def reliability(matrix: AffinityMatrix) -> Reliability:
    """Grade the off-diagonal entries of a matrix (classical test theory's reliability)."""
    if matrix.standard_error is None:
        return Reliability("not measured", None)
    off = ~np.eye(len(matrix.tasks), dtype=bool)
    known = off & np.isfinite(matrix.values) & np.isfinite(matrix.standard_error)
    if known.sum() < 2:
        return Reliability("not measured", None)
    spread = float(matrix.values[known].var(ddof=1))
    noise = float((matrix.standard_error[known] ** 2).mean())
    share = 0.0 if spread <= 0 else min(max(1 - noise / spread, 0.0), 1.0)
    grade: Grade = "stable" if share >= STABLE else "shaky" if share >= SHAKY else "noise"
    repeats = matrix.options.get("inits")
    return Reliability(grade, share, repeats if isinstance(repeats, int) else None)
