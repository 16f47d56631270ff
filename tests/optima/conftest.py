"""Units and trunks that the tests of this room share."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from taskviz.networks import MultiHeadNetwork
from taskviz.optima.units import Units
from taskviz.values import Task

KINDS = (
    Task("size", "regression"),
    Task("ill", "binary", ("no", "yes")),
    Task("kind", "multiclass", ("a", "b", "c")),
    Task("marks", "multilabel", ("x", "y")),
    Task("age", "regression"),
)


def make_units(
    shape: tuple[int, ...],
    n: int = 7,
    *,
    joint: bool = True,
    missing: float = 0.0,
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
) -> Units:
    generator = torch.Generator().manual_seed(seed)

    def draw(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator, dtype=torch.float64).to(dtype)

    targets, masks = [], []
    for task in KINDS:
        target = draw(n, task.width)
        if task.kind == "multiclass":
            target = (target.abs() * 1.5).floor().clamp(max=2)
        elif task.kind != "regression":
            target = (target > 0).to(dtype)
        mask = torch.rand(n, task.width, generator=generator) >= missing
        targets.append(torch.where(mask, target, torch.zeros_like(target)))
        masks.append(mask)
    inputs = tuple(draw(n, *shape) for _ in range(1 if joint else len(KINDS)))
    return Units(KINDS, inputs, tuple(targets), tuple(masks))


def make_network(trunk: nn.Module, features: int, *, seed: int = 0) -> MultiHeadNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        heads = [nn.Linear(features, task.outputs) for task in KINDS]
    return MultiHeadNetwork(trunk, heads).double().eval()


class Convolutions(nn.Module):
    """Stride, padding, dilation, groups, a shortcut, batch and group norm, work in place."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.grouped = nn.Conv2d(8, 8, 3, stride=2, padding=2, dilation=2, groups=2, bias=False)
        self.shortcut = nn.Conv2d(8, 8, 1, stride=2)
        self.group_norm = nn.GroupNorm(2, 8)
        self.whole = nn.Conv2d(8, 6, 2)
        self.top = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.stem(x)), inplace=True)
        x = self.group_norm(self.grouped(x)) + self.shortcut(x)
        x = F.max_pool2d(x.relu_(), 2)
        return self.top(self.whole(x).flatten(1))


class Sequence(nn.Module):
    """A linear layer at every step, layer norm, a one-dimensional convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(5, 7)
        self.norm = nn.LayerNorm(7)
        self.convolution = nn.Conv1d(7, 6, 3, dilation=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(self.norm(self.embed(x).tanh()).transpose(1, 2)).mean(2)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(5, 6, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.gru(x)[0][:, -1]


class Twice(nn.Module):
    """One layer called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.layer(x).tanh())


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 6)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x).relu())


class Hidden(nn.Module):
    """A weight that is used once by its layer and once behind its back."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).tanh() @ self.layer.weight


class Loose(nn.Module):
    """A parameter of no layer, and a layer that is never used."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.idle = nn.Linear(6, 6), nn.Linear(6, 6)
        self.shift = nn.Parameter(torch.ones(6))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x * self.shift).relu()


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, dropout=0.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).mean(1)


def _mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(6, 16), nn.ReLU(inplace=True), nn.Linear(16, 9, bias=False), nn.GELU()
    )


TRUNKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int, str]] = {
    "mlp": (_mlp, (6,), 9, "layers"),
    "convolutions": (Convolutions, (3, 8, 8), 6, "layers"),
    "sequence": (Sequence, (9, 5), 6, "layers"),
    "recurrent": (Recurrent, (7, 5), 6, "generic"),
    "twice": (Twice, (6,), 6, "generic"),
    "tied": (Tied, (6,), 6, "generic"),
    "hidden": (Hidden, (6,), 6, "generic"),
    "loose": (Loose, (6,), 6, "generic"),
    "attention": (Attention, (3, 4), 4, "generic"),
}


def make_case(name: str) -> tuple[MultiHeadNetwork, tuple[int, ...], str]:
    """Network, shape of its input, and the way it should be compared."""
    build, shape, features, way = TRUNKS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        trunk = build().double()
        if name == "convolutions":
            # batch norm with statistics that are not 0 and 1
            trunk.train()
            trunk(2 + 3 * torch.randn(50, *shape, dtype=torch.float64))
    return make_network(trunk, features), shape, way


@pytest.fixture
def units_factory() -> Callable[..., Units]:
    return make_units


@pytest.fixture
def network_factory() -> Callable[..., MultiHeadNetwork]:
    return make_network


@pytest.fixture
def case_factory() -> Callable[[str], tuple[MultiHeadNetwork, tuple[int, ...], str]]:
    return make_case
