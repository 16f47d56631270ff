"""The first-order expansion of a joint network as a model that fits and scores any subset."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.affinity.pooled_fits import PooledFits, TaskSamples
from taskviz.affinity.real_network import RealNetwork
from taskviz.affinity.shared_linear import SharedLinear

RIDGES = (0.3, 1.0, 10.0, 100.0)
"""λ, in units of the mean curvature of the training loss."""
LENGTHS = (0.25, 0.5, 1.0)
SCORED = 256
"""Subsets that are scored at once."""


class LinearModel:
    """The expansion of a trained network, ready to fit and score any subset.

    Args:
        train: labelled training samples, one a task; None for a task without.
        valid: the same of the validation split.
        offset: fit with the base output as offset. Scores always stand on it.
        real: weights → validation losses of the real network; None scores the linear model.
    """

    def __init__(
        self,
        train: list[TaskSamples | None],
        valid: list[TaskSamples | None],
        *,
        offset: bool = True,
        real: RealNetwork | None = None,
    ) -> None:
        self.train, self.valid, self.offset, self.real = train, valid, offset, real
        fitted = train
        if not offset:
            fitted = [t and replace(t, offset=torch.zeros_like(t.offset)) for t in train]
        self.fits = PooledFits(fitted)
        self.ridge, self.length = self.fits.scale, 1.0
        self.choice_at_edge = False
        self.residual = 0.0
        """Largest gradient left in a fit of the last losses, as a share of that at the start."""
        self._together = SharedLinear.of(valid)

    def choose(self, membership: Tensor) -> None:
        """Set λ and length to the best mean validation loss over subsets, relative to θ*'s."""
        zero = self.fits.gradients.new_zeros(1, self.fits.d)
        start = self.scores(zero.expand(len(membership), -1), membership)
        best = np.inf
        for number, ridge in enumerate(RIDGES):
            weights = self.fits.solve(membership, ridge * self.fits.scale).weights
            for length in LENGTHS:
                score = self.scores(length * weights, membership)
                known = np.isfinite(score) & np.isfinite(start) & (start > 0)
                value = float((score[known] / start[known]).mean()) if known.any() else np.inf
                if value < best:
                    best = value
                    self.ridge, self.length = ridge * self.fits.scale, length
                    self.choice_at_edge = number == len(RIDGES) - 1

    def losses(self, membership: Tensor) -> NDArray[np.float64]:
        """``(m, T)`` estimated validation losses; NaN outside and without labels."""
        fits = self.fits.solve(membership, self.ridge)
        self.residual = float(fits.residual.max()) if len(membership) else 0.0
        return self.scores(self.length * fits.weights, membership)

    def scores(self, weights: Tensor, membership: Tensor) -> NDArray[np.float64]:
        """``(m, T)`` validation losses of ``(m, d)`` weights."""
        if self.real is not None:
            return self.real.losses(weights, membership)
        found = np.full(tuple(membership.shape), np.nan)
        if self._together is not None:
            scored = [
                v is not None and t is not None for v, t in zip(self.valid, self.train, strict=True)
            ]
            inside = membership.cpu().numpy() & np.array(scored)
            for first in range(0, len(weights), SCORED):
                part = slice(first, first + SCORED)
                losses = self._together.losses(weights[part]).double().cpu().numpy()
                found[part] = np.where(inside[part], losses, np.nan)
            return found
        for task, sample in enumerate(self.valid):
            rows = torch.nonzero(membership[:, task])[:, 0]
            if sample is not None and self.train[task] is not None and len(rows):
                found[rows.cpu().numpy(), task] = sample.losses(weights[rows]).cpu().numpy()
        return found

    def to_state(self) -> dict[str, NDArray[Any]]:
        """Arrays from which :meth:`from_state` makes the model again (without real network)."""
        state: dict[str, NDArray[Any]] = {
            "ridge": np.array(self.ridge),
            "length": np.array(self.length),
            "offset": np.array(self.offset),
        }
        for split, samples in (("train", self.train), ("valid", self.valid)):
            for task, sample in enumerate(samples):
                if sample is None:
                    continue
                lead = f"{split}.{task}.{sample.kind}"
                shared = sample.head is not None
                state[f"{split}.features" if shared else f"{lead}.features"] = (
                    sample.features.cpu().numpy()
                )
                for part in ("offset", "target", "known", "head", "rows"):
                    value = getattr(sample, part)
                    if value is not None:
                        state[f"{lead}.{part}"] = value.cpu().numpy()
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]], tasks: int) -> "LinearModel":
        """The inverse of :meth:`to_state`."""
        samples: dict[str, list[TaskSamples | None]] = {
            "train": [None] * tasks,
            "valid": [None] * tasks,
        }
        shared = {
            split: torch.from_numpy(np.array(state[f"{split}.features"]))
            for split in samples
            if f"{split}.features" in state
        }
        for name in state:
            split, *rest = name.split(".")
            if len(rest) == 3 and rest[2] == "offset":
                lead = name.removesuffix("offset")
                parts = {
                    part: torch.from_numpy(np.array(state[lead + part]))
                    for part in ("features", "offset", "target", "known", "head", "rows")
                    if lead + part in state
                }
                parts.setdefault("features", shared[split] if split in shared else torch.empty(0))
                kind: Any = rest[1]
                samples[split][int(rest[0])] = TaskSamples(kind, **parts)
        model = cls(samples["train"], samples["valid"], offset=bool(state["offset"]))
        model.ridge, model.length = float(state["ridge"]), float(state["length"])
        return model
