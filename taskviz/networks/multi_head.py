"""Hard parameter sharing: one trunk, one head a task."""

from collections.abc import Iterable, Sequence

from torch import Tensor, nn


class MultiHeadNetwork(nn.Module):
    """A shared trunk θ and task-specific heads φ_t.

    Args:
        trunk: ``(n, *shape)`` → ``(n, features)``; its parameters are the shared ones.
        heads: one a task, ``(n, features)`` → ``(n, outputs)``.
    """

    def __init__(self, trunk: nn.Module, heads: Iterable[nn.Module]) -> None:
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleList(heads)

    def forward(self, inputs: Tensor, tasks: Sequence[int] | None = None) -> list[Tensor]:
        """Outputs of each task (of the heads numbered ``tasks`` only) on a shared input."""
        features = self.trunk(inputs)
        numbers = range(len(self.heads)) if tasks is None else tasks
        return [self.heads[number](features) for number in numbers]

    def shared_parameters(self) -> list[nn.Parameter]:
        """Parameters of the trunk."""
        return list(self.trunk.parameters())
