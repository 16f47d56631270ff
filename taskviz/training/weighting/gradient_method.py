"""torchjd's gradient methods: one gradient a task on the shared trunk, combined into one."""

import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torchjd import Stateful
from torchjd.autojac import mtl_backward

from taskviz.training.weighting.base import Step, Weighting

THREE = ("krum", "trimmed-mean")
"""Methods that leave out extreme gradients: with fewer than three there are none."""
TWO_BATCHES = ("modo", "sdmgrad")
"""Weights from the product of two batches' gradients, which the step's own batch then follows."""
SIZED = ("nash-mtl", "cr-mogm", "constant-gradients")
"""Made for one number of tasks, or stuck once a gradient is zero: one object a set of tasks."""


class GradientMethod(Weighting):
    """One of ``torchjd.aggregation``, under its published settings.

    Each head gets the gradient of its own task, as in ``torchjd.autojac.mtl_backward``; the trunk
    gets the combination. A task whose gradient is zero in a batch (no label there) is left out of
    that combination: several methods would stop the trunk for it. Where a method finds no finite
    combination though every gradient is finite (a solver that fails), that step takes the mean,
    and the result says how often.
    """

    gradients: ClassVar[bool] = True
    make: ClassVar[Callable[[int], Any]]
    """Number of tasks → the library's object."""
    failed: Tensor
    steps: Tensor

    def __init__(self, tasks: int) -> None:
        super().__init__(tasks)
        self.methods = nn.ModuleDict({self._key(None): type(self).make(tasks)})
        self.register_buffer("failed", torch.zeros((), dtype=torch.int64))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def backward(self, step: Step) -> None:
        """See :meth:`Weighting.backward`."""
        matrix = jacobian(step)
        others = []
        if self.name in TWO_BATCHES and step.another is not None:
            kept = [(p, p.grad) for p in step.network.parameters()]
            others = [jacobian(step.another()) for _ in range(2)]
            for parameter, grad in kept:
                parameter.grad = grad
        combined = self.combine(matrix, *others)
        shared = step.network.shared_parameters()
        pieces = torch.split(combined, [p.numel() for p in shared])
        for parameter, piece in zip(shared, pieces, strict=True):
            grad = piece.reshape(parameter.shape)
            parameter.grad = grad if step.scale is None else grad * step.scale

    @torch.no_grad()
    def combine(self, matrix: Tensor, *others: Tensor) -> Tensor:
        """``(parameters,)`` from the ``(k, parameters)`` gradients of the tasks.

        Args:
            matrix: a row a task.
            others: for the methods that want them, the gradients of two more batches.
        """
        self.steps += 1
        norms = matrix.norm(dim=1)
        if not bool(torch.isfinite(norms).all()):
            # The loss explodes; whoever trains will see it.
            return matrix.sum(dim=0)
        live = norms > 0
        rows = matrix if bool(live.all()) else matrix[live]
        if len(rows) < 2:
            return rows.sum(dim=0)
        mean = rows.mean(dim=0)
        if self.name in THREE and len(rows) < 3:
            return mean
        found = self._combined(matrix, live, rows, others)
        if found is None or not bool(torch.isfinite(found).all()):
            self.failed += 1
            return mean
        return found

    def notes(self) -> list[str]:
        """See :meth:`Weighting.notes`."""
        if not int(self.failed):
            return []
        return [
            f"{self.name} found no combination of the gradients in {int(self.failed)} of "
            f"{int(self.steps)} steps; there the mean gradient was taken."
        ]

    def load_state(self, state: dict[str, Any]) -> None:
        """See :meth:`Weighting.load_state`."""
        for path in state:
            room, _, key = path.partition(".")
            if room == "methods" and key and "." not in key and key not in self.methods:
                self.methods[key] = type(self).make(key.count("1"))
        super().load_state(state)
        for part in self.modules():
            # NashMTL makes its problem at its first step only, and a problem cannot be saved.
            again = getattr(part, "_init_optim_problem", None)
            if callable(again) and vars(part)["step"]:
                again()

    def _combined(
        self, matrix: Tensor, live: Tensor, rows: Tensor, others: tuple[Tensor, ...]
    ) -> Tensor | None:
        key = self._key(live)
        if key not in self.methods:
            self.methods[key] = type(self).make(key.count("1"))
            self.to(matrix.device, matrix.dtype)
        method = self.methods[key]
        remembers = any(isinstance(part, Stateful) for part in method.modules())
        given = matrix if remembers and self.name not in SIZED else rows
        with warnings.catch_warnings():
            # Solvers warn of inaccurate solutions; what matters is whether they are finite.
            warnings.simplefilter("ignore")
            try:
                if self.name in TWO_BATCHES:
                    first, second = others or (matrix, matrix)
                    return method(first @ second.T) @ matrix  # type: ignore[no-any-return]
                return method(given)  # type: ignore[no-any-return]
            except (ValueError, TypeError, ArithmeticError):
                return None
            except Exception as error:
                if type(error).__name__ in ("SolverError", "LinAlgError"):
                    return None
                raise

    def _key(self, live: Tensor | None) -> str:
        """Of the object for these tasks."""
        if live is None or self.name not in SIZED or bool(live.all()):
            return "1" * self.tasks
        return "".join("1" if there else "0" for there in live.tolist())


def jacobian(step: Step) -> Tensor:
    """``(k, parameters)`` gradients of the losses on the trunk; fills ``.grad`` of the heads.

    The trunk's part is not scaled by ``step.scale``; the heads' is.
    """
    shared = step.network.shared_parameters()
    mtl_backward(
        list(step.scaled(step.losses).unbind()),
        features=step.features,
        tasks_params=[list(head.parameters()) for head in step.network.heads],
        shared_params=shared,
        # The heads' losses come from common operations, so their graphs overlap.
        retain_graph=True,
        parallel_chunk_size=None if step.vmap else 1,
    )
    pieces = []
    for parameter in shared:
        jac: Tensor = getattr(parameter, "jac")  # noqa: B009 - the library's attribute
        pieces.append(jac.reshape(len(jac), -1))
        delattr(parameter, "jac")
    matrix = torch.cat(pieces, dim=1)
    return matrix if step.scale is None else matrix / step.scale
