"""A shared linear layer: width 1 against a search from many starts, width 2 against training it."""

import numpy as np
import pytest
import torch

from taskviz.theory.capacity import narrow_fit, shared_layer_draws
from taskviz.theory.simulation import Interval, alone_draws, draw
from taskviz.values import TaskvizError


def data(seed: int, n_s: int = 25, n_t: int = 18, p: int = 4):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    x_s, x_t = rng.normal(size=(n_s, p)), rng.normal(size=(n_t, p))
    return x_s, x_s @ rng.normal(size=p), x_t, x_t @ rng.normal(size=p) + rng.normal(size=n_t)


def squared_error(x_s, y_s, x_t, y_t, b, a) -> float:  # type: ignore[no-untyped-def]
    return float(((x_s @ b * a[0] - y_s) ** 2).sum() + ((x_t @ b * a[1] - y_t) ** 2).sum())


@pytest.mark.parametrize("seed", range(6))
def test_width_one_is_the_best_of_many_alternating_fits(seed: int) -> None:
    x_s, y_s, x_t, y_t = data(seed, n_s=3 if seed == 5 else 25)
    w_s, w_t, c_s, c_t = x_s.T @ x_s, x_t.T @ x_t, x_s.T @ y_s, x_t.T @ y_t
    best, best_beta = np.inf, np.zeros(4)
    for angle in np.linspace(0.01, np.pi - 0.01, 10):
        a = np.array([np.cos(angle), np.sin(angle)])
        for _ in range(150):
            b = np.linalg.solve(a[0] ** 2 * w_s + a[1] ** 2 * w_t, a[0] * c_s + a[1] * c_t)
            a = np.array([c_s @ b / (b @ w_s @ b), c_t @ b / (b @ w_t @ b)])
            a /= np.linalg.norm(a)
        b = np.linalg.solve(a[0] ** 2 * w_s + a[1] ** 2 * w_t, a[0] * c_s + a[1] * c_t)
        error = squared_error(x_s, y_s, x_t, y_t, b, a)
        if error < best:
            best, best_beta = error, a[1] * b
    found = narrow_fit(w_s[None], w_t[None], c_s[None], c_t[None])[0]
    np.testing.assert_allclose(found, best_beta, atol=2e-5)


def test_width_two_trained_is_the_target_alone() -> None:
    x_s, y_s, x_t, y_t = (torch.from_numpy(v) for v in data(1))
    alone = torch.linalg.lstsq(x_t, y_t[:, None]).solution[:, 0]
    torch.manual_seed(0)
    b = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    a = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([b, a], lr=0.02)
    for _ in range(1200):
        optimizer.zero_grad()
        loss = ((x_s @ b @ a[0] - y_s) ** 2).sum() + ((x_t @ b @ a[1] - y_t) ** 2).sum()
        loss.backward()
        optimizer.step()
    torch.testing.assert_close((b @ a[1]).detach(), alone, rtol=1e-5, atol=1e-5)


def test_width_one_helps_alike_tasks_and_hurts_others() -> None:
    moments = draw([100, 400], 200, 50, 0.25, repeats=40, seed=1)
    alone = alone_draws(moments)[:, None]
    alike = Interval.of(shared_layer_draws(moments, 1, 0.0) - alone)
    apart = Interval.of(shared_layer_draws(moments, 1, 0.6) - alone)
    assert np.all(alike.mean + alike.half_width < 0)
    assert np.all(apart.mean - apart.half_width > 0)
    opposite = Interval.of(shared_layer_draws(moments, 1, np.sqrt(2)) - alone)
    assert np.all(opposite.mean + opposite.half_width < 0), "a head may be negative"
    for width in (2, 3):
        np.testing.assert_array_equal(
            shared_layer_draws(moments, width, 0.6), np.repeat(alone, 2, axis=1)
        )


def test_out_of_range_is_one_sentence() -> None:
    moments = draw([10], 20, 3, 0.25, repeats=2)
    with pytest.raises(TaskvizError, match="width 0"):
        shared_layer_draws(moments, 0, 0.1)
    with pytest.raises(TaskvizError, match="at most √2"):
        shared_layer_draws(moments, 1, 1.5)
    with pytest.raises(TaskvizError, match="too few"):
        shared_layer_draws(draw([10], 3, 3, 0.25, repeats=2), 1, 0.1)
