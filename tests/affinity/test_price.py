"""The price of an estimator, told beforehand."""

import torch

from taskviz.affinity import make_estimator
from taskviz.affinity.price import price
from taskviz.values import TaskCollection


def test_networks_and_seconds(toy: TaskCollection, device: torch.device) -> None:
    cost = price(make_estimator("hoa", epochs=3, seeds=2), toy, device)
    assert cost.networks == 2 * (4 + 6)
    assert cost.seconds is not None
    assert cost.seconds > 0
    free = price(make_estimator("label-correlation"), toy, device)
    assert (free.networks, free.seconds) == (0, None)
