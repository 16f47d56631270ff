"""The price of an estimator, told beforehand."""

import pytest
import torch

from taskviz.affinity import make_estimator
from taskviz.affinity.price import price
from taskviz.values import TaskCollection
from taskviz.verbs import load_collection


def test_networks_and_seconds(toy: TaskCollection, device: torch.device) -> None:
    cost = price(make_estimator("hoa", epochs=3, seeds=2), toy, device)
    assert cost.networks == 2 * (4 + 6)
    assert cost.seconds is not None
    assert cost.seconds > 0
    free = price(make_estimator("label-correlation"), toy, device)
    assert (free.networks, free.seconds) == (0, None)


@pytest.mark.parametrize(
    ("method", "options", "way"),
    [
        ("higher-order", {"epochs": 1, "m": 4}, "stacked"),
        ("higher-order", {"epochs": 1, "m": 4, "mode": "sequential"}, "one by one"),
        ("sca", {"n": 8}, "by layer"),
        ("gradient-cosine", {"inits": 2}, ""),
    ],
)
def test_it_tells_how_the_work_is_done(
    toy: TaskCollection, device: torch.device, method: str, options: dict[str, object], way: str
) -> None:
    cost = price(make_estimator(method, **options), toy, device)
    assert cost.like == {"network": "mlp", "way": way}
    assert cost.effort is not None


def test_a_graph_is_trained_one_by_one_and_compared_by_sample(device: torch.device) -> None:
    graph = load_collection("karate")
    trained = price(make_estimator("higher-order", epochs=1, m=4), graph, device)
    assert trained.like == {"network": "gcn", "way": "one by one"}
    compared = price(make_estimator("sca", n=10, inits=2), graph, device)
    assert compared.like == {"network": "gcn", "way": "by sample"}
    single = price(make_estimator("sca", n=1), graph, device)
    assert compared.effort is not None
    assert single.effort is not None
    # A step for each sample and initial state, not for each batch: 20, however slow the clock.
    assert compared.effort > 2 * single.effort
