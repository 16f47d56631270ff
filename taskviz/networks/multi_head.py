"""Hard parameter sharing: one trunk, one head a task."""

from collections.abc import Iterable, Sequence

from torch import Tensor, nn


class MultiHeadNetwork(nn.Module):
    """A shared trunk θ and task-specific heads φ_t.

    Args:
        trunk: ``(n, *shape)`` → ``(n, features)``; its parameters are the shared ones.
        heads: one a task, ``(n, features)`` → ``(n, outputs)``.
        adapters: one a task, from the task's own inputs to those of the trunk, where data sets
            differ in shape; task-specific like the heads.
    """

    def __init__(
        self,
        trunk: nn.Module,
        heads: Iterable[nn.Module],
        adapters: Iterable[nn.Module] = (),
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleList(heads)
        self.adapters = nn.ModuleList(adapters)

    def forward(self, inputs: Tensor, tasks: Sequence[int] | None = None) -> list[Tensor]:
        """Outputs of each task (of the heads numbered ``tasks`` only) on the same input."""
        numbers = range(len(self.heads)) if tasks is None else tasks
        if self.adapters:
            features = [self.trunk(self.adapt(inputs, number)) for number in numbers]
        else:
            features = [self.trunk(inputs)] * len(numbers)
        return [self.heads[i](own) for i, own in zip(numbers, features, strict=True)]

    def adapt(self, inputs: Tensor, task: int) -> Tensor:
        """Inputs of one task (its head's number) as the trunk takes them."""
        if not self.adapters:
            return inputs
        adapted: Tensor = self.adapters[task](inputs)
        return adapted

    def shared_parameters(self) -> list[nn.Parameter]:
        """Parameters of the trunk."""
        return list(self.trunk.parameters())

    def own_modules(self, task: int) -> list[nn.Module]:
        """A task's head, and its adapter where it has one."""
        return [self.heads[task], *([self.adapters[task]] if self.adapters else [])]

    def own_parameters(self, task: int) -> list[nn.Parameter]:
        """Parameters of a task's head and adapter."""
        return [p for module in self.own_modules(task) for p in module.parameters()]
