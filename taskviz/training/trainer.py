"""One network in training: its state, and what an epoch does to it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from taskviz.data.tensors import CollectionTensors
from taskviz.networks import build_network
from taskviz.training.curves import CurvePoint, curve_point
from taskviz.training.objective import Labels, Objective
from taskviz.training.options import TrainingOptions
from taskviz.training.weighting import Step, make_weighting
from taskviz.values import Split

CHUNK = 8192
"""Rows that are scored at once."""

CHECK_EVERY = 0.5
"""Seconds between two questions whether to stop, within an epoch."""


class GroupTrainer:
    """A network over the tasks of a group, its optimizer, its weighting and its batches.

    The order of the batches is drawn from a stream that ``seed`` alone decides, so that the groups
    of one seed see the same batches; trunk and heads start as in every other group of that seed
    (:func:`taskviz.networks.build_network`).

    Args:
        data: a joint collection.
        tasks: numbers of the group's tasks, ascending.
        options: how to train.
        weighting: name of the weighting.
        seed: of initial state and batches.
    """

    def __init__(
        self,
        data: CollectionTensors,
        tasks: Sequence[int],
        options: TrainingOptions,
        *,
        weighting: str = "equal",
        seed: int = 0,
    ) -> None:
        self.data, self.tasks, self.options = data, tuple(tasks), options
        self.objective = Objective(data, tasks)
        self.weighting = make_weighting(weighting, len(tasks)).to(data.device)
        self.network = build_network(
            data.collection, options, seed=seed, tasks=tasks, device=data.device, dtype=data.dtype
        )
        self.optimizer = _optimizer(self.network, self.weighting, options, data.device)
        self.batches = torch.Generator().manual_seed(seed * 1_000_003 + 5)
        self.scales = [float(data.scaling.target_scale[number][0]) for number in tasks]
        self._inputs = data.inputs_of(self.tasks[0])
        self._train_rows = data.rows("train")
        self._host_labels = self.objective.labels.cpu()

    def run_epoch(self, check: Callable[[], None] = lambda: None) -> CurvePoint:
        """Pass the training split once.

        Args:
            check: called now and then; may raise.

        Returns:
            Loss and primary metric over the epoch's own outputs, each as it was before its step.
        """
        objective, network, optimizer = self.objective, self.network, self.optimizer
        network.train()
        order = torch.randperm(len(self._train_rows), generator=self.batches)
        order = self._train_rows[order.to(self.data.device)]
        seen, asked = [], time.monotonic()
        for rows in torch.split(order, self.options.batch_size):
            inputs, labels = self._inputs.index_select(0, rows), objective.labels.take(rows)
            features = network.trunk(inputs)
            outputs = objective.outputs(network, features)
            losses = objective.losses(outputs, labels)
            optimizer.zero_grad()
            present = partial(objective.present, labels)
            self.weighting.backward(Step(losses, present, features, network))
            optimizer.step()
            seen.append(outputs.detach())

            self.weighting.after_step(partial(self._losses, inputs, labels))
            if time.monotonic() - asked > CHECK_EVERY:
                check()
                asked = time.monotonic()
        self.weighting.end_epoch()
        labels = self._host_labels.take(order.cpu())
        return curve_point(objective, torch.cat(seen).cpu(), labels, self.scales)

    @torch.no_grad()
    def _losses(self, inputs: Tensor, labels: Labels) -> Tensor:
        outputs = self.objective.outputs(self.network, self.network.trunk(inputs))
        return self.objective.losses(outputs, labels)

    @torch.no_grad()
    def outputs(self, split: Split) -> tuple[Tensor, Tensor]:
        """``(n, outputs)`` raw outputs of a split and its row numbers, both on the host."""
        self.network.eval()
        rows = self.data.rows(split)
        parts = [
            self.objective.outputs(
                self.network, self.network.trunk(self._inputs.index_select(0, chunk))
            ).cpu()
            for chunk in torch.split(rows, CHUNK)
        ]
        return torch.cat(parts), rows.cpu()

    def score(self, split: Split) -> CurvePoint:
        """Loss and primary metric of a split under the present weights."""
        outputs, rows = self.outputs(split)
        return curve_point(self.objective, outputs, self._host_labels.take(rows), self.scales)

    def weights(self) -> dict[str, Tensor]:
        """A copy of the network's state."""
        return {name: t.detach().clone() for name, t in self.network.state_dict().items()}

    def finite(self) -> bool:
        """Whether every weight is a finite number."""
        return all(bool(torch.isfinite(p).all()) for p in self.network.parameters())


def _optimizer(
    network: nn.Module, weighting: nn.Module, options: TrainingOptions, device: torch.device
) -> torch.optim.Optimizer:
    groups = [{"params": list(network.parameters()), "weight_decay": options.weight_decay}]
    if own := list(weighting.parameters()):
        groups.append({"params": own, "weight_decay": 0.0})
    # One kernel for all parameters: for small networks the optimizer costs as much as the rest.
    fused = device.type in ("cpu", "cuda")
    if options.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=options.learning_rate, fused=fused)
    return torch.optim.AdamW(groups, lr=options.learning_rate, fused=fused)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Global streams of torch (dropout, torchjd's PCGrad) start from ``seed``, and are put back."""
    devices = [device.index or 0] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed * 1_000_003 + 11)
        if devices:
            torch.cuda.default_generators[devices[0]].manual_seed(seed * 1_000_003 + 11)
        yield
