"""Regressions on the pooled samples of subsets of the tasks, all subsets as one batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from taskviz.affinity.shared_linear import SharedLinear
from taskviz.engines.memory import halving
from taskviz.values import TaskKind

CHORD_STEPS = 60
CUTS = 12
"""Times that a step which overshoots is cut."""
MEMORY = 5
"""Chord steps whose secants correct the next one."""
FEW = 8
"""Subsets of less than this part of the tasks are fitted task by task: where features are shared,
what is computed for all tasks at once would be for nothing but those few."""
NEWTON_STEPS = 50
NEWTON_TASKS = 64
"""Tasks of a collection up to which Newton's method takes over."""
BLOCK = 1 << 23
"""Numbers that a batch of subsets may hold at once."""
SHARED_BLOCK = 1 << 26
"""The same where features are shared: each batch makes those of every task anew."""


@dataclass(frozen=True)
class TaskSamples:
    """Linear model of one task's outputs, ``offset + features · w``, on its labelled samples.

    Args:
        kind: decides the loss, as in :mod:`taskviz.training.losses`.
        features: ``(n, outputs, d)``.
        offset: ``(n, outputs)``.
        target: ``(n, width)`` scaled value or class code.
        known: ``(n, width)`` bool; every row has a label.
        head: ``(outputs, f)`` where the outputs are linear in f features that all tasks share:
            ``features`` is then ``(f, N, d)`` of these, and a task's own are made when needed, so
            that memory does not grow with the number of tasks.
        rows: ``(n,)`` which of the N samples are the task's; None: all.
    """

    kind: TaskKind
    features: Tensor
    offset: Tensor
    target: Tensor
    known: Tensor
    head: Tensor | None = None
    rows: Tensor | None = None

    @property
    def slopes(self) -> Tensor:
        """``(n, outputs, d)``."""
        if self.head is None:
            return self.features
        shared = self.features if self.rows is None else self.features[:, self.rows]
        own: Tensor = torch.tensordot(self.head, shared, dims=1)
        return own.transpose(0, 1)

    def outputs(self, weights: Tensor) -> Tensor:
        """``(n, outputs, m)`` for ``(m, d)`` weights."""
        return self._outputs(self.slopes, weights)

    def _outputs(self, slopes: Tensor, weights: Tensor) -> Tensor:
        n, columns, d = slopes.shape
        return (slopes.reshape(-1, d) @ weights.T).reshape(n, columns, -1) + (
            self.offset[..., None]
        )

    def losses(self, weights: Tensor) -> Tensor:
        """``(m,)`` mean loss."""
        return self.losses_of(self.outputs(weights))

    def losses_of(self, outputs: Tensor) -> Tensor:
        """``(m,)`` mean loss of ``(n, outputs, m)``."""
        if self.kind == "multiclass":
            return -self._hot(outputs).mul(outputs.log_softmax(dim=1)).sum(dim=(0, 1)) / len(
                outputs
            )
        target = self.target[..., None]
        if self.kind == "regression":
            losses = (outputs - target) ** 2
        else:
            losses = F.softplus(outputs) - target * outputs
        return (losses * self._share[..., None]).sum(dim=(0, 1))

    def gradient(self, weights: Tensor) -> Tensor:
        """``(m, d)`` gradient of the mean loss."""
        slopes = self.slopes
        outputs = self._outputs(slopes, weights)
        if self.kind == "multiclass":
            signal = (outputs.softmax(dim=1) - self._hot(outputs)) / len(outputs)
        elif self.kind == "regression":
            signal = 2 * (outputs - self.target[..., None]) * self._share[..., None]
        else:
            signal = (outputs.sigmoid() - self.target[..., None]) * self._share[..., None]
        return signal.reshape(-1, len(weights)).T @ slopes.reshape(-1, slopes.shape[2])

    def hessian(self, weights: Tensor) -> Tensor:
        """``(d, d)`` second derivative of the mean loss at one ``(d,)``."""
        slopes = self.slopes
        outputs = self._outputs(slopes, weights[None])[..., 0]
        flat = slopes.reshape(-1, slopes.shape[2])
        if self.kind == "multiclass":
            p = outputs.softmax(dim=1)
            mean = (p[..., None] * slopes).sum(dim=1)
            bent = flat.T @ (flat * p.reshape(-1, 1)) - mean.T @ mean
            return bent / len(outputs)
        if self.kind == "regression":
            curvature = 2 * self._share
        else:
            p = outputs.sigmoid()
            curvature = p * (1 - p) * self._share
        return flat.T @ (flat * curvature.reshape(-1, 1))

    @property
    def _share(self) -> Tensor:
        """``(n, width)`` weight of each label in the mean loss."""
        known = self.known.to(self.features.dtype)
        return known / known.sum(dim=1, keepdim=True) / len(known)

    def _hot(self, outputs: Tensor) -> Tensor:
        hot = F.one_hot(self.target[:, 0].long(), outputs.shape[1])
        return hot.to(outputs.dtype)[..., None]


@dataclass(frozen=True)
class Fits:
    """Solutions of a batch of subsets.

    Args:
        weights: ``(m, d)``.
        residual: ``(m,)`` length of the gradient left, as a share of that at 0.
        by_newton: how many the chord steps left to Newton's method.
    """

    weights: Tensor
    residual: Tensor
    by_newton: int


class PooledFits:
    """Minimises ``(1/|S|) Σ_{t ∈ S} L_t(w) + (λ/2) ‖w‖²`` for any subsets S at once.

    The derivatives of each task at w = 0 are computed once; those of a subset are their sums. From
    them chord steps (Newton steps with the Hessian kept from the start, corrected by the secants of
    the last few steps as L-BFGS does) solve many subsets in one batch of matrix products. One step
    is exact for regression. A subset that is not done after 60 steps goes on by Newton's method
    (of more than 64 tasks it is left as it is, and the residual told); that happens at tiny λ where
    the start fits its samples almost perfectly, so that there is hardly any curvature to start
    from.

    Args:
        samples: training samples, one a task; None for a task without labels, which is then left
            out of every subset.
        tolerance: a fit is done when the gradient is this share of its length at 0.
    """

    def __init__(self, samples: Sequence[TaskSamples | None], tolerance: float = 1e-3) -> None:
        self.samples, self.tolerance = samples, tolerance
        first = next(sample for sample in samples if sample is not None)
        self.d = first.features.shape[2]
        zero = first.features.new_zeros(self.d)
        gradients, hessians = [], []
        for sample in samples:
            if sample is None:
                gradients.append(zero)
                hessians.append(zero[:, None] * zero)
            else:
                gradients.append(sample.gradient(zero[None])[0])
                hessians.append(sample.hessian(zero))
        self.gradients, self.hessians = torch.stack(gradients), torch.stack(hessians)
        self.scale = float(self.hessians.diagonal(dim1=1, dim2=2).mean())
        """Mean curvature a direction: the natural unit of λ."""
        self._shared = first.head is not None
        self._together = SharedLinear.of(samples)
        self._widest = max(s.offset.numel() for s in samples if s is not None)

    def solve(self, membership: Tensor, ridge: float) -> Fits:
        """Fit every row of ``(m, T)`` bool membership.

        Args:
            ridge: λ > 0.
        """
        few = membership.sum(dim=1) * FEW < membership.shape[1]
        if self._together is None or bool(few.all()) or not bool(few.any()):
            return self._in_blocks(membership, ridge)
        first, rest = (
            self._in_blocks(membership[few], ridge),
            self._in_blocks(membership[~few], ridge),
        )
        weights = first.weights.new_empty(len(membership), self.d)
        residual = first.residual.new_empty(len(membership))
        for rows, part in ((few, first), (~few, rest)):
            weights[rows], residual[rows] = part.weights, part.residual
        return Fits(weights, residual, first.by_newton + rest.by_newton)

    def _in_blocks(self, membership: Tensor, ridge: float) -> Fits:
        most = SHARED_BLOCK if self._shared else BLOCK
        block = max(1, most // max(self.d**2, self._widest))
        parts = list(
            halving(len(membership), block, lambda i, j: self._solve(membership[i:j], ridge))
        )
        return Fits(
            torch.cat([part.weights for part in parts]),
            torch.cat([part.residual for part in parts]),
            sum(part.by_newton for part in parts),
        )

    def _solve(self, membership: Tensor, ridge: float) -> Fits:
        share = membership.to(self.gradients.dtype)
        share = share / share.sum(dim=1, keepdim=True).clamp(min=1)
        hessian = torch.tensordot(share, self.hessians, dims=1)
        hessian.diagonal(dim1=1, dim2=2).add_(ridge)
        factor = torch.linalg.cholesky(hessian)
        gradient = share @ self.gradients
        start = gradient.norm(dim=1)
        goal = self.tolerance * start
        weights = torch.zeros_like(gradient)
        length = start.clone()
        active = torch.nonzero(start > 0)[:, 0]
        secants: list[tuple[Tensor, Tensor]] = []
        for _ in range(CHORD_STEPS):
            if not len(active):
                break
            step = _corrected_step(gradient, factor, secants, active)
            moved, fresh, fine = self._advance(weights, gradient, step, share, ridge, active)
            secant = torch.zeros_like(gradient), torch.zeros_like(gradient)
            secant[0][active] = moved - weights[active]
            secant[1][active] = fresh - gradient[active]
            secants = [*secants, secant][-MEMORY:]
            weights[active], gradient[active] = moved, fresh
            length[active] = fresh.norm(dim=1)
            active = active[fine & (length[active] > goal[active])]
        failed = length > goal
        if self._together is not None or len(self.samples) > NEWTON_TASKS:
            # Newton's method takes minutes a fit of a hundred tasks: the residual is told.
            return Fits(weights, length / start.clamp(min=1e-300), 0)
        for row in torch.nonzero(failed)[:, 0]:
            weights[row] = self._newton(weights[row], share[row], ridge, float(goal[row]))
            length[row] = self._gradient(weights[row][None], share[row][None], ridge).norm()
        return Fits(weights, length / start.clamp(min=1e-300), int(failed.sum()))

    def _advance(
        self,
        weights: Tensor,
        gradient: Tensor,
        step: Tensor,
        share: Tensor,
        ridge: float,
        active: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Go ``step`` downhill, less where that overshoots.

        The objective is convex, so its slope along the step grows: a point is taken where the slope
        ahead is at most .9 of what it was at the start (Wolfe's curvature condition), and else the
        step is cut to where a straight line puts the slope at 0.

        Returns:
            New ``(a, d)`` weights and gradients, and ``(a,)`` which went well.
        """
        before = (gradient[active] * step).sum(dim=1)
        moved, fresh = weights[active].clone(), gradient[active].clone()
        fine = torch.zeros_like(before, dtype=torch.bool)
        size = torch.ones_like(before)
        todo = torch.nonzero(before > 0)[:, 0]
        for _ in range(CUTS):
            if not len(todo):
                break
            rows = active[todo]
            place = weights[rows] - size[todo, None] * step[todo]
            slopes = self._gradient(place, share[rows], ridge)
            ahead = -(slopes * step[todo]).sum(dim=1)
            # not (… > …) would let NaN pass
            good = ahead <= 0.9 * before[todo]
            moved[todo[good]], fresh[todo[good]], fine[todo[good]] = place[good], slopes[good], True
            cut = (before[todo] / (before[todo] + ahead)).nan_to_num(0.1).clamp(0.1, 0.6)
            size[todo] *= cut
            todo = todo[~good]
        return moved, fresh, fine

    def _gradient(self, weights: Tensor, share: Tensor, ridge: float) -> Tensor:
        total = ridge * weights
        if self._together is not None and int((share > 0).sum()) * FEW >= share.numel():
            return total + self._together.gradient(weights, share)
        for task, sample in enumerate(self.samples):
            rows = torch.nonzero(share[:, task])[:, 0]
            if sample is not None and len(rows):
                own = sample.gradient(weights[rows])
                total[rows] += share[rows, task, None] * own
        return total

    def _value(self, weights: Tensor, share: Tensor, ridge: float) -> Tensor:
        total = 0.5 * ridge * weights @ weights
        for task, sample in enumerate(self.samples):
            if sample is not None and share[task] > 0:
                total = total + share[task] * sample.losses(weights[None])[0]
        return total

    def _newton(self, weights: Tensor, share: Tensor, ridge: float, goal: float) -> Tensor:
        for _ in range(NEWTON_STEPS):
            gradient = self._gradient(weights[None], share[None], ridge)[0]
            if float(gradient.norm()) <= goal:
                break
            hessian = ridge * torch.eye(self.d, dtype=weights.dtype, device=weights.device)
            for task, sample in enumerate(self.samples):
                if sample is not None and share[task] > 0:
                    hessian = hessian + share[task] * sample.hessian(weights)
            step = torch.cholesky_solve(gradient[:, None], torch.linalg.cholesky(hessian))[:, 0]
            value, slope, size = self._value(weights, share, ridge), gradient @ step, 1.0
            while size > 1e-6:
                moved = weights - size * step
                if self._value(moved, share, ridge) <= value - 1e-4 * size * slope:
                    break
                size /= 2
            else:
                break
            weights = moved
        return weights


def _corrected_step(
    gradient: Tensor, factor: Tensor, secants: list[tuple[Tensor, Tensor]], active: Tensor
) -> Tensor:
    """``(a, d)`` two-loop recursion of L-BFGS around the chord's Hessian.

    Nocedal and Wright, Numerical Optimization, algorithm 7.4. A subset without a secant of positive
    curvature takes the plain chord step.
    """
    step = gradient[active]
    pairs = []
    for move, change in reversed(secants):
        s, y = move[active], change[active]
        bent = (s * y).sum(dim=1, keepdim=True)
        inverse = torch.where(bent > 0, 1 / torch.where(bent > 0, bent, 1), 0)
        weight = inverse * (s * step).sum(dim=1, keepdim=True)
        step = step - weight * y
        pairs.append((s, y, inverse, weight))
    step = torch.cholesky_solve(step[..., None], factor[active])[..., 0]
    for s, y, inverse, weight in reversed(pairs):
        step = step + s * (weight - inverse * (y * step).sum(dim=1, keepdim=True))
    return step
