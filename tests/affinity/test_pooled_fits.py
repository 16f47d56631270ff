"""The batch of regressions against autograd, scipy and the losses of training."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from taskviz.affinity import pooled_fits
from taskviz.affinity.pooled_fits import PooledFits, TaskSamples
from taskviz.training.losses import mean_loss
from taskviz.values import Task

TASKS = (
    Task("r", "regression"),
    Task("b", "binary", ("no", "yes")),
    Task("m", "multiclass", ("x", "y", "z")),
    Task("l", "multilabel", ("u", "v")),
)
D = 7


def samples(seed: int = 0, n: int = 60, scale: float = 1.0) -> list[TaskSamples]:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    made = []
    for task in TASKS:
        target = normal(n, task.width)
        if task.kind == "multiclass":
            target = torch.randint(0, 3, (n, 1), generator=generator).double()
        elif task.kind != "regression":
            target = (target > 0).double()
        known = torch.ones(n, task.width, dtype=torch.bool)
        if task.kind == "multilabel":
            known[: n // 2, 0] = False
        made.append(
            TaskSamples(
                task.kind,
                scale * normal(n, task.outputs, D),
                normal(n, task.outputs),
                target,
                known,
            )
        )
    return made


@pytest.mark.parametrize("number", range(4))
def test_losses_and_derivatives_are_those_of_training(number: int) -> None:
    sample, task = samples()[number], TASKS[number]
    weights = torch.randn(3, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def loss(w: torch.Tensor) -> torch.Tensor:
        output = sample.features @ w + sample.offset
        return mean_loss(task, output, sample.target, sample.known)

    assert torch.allclose(sample.losses(weights), torch.stack([loss(w) for w in weights]))
    slopes = torch.stack([torch.func.grad(loss)(w) for w in weights])
    assert torch.allclose(sample.gradient(weights), slopes)
    assert torch.allclose(sample.hessian(weights[0]), torch.func.hessian(loss)(weights[0]))


def every() -> torch.Tensor:
    codes = torch.arange(1, 16)[:, None]
    return (codes >> torch.arange(4)) & 1 == 1


def slow(made: list[TaskSamples], row: torch.Tensor, ridge: float) -> np.ndarray:
    inside = [sample for sample, held in zip(made, row, strict=True) if held]

    def value(w: np.ndarray) -> tuple[float, np.ndarray]:
        x = torch.from_numpy(w).requires_grad_()
        total = sum(s.losses(x[None])[0] for s in inside) / len(inside) + ridge / 2 * x @ x
        total.backward()
        return float(total.detach()), x.grad.numpy()

    found = minimize(value, np.zeros(D), jac=True, method="BFGS", options={"gtol": 1e-10})
    return found.x


@pytest.mark.parametrize("ridge", [1e-4, 1e-1, 10.0])
def test_all_subsets_at_once_equal_scipy(ridge: float) -> None:
    made = samples()
    fits = PooledFits(made, tolerance=1e-9).solve(every(), ridge)
    expected = np.stack([slow(made, row, ridge) for row in every()])
    assert np.allclose(fits.weights.numpy(), expected, atol=1e-6)
    assert float(fits.residual.max()) <= 1e-9


def test_newton_takes_over_and_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    made = samples(scale=4.0)
    chord = PooledFits(made, tolerance=1e-8).solve(every(), 1e-3)
    monkeypatch.setattr(pooled_fits, "CHORD_STEPS", 1)
    newton = PooledFits(made, tolerance=1e-8).solve(every(), 1e-3)
    assert newton.by_newton >= 14  # one chord step settles the regression alone
    assert torch.allclose(chord.weights, newton.weights, atol=1e-6)


@pytest.mark.parametrize("memory", [1, 5])
def test_steps_that_overshoot_are_cut(memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # saturated on the wrong side: no curvature at the start, so the chord goes far too far
    made = samples(scale=3.0)
    sample = made[1]
    wrong = 40 * (1 - 2 * sample.target)
    made[1] = TaskSamples("binary", sample.features, wrong, sample.target, sample.known)
    monkeypatch.setattr(pooled_fits, "MEMORY", memory)
    row = torch.tensor([[False, True, False, False]])
    fits = PooledFits(made, tolerance=1e-7)
    first = fits.gradients[1] / 1e-3
    assert float(made[1].losses(-first[None])[0]) > 10 * float(made[1].losses(0 * first[None])[0])
    found = fits.solve(row, 1e-3)
    assert float(found.residual[0]) <= 1e-7
    assert np.allclose(found.weights[0].numpy(), slow(made, row[0], 1e-3), atol=1e-4)


def test_regression_needs_one_step_and_is_the_ridge_solution() -> None:
    sample = samples()[0]
    fits = PooledFits([sample], tolerance=1e-12)
    found = fits.solve(torch.ones(1, 1, dtype=torch.bool), 0.3)
    x, y = sample.features[:, 0], (sample.target - sample.offset)[:, 0]
    expected = torch.linalg.solve(
        x.T @ x / 60 * 2 + 0.3 * torch.eye(D, dtype=x.dtype), 2 * x.T @ y / 60
    )
    assert torch.allclose(found.weights[0], expected)
    assert found.by_newton == 0


def test_a_task_without_samples_plays_no_part() -> None:
    made = samples()
    part = PooledFits([made[0], None, made[2], made[3]], tolerance=1e-9)
    whole = PooledFits(made, tolerance=1e-9)
    row = torch.tensor([[True, False, True, False]])
    assert torch.allclose(part.solve(row, 0.1).weights, whole.solve(row, 0.1).weights)
    assert torch.isfinite(
        part.solve(torch.tensor([[False, True, False, False]]), 0.1).weights
    ).all()


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    fits = PooledFits(samples(), tolerance=1e-9)
    whole = fits.solve(every(), 0.1).weights
    monkeypatch.setattr(pooled_fits, "BLOCK", 1)
    assert torch.allclose(fits.solve(every(), 0.1).weights, whole, atol=1e-8)
