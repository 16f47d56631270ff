"""The error of the expansion for networks of every kind, and its way through verb and job."""

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from taskviz.affinity import joint_training
from taskviz.affinity.expansion import movable, train_start
from taskviz.affinity.gradient import GradientOptions
from taskviz.affinity.linearisation import outputs_at
from taskviz.affinity.linearisation_error import _fine_tune, _norm, linearisation_error
from taskviz.cache import Cache
from taskviz.cli import main
from taskviz.data.batch_inputs import disjoint_union
from taskviz.engines import RunContext
from taskviz.jobs.kinds import parse_spec
from taskviz.networks import MultiHeadNetwork
from taskviz.progress import SILENT
from taskviz.values import Graphs, Task, TaskCollection, TaskvizError
from taskviz.verbs import study_linearisation
from taskviz.verbs.linearisation import stored_linearisations

TASKS = (Task("a", "regression"), Task("b", "binary", ("no", "yes")), Task("c", "regression"))


class SmallCNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Tanh(), nn.Flatten(), nn.Linear(144, 8)
        )

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.body(inputs)
        return found


class SmallGraphNetwork(nn.Module):
    """One round of messages, then the mean over the nodes of each graph."""

    def __init__(self) -> None:
        super().__init__()
        self.message, self.own = nn.Linear(3, 8), nn.Linear(2, 8)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        union = disjoint_union(rows, 2, 1)
        source, target = union.edge_index
        sent = torch.tanh(self.message(torch.cat([union.nodes[source], union.edges], dim=1)))
        nodes = torch.tanh(self.own(union.nodes)).index_add(0, target, sent)
        pooled = nodes.new_zeros(union.count, 8).index_add(0, union.graph, nodes)
        return pooled / torch.bincount(union.graph, minlength=union.count)[:, None]


def collection(kind: str, n: int = 60) -> TaskCollection:
    rng = np.random.default_rng(0)
    if kind == "image":
        inputs = rng.normal(size=(n, 1, 8, 8)).astype(np.float32)
        score = inputs[:, 0, :3, :3].mean(axis=(1, 2))
    else:
        nodes = [rng.normal(size=(int(rng.integers(2, 6)), 2)) for _ in range(n)]
        edges = [np.array([[0, 1], [1, 0]]) for _ in nodes]
        inputs = Graphs.from_lists(nodes, edges, [rng.normal(size=(2, 1)) for _ in nodes])
        score = np.array([node[:, 0].mean() for node in nodes])
    targets = {"a": score, "b": (score > 0).astype(float), "c": -score + 0.1 * rng.normal(size=n)}
    split = np.repeat([0, 1, 2], [n - 2 * (n // 5), n // 5, n // 5]).astype(np.int8)
    return TaskCollection.from_arrays(kind, inputs, targets, TASKS, split, modality=kind)


TRUNKS = {"image": SmallCNN, "graph": SmallGraphNetwork}


@pytest.fixture
def small_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(data: TaskCollection, *_: object, seed: int, **__: object) -> MultiHeadNetwork:
        torch.manual_seed(seed)
        heads = [nn.Linear(8, task.outputs) for task in data.tasks]
        return MultiHeadNetwork(TRUNKS[data.modality](), heads)

    monkeypatch.setattr(joint_training, "build_network", build)


@pytest.mark.parametrize("kind", ["image", "graph"])
def test_a_convolution_and_a_graph_network(kind: str, small_networks: None) -> None:
    data = collection(kind)
    table = linearisation_error(
        data, subsets=5, steps=4, epochs=3, batch_size=16, distances=(0.02, 0.04)
    )
    assert table["rss"].notna().all()
    # smooth activations: doubling the distance raises the squared residual sixteenfold
    assert 8 < table["rss"].iloc[1] / table["rss"].iloc[0] < 32
    again = linearisation_error(
        data, subsets=5, steps=4, epochs=3, batch_size=16, distances=(0.02, 0.04)
    )
    assert table.equals(again)


@pytest.mark.parametrize("kind", ["image", "graph"])
def test_against_differences_by_hand(kind: str, small_networks: None) -> None:
    """Σ (f_W − f_θ − slope)² / Σ f_W² with the slope from a tiny step, in plain steps."""
    data, options = collection(kind), GradientOptions(epochs=2, batch_size=16)
    run = train_start(data, options, RunContext(), 1.0)
    run.network.double()
    start = {name: value.double() for name, value in movable(run, "trunk").items()}
    moved = {name: value.double() for name, value in _tuned(data, options).items()}
    inputs = run.data.inputs_of(0)[run.data.rows("valid", 0)].double()
    direction = {name: moved[name] - value for name, value in start.items()}
    scale = 0.05 * _norm(start) / _norm(direction)

    def at(step: float) -> torch.Tensor:
        place = {name: value + step * direction[name] for name, value in start.items()}
        with torch.no_grad():
            return outputs_at(run.network, place, inputs, [0, 2])

    slope = (at(1e-6) - at(-1e-6)) / 2e-6
    expected = float(((at(scale) - at(0) - scale * slope) ** 2).sum() / (at(scale) ** 2).sum())
    from taskviz.affinity.linearisation_error import _residuals

    fresh = train_start(data, options, RunContext(), 1.0)
    found = _residuals(fresh, movable(fresh, "trunk"), _tuned(data, options), [0, 2], (0.05,), 1000)
    assert found[0] == pytest.approx(expected, rel=1e-3)


def _tuned(data: TaskCollection, options: GradientOptions) -> dict[str, torch.Tensor]:
    run = train_start(data, options, RunContext(), 1.0)
    return _fine_tune(run, movable(run, "trunk"), [0, 2], 5, 1e-2, (0, 1))


def test_verb_job_and_terminal_give_the_same(
    toy_factory: Callable[..., TaskCollection],
    tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path))
    words = ["linearisation", "linnerud", "--subsets", "3", "--epochs", "2", "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["rss"]) == len(found["distance"]) == 10
    import taskviz as tv

    data = tv.load_collection("linnerud")
    table = study_linearisation(data, subsets=3, epochs=2)
    assert table["rss"].tolist() == found["rss"]
    spec = parse_spec(
        "linearisation",
        {"collection": {"reference": "linnerud"}, "subsets": 3, "options": {"epochs": 2}},
    )
    assert spec.run("cpu", SILENT, Cache())["linearisation"] == found["key"]
    stored = stored_linearisations(data)
    assert list(stored) == ["epochs 2, seed 0"]
    assert stored["epochs 2, seed 0"].equals(table)
    assert main(words[:-1]) == 0
    assert "relative residual" in capsys.readouterr().out
    with pytest.raises(TaskvizError, match="positive"):
        study_linearisation(data, subsets=0)
