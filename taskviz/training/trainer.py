"""One network in training: its state, and what an epoch does to it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from taskviz.data.batch_inputs import rows_at_once
from taskviz.data.tensors import CollectionTensors
from taskviz.engines.memory import halving
from taskviz.networks import build_network
from taskviz.training.curves import Floats, PrimaryMetrics, Seen, split_losses
from taskviz.training.objective import Labels, Objective
from taskviz.training.options import TrainingOptions
from taskviz.training.precision import HalfPrecision
from taskviz.training.schedule import rate_factor
from taskviz.training.weighting import Step, make_weighting
from taskviz.values import Split, TaskvizError

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
        self.data, self.tasks, self.options, self.seed = data, tuple(tasks), options, seed
        self.task_values = tuple(data.collection.tasks[number] for number in tasks)
        self.weighting = make_weighting(weighting, len(tasks)).to(data.device, data.dtype)
        self.network = build_network(
            data.collection, options, seed=seed, tasks=tasks, device=data.device, dtype=data.dtype
        )
        self.trunk = _compiled(self.network.trunk) if options.compile else self.network.trunk
        self.half = HalfPrecision.of(options.precision, data.device)
        self.optimizer = make_optimizer(
            self.network, self.weighting.learned(), options, data.device
        )
        self.batches = torch.Generator().manual_seed(seed * 1_000_003 + 5)
        self.scales = [float(data.scaling.target_scale[number][0]) for number in tasks]
        self.passed = 0
        """Epochs that have been trained."""
        self._varies = options.schedule != "constant" or options.warmup > 0
        self._prepare()

    def _prepare(self) -> None:
        """What an epoch needs beside network and optimizer."""
        self.objective = Objective(self.data, self.tasks)
        rows = self.data.inputs_of(self.tasks[0])
        self._inputs, self._train_rows = rows, self.data.rows("train")
        self._host_labels = self.objective.labels.cpu()
        self._known = self.objective.known(self._host_labels)
        self._primaries = [PrimaryMetrics(self.objective, self._host_labels, self.scales)]
        self._labels_of: dict[Split, Labels] = {}

    def run_epoch(self, check: Callable[[], None] = lambda: None) -> Seen:
        """Pass the training split once.

        Args:
            check: called now and then; may raise.

        Returns:
            Losses and raw outputs of the epoch's own batches, each as it was before its step.
        """
        objective, network = self.objective, self.network
        network.train()
        order = torch.randperm(len(self._train_rows), generator=self.batches)
        order = self._train_rows[order.to(self.data.device)]
        seen, losses, asked = [], [], time.monotonic()
        batches = torch.split(order, self.options.batch_size)
        for number, rows in enumerate(batches):
            if self._varies:
                self._set_rate(self.passed + number / len(batches))
            inputs, labels = self._inputs.index_select(0, rows), objective.labels.take(rows)
            outputs, step = self._forward(inputs, labels)
            self.optimizer.zero_grad()
            self.weighting.backward(step)
            self._optimize()
            seen.append(outputs.detach())
            losses.append(step.losses.detach())
            self.weighting.after_step(partial(self._losses, inputs, labels))
            if time.monotonic() - asked > CHECK_EVERY:
                check()
                asked = time.monotonic()
        self.weighting.end_epoch()
        self.passed += 1
        return self._seen_of(seen, losses, order.cpu())

    def _seen_of(self, outputs: list[Tensor], losses: list[Tensor], order: Tensor) -> Seen:
        means = self._epoch_losses(torch.stack(losses).cpu(), order)
        return Seen(means, (torch.cat(outputs).cpu(),), (order,))

    def _epoch_losses(self, losses: Tensor, order: Tensor) -> list[float]:
        """Mean over an epoch's samples with a label, from the means over its batches.

        Args:
            losses: ``(batches, k)``.
            order: ``(n,)`` rows, batch after batch.
        """
        size = self.options.batch_size
        if self._known is None:
            counts = np.full((len(losses), 1), float(size))
            counts[-1] = len(order) - size * (len(losses) - 1)
        else:
            known = self._known.index_select(0, order).numpy()
            counts = np.add.reduceat(known, range(0, len(order), size), axis=0, dtype=np.float64)
        # In double precision; numpy, since torch takes longer to start than these few sums take.
        sums = (losses.double().numpy() * counts).sum(axis=0)
        with np.errstate(invalid="ignore"):
            means: list[float] = (sums / counts.sum(axis=0)).tolist()
        return means

    def _forward(self, inputs: Tensor, labels: Labels) -> tuple[Tensor, Step]:
        objective = self.objective
        with self.half.autocast() if self.half else nullcontext():
            features = self.trunk(inputs)
            outputs = objective.outputs(self.network, features)
        if self.half:
            outputs = outputs.to(self.data.dtype)
        losses = objective.losses(outputs, labels)
        present = partial(objective.present, labels)
        scale = self.half.scale if self.half else None
        vmap = not self.options.compile
        return outputs, Step(losses, present, features, self.network, scale, self._another, vmap)

    def _another(self) -> Step:
        """An independent batch, from the global stream: that of the batches stays as it is."""
        count = min(self.options.batch_size, len(self._train_rows))
        picked = torch.randperm(len(self._train_rows))[:count].to(self.data.device)
        rows = self._train_rows[picked]
        return self._forward(self._inputs.index_select(0, rows), self.objective.labels.take(rows))[
            1
        ]

    def _optimize(self) -> None:
        if self.half:
            self.half.unscale(self.optimizer)
        if self.options.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        if self.half:
            self.half.step(self.optimizer)
        else:
            self.optimizer.step()

    def _set_rate(self, passed: float) -> None:
        rate = self.options.learning_rate * rate_factor(self.options, passed)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    @torch.no_grad()
    def _losses(self, inputs: Tensor, labels: Labels) -> Tensor:
        outputs = self.objective.outputs(self.network, self.network.trunk(inputs))
        return self.objective.losses(outputs, labels)

    @torch.no_grad()
    def outputs(self, split: Split) -> tuple[Tensor, Tensor]:
        """``(n, outputs)`` raw outputs of a split and its row numbers, both on the host."""
        self.network.eval()
        rows = self.data.rows(split)

        def part(first: int, last: int) -> Tensor:
            features = self.network.trunk(self._inputs.index_select(0, rows[first:last]))
            return self.objective.outputs(self.network, features).cpu()

        parts = list(halving(len(rows), rows_at_once(self._inputs, CHUNK), part))
        return torch.cat(parts), rows.cpu()

    def score(self, split: Split) -> Seen:
        """Losses and raw outputs of a split under the present weights."""
        outputs, rows = self.outputs(split)
        if split not in self._labels_of:
            self._labels_of[split] = self._host_labels.take(rows)
        losses = split_losses(self.objective, outputs, self._labels_of[split])
        return Seen(losses, (outputs,), (rows,))

    def primary(self, seen: Sequence[Seen]) -> Floats:
        """``(e, k)`` primary metric of each task in each of some epochs, for one split."""
        found = [
            metrics([each.outputs[i] for each in seen], [each.rows[i] for each in seen])
            for i, metrics in enumerate(self._primaries)
        ]
        return found[0] if len(found) == 1 else np.concatenate(found, axis=1)

    def evaluated(self, split: Split) -> list[tuple[Tensor, Labels]]:
        """Raw outputs and labels of each head on a split, on the host."""
        outputs, rows = self.outputs(split)
        labels = self._host_labels.take(rows)
        spans = zip(self.objective.columns, self.objective.label_columns, strict=True)
        return [(outputs[:, own], labels.columns(span)) for own, span in spans]

    def weights(self, into: dict[str, Tensor] | None = None) -> dict[str, Tensor]:
        """A copy of the network's state, written over an earlier one where that is given."""
        state = self.network.state_dict()
        if not into:
            return {name: tensor.detach().clone() for name, tensor in state.items()}
        floating = [name for name, tensor in state.items() if tensor.is_floating_point()]
        torch._foreach_copy_([into[n] for n in floating], [state[n] for n in floating])
        for name in state.keys() - set(floating):
            into[name].copy_(state[name])
        return into

    def finite(self) -> bool:
        """Whether every weight is a finite number."""
        return all(bool(torch.isfinite(p).all()) for p in self.network.parameters())

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on, the global streams of :func:`seeded` included."""
        device = self.data.device
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "weighting": self.weighting.state(),
            "half": self.half.state() if self.half else {},
            "batches": self.batches.get_state(),
            "stream": torch.default_generator.get_state(),
            "device_stream": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
            "passed": self.passed,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.weighting.load_state(state["weighting"])
        if self.half:
            self.half.load_state(state["half"])
        self.batches.set_state(state["batches"])
        torch.default_generator.set_state(state["stream"])
        if state["device_stream"] is not None:
            torch.cuda.set_rng_state(state["device_stream"], self.data.device)
        self.passed = state["passed"]


def make_optimizer(
    network: nn.Module, own: list[nn.Parameter], options: TrainingOptions, device: torch.device
) -> torch.optim.Optimizer:
    """The optimizer of the options; ``own`` parameters (of a weighting) do not decay."""
    groups = [{"params": list(network.parameters()), "weight_decay": options.weight_decay}]
    if own:
        groups.append({"params": own, "weight_decay": 0.0})
    # One kernel for all parameters: for small networks the optimizer costs as much as the rest.
    fused = device.type in ("cpu", "cuda")
    if options.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=options.learning_rate, fused=fused)
    return torch.optim.AdamW(groups, lr=options.learning_rate, fused=fused)


def _compiled(trunk: nn.Module) -> Callable[[Any], Tensor]:
    """The trunk compiled at its first call; the weights stay those of the module itself."""
    compiled = torch.compile(trunk)

    def forward(inputs: Any) -> Tensor:
        try:
            found: Tensor = compiled(inputs)
        except Exception as error:
            # Whatever its backend raises where a compiler is missing or a layer is not supported.
            if type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
                raise TaskvizError(
                    "torch.compile cannot be used here "
                    f"({type(error).__name__}: {str(error).strip().splitlines()[0][:120]}): switch "
                    "the option off."
                ) from None
            raise
        return found

    return forward


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Global streams of torch (dropout, torchjd's PCGrad) start from ``seed``, and are put back."""
    devices = [device.index or 0] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed * 1_000_003 + 11)
        if devices:
            torch.cuda.default_generators[devices[0]].manual_seed(seed * 1_000_003 + 11)
        yield
