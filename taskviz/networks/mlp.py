"""Fully connected trunk."""

from collections.abc import Sequence

from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}


class MLPTrunk(nn.Module):
    """Linear layers, each followed by an activation.

    Args:
        in_features: flattened size of one input.
        widths: units of each hidden layer.
        activation: a key of :data:`ACTIVATIONS`.

    Shape: ``(n, *input)`` → ``(n, widths[-1])``.
    """

    def __init__(self, in_features: int, widths: Sequence[int], activation: str = "relu") -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in widths:
            layers += [nn.Linear(in_features, width), ACTIVATIONS[activation]()]
            in_features = width
        self.layers = nn.Sequential(*layers)
        self.out_features = in_features

    def forward(self, inputs: Tensor) -> Tensor:
        """Features of a batch."""
        features: Tensor = self.layers(inputs.flatten(1))
        return features
