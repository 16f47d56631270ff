"""Projected gradients against explicit ones; the error of the expansion."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from taskviz.affinity import linearisation
from taskviz.affinity.linearisation import Projection, derivative_along, projected_gradients
from taskviz.affinity.linearisation_error import linearisation_error
from taskviz.networks import MultiHeadNetwork, NetworkOptions, build_network
from taskviz.values import TaskCollection, TaskvizError


def trunk_of(network: MultiHeadNetwork) -> dict[str, torch.Tensor]:
    return {n: v.detach() for n, v in network.named_parameters() if n.startswith("trunk.")}


def explicit(network: MultiHeadNetwork, inputs: torch.Tensor, place: dict) -> torch.Tensor:
    """``(n, outputs, M)`` one backward pass a sample and output."""
    names = dict(network.named_parameters())
    shared = [names[name] for name in place]
    rows = []
    for sample in inputs:
        out = torch.cat(network(sample[None]), dim=1)[0]
        grads = [torch.autograd.grad(value, shared, retain_graph=True) for value in out]
        rows.append(torch.stack([torch.cat([g.flatten() for g in grad]) for grad in grads]))
    return torch.stack(rows)


def test_projection_equals_explicit_gradients(
    toy: TaskCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linearisation, "CHUNK", 3)
    network = build_network(toy, NetworkOptions(width=9), seed=0, dtype=torch.float64).eval()
    place = trunk_of(network)
    projection = Projection.of(place, 20, seed=4)
    inputs = torch.randn(8, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    outputs, features = projected_gradients(network, place, inputs, range(4), projection)
    matrix = torch.stack([projection.flat(k).double() for k in range(20)], dim=1)
    assert torch.allclose(matrix.abs(), torch.full_like(matrix, 20**-0.5), rtol=1e-6)
    assert torch.allclose(features, explicit(network, inputs, place) @ matrix, atol=1e-10)
    assert torch.allclose(outputs, torch.cat(network(inputs), dim=1))


def test_few_parameters_are_kept_as_they_are(toy: TaskCollection) -> None:
    network = build_network(toy, NetworkOptions(width=2, depth=1), seed=0).eval()
    place = trunk_of(network)
    projection = Projection.of(place, 200, seed=0)
    assert projection.exact
    assert projection.dimension == 14
    inputs = torch.randn(3, 6)
    _, features = projected_gradients(network, place, inputs, range(4), projection)
    assert torch.allclose(features, explicit(network, inputs, place), atol=1e-6)


@pytest.mark.parametrize("held", [1, 10**6])
def test_combine_is_the_product(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linearisation, "HELD", held)
    place = {"a": torch.zeros(3, 4, dtype=torch.float64), "b": torch.zeros(5, dtype=torch.float64)}
    projection = Projection.of(place, 6, seed=1)
    weights = torch.randn(2, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    expected = weights @ torch.stack([projection.flat(k).double() for k in range(6)])
    for row, made in zip(expected, projection.combine(weights), strict=True):
        assert torch.allclose(torch.cat([made["a"].flatten(), made["b"]]), row)


def test_inner_products_survive_the_projection() -> None:
    place = {"w": torch.zeros(3000)}
    projection = Projection.of(place, 400, seed=0)
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(3000, generator=generator)
    b = a + torch.randn(3000, generator=generator)
    matrix = torch.stack([projection.flat(k) for k in range(400)], dim=1)
    cosine = torch.cosine_similarity(a @ matrix, b @ matrix, dim=0)
    assert abs(float(cosine) - float(torch.cosine_similarity(a, b, dim=0))) < 0.1


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRU(3, 4, batch_first=True)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.cell(inputs)[0][:, -1]
        return features


class Once(torch.autograd.Function):
    """An operation whose backward pass cannot be differentiated, but which has a forward mode."""

    @staticmethod
    def forward(x: torch.Tensor) -> torch.Tensor:
        return x**2

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        return 2 * ctx.saved_tensors[0] * grad

    @staticmethod
    def jvp(ctx, tangent):
        return 2 * ctx.saved_tensors[0] * tangent


class Squares(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 4)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        squared: torch.Tensor = Once.apply(self.layer(inputs.flatten(1)[:, :3]))
        return squared


@pytest.mark.parametrize(("trunk", "way"), [(Recurrent, "twice"), (Squares, "forward")])
def test_other_trunks_against_differences(trunk: type[nn.Module], way: str) -> None:
    torch.manual_seed(0)
    network = MultiHeadNetwork(trunk(), [nn.Linear(4, 2), nn.Linear(4, 1)]).double().eval()
    place = trunk_of(network)
    inputs = torch.randn(5, 6, 3, dtype=torch.float64)
    direction = {name: torch.randn_like(value) for name, value in place.items()}
    outputs, slope = derivative_along(network, place, inputs, [0, 1])
    assert slope.__name__ == way

    def at(scale: float) -> torch.Tensor:
        moved = {name: value + scale * direction[name] for name, value in place.items()}
        return linearisation.outputs_at(network, moved, inputs, [0, 1]).detach()

    assert torch.allclose(outputs, at(0))
    assert torch.allclose(slope(direction), (at(1e-5) - at(-1e-5)) / 2e-5, atol=1e-8)


def test_the_error_grows_with_the_distance(toy_factory: Callable[..., TaskCollection]) -> None:
    table = linearisation_error(
        toy_factory(missing=0.2),
        subsets=6,
        steps=5,
        distances=(0.01, 0.05, 0.2),
        epochs=5,
        activation="tanh",
    )
    assert list(table.columns) == ["distance", "rss", "standard_error", "subsets"]
    assert (np.diff(table["rss"]) > 0).all()
    assert table["rss"].iloc[0] < 1e-3
    # the residual is of second order: its square grows by the fourth power
    ratio = table["rss"].iloc[1] / table["rss"].iloc[0]
    assert 5**3 < ratio < 5**5
    assert (table["subsets"] == 6).all()


def test_moving_heads_alone_has_no_error(toy: TaskCollection) -> None:
    # outputs are linear in the heads: with everything movable and a trunk that gets no gradient
    # (all ReLUs dead) the expansion is exact
    from taskviz.affinity.expansion import movable, train_start
    from taskviz.affinity.gradient import GradientOptions
    from taskviz.affinity.linearisation_error import _residuals
    from taskviz.engines import RunContext

    run = train_start(toy, GradientOptions(epochs=1), RunContext(), 1.0)
    start = movable(run, "all")
    moved = {
        n: v + (torch.randn_like(v) if n.startswith("heads.") else 0) for n, v in start.items()
    }
    found = _residuals(run, start, moved, [0, 2], (0.01, 0.1), 100)
    assert (found < 1e-10).all()
    still = _residuals(run, start, start, [0, 2], (0.01, 0.1), 100)
    assert np.isnan(still).all()


def test_bad_numbers_are_refused(toy: TaskCollection) -> None:
    with pytest.raises(TaskvizError, match="positive"):
        linearisation_error(toy, distances=(0.0,))
    with pytest.raises(TaskvizError, match="offsett"):
        linearisation_error(toy, offsett=True)
