"""Reptile: first-order meta-learning of the trunk."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from taskviz.training.schedule import rate_factor
from taskviz.training.separate import AlternatingTrainer, Rows
from taskviz.training.trainer import make_optimizer


class ReptileTrainer(AlternatingTrainer):
    """From the shared trunk θ, a few steps on each task; then θ towards where they led.

    Each round takes ``options.inner_steps`` batches of every task t: from θ an optimizer of the
    task's own steps to θ_t, training the task's head (and adapter) with it. Then θ ← θ + ε · mean_t
    (θ_t − θ). Heads stay with their tasks. Running statistics of the trunk are treated like θ. A
    schedule of the learning rate acts on ε, as in the paper; the inner rate is
    ``options.learning_rate``. An optimizer with memory (Adam) keeps it from round to round, a task
    each.

    Nichol, Achiam and Schulman, On First-Order Meta-Learning Algorithms, 2018, algorithm 2.
    """

    def _prepare(self) -> None:
        super()._prepare()
        network, options = self.network, self.options
        own = [
            nn.ModuleList([network.trunk, *network.own_modules(place)])
            for place in range(len(self.tasks))
        ]
        self.inner = [make_optimizer(part, [], options, self.data.device) for part in own]
        self.optimizer = self.inner[0]
        self.epsilon = options.meta_rate

    def _set_rate(self, passed: float) -> None:
        self.epsilon = self.options.meta_rate * rate_factor(self.options, passed)

    def _pass(self, batches: Sequence[Rows], check: Callable[[], None]) -> None:
        every = self.options.inner_steps
        for start in range(0, len(batches), every):
            if self._varies:
                self._set_rate(self.passed + start / len(batches))
            self._round(batches[start : start + every], check)

    def _round(self, batches: Sequence[Rows], check: Callable[[], None]) -> None:
        shared = [t for t in self.network.trunk.state_dict().values() if t.is_floating_point()]
        start = [tensor.clone() for tensor in shared]
        moved = [torch.zeros_like(tensor) for tensor in shared]
        for place in range(len(self.tasks)):
            self._put(shared, start)
            self.optimizer = self.inner[place]
            for rows in batches:
                self.network.zero_grad()
                self._descend(place, rows[place])
                self._optimize()
                check()
            with torch.no_grad():
                for total, tensor, before in zip(moved, shared, start, strict=True):
                    total += (tensor - before) / len(self.tasks)
        with torch.no_grad():
            for total, before in zip(moved, start, strict=True):
                before += self.epsilon * total
        self._put(shared, start)

    @staticmethod
    @torch.no_grad()
    def _put(tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
        for tensor, value in zip(tensors, values, strict=True):
            tensor.copy_(value)

    def state(self) -> dict[str, Any]:
        """See :meth:`GroupTrainer.state`."""
        self.optimizer = self.inner[0]
        inner = [optimizer.state_dict() for optimizer in self.inner]
        return {**super().state(), "inner": inner, "epsilon": self.epsilon}

    def load_state(self, state: dict[str, Any]) -> None:
        """See :meth:`GroupTrainer.load_state`."""
        self.optimizer = self.inner[0]
        super().load_state(state)
        for optimizer, saved in zip(self.inner, state["inner"], strict=True):
            optimizer.load_state_dict(saved)
        self.epsilon = state["epsilon"]
