"""Layers that tie samples together or draw at random while training."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from taskviz.values import TaskvizError


def check_modes(trunk: nn.Module) -> None:
    """Raise where a sample has no gradient of its own, or none that repeats.

    Raises:
        TaskvizError: batch norm or dropout in training mode; call ``network.eval()`` first.
    """
    for name, module in trunk.named_modules():
        if isinstance(module, _BatchNorm) and (module.training or module.running_mean is None):
            cure = "call network.eval() first"
            if module.running_mean is None:
                cure = "build it with track_running_stats=True and call network.eval() first"
            raise TaskvizError(
                f"Layer {name!r} ({type(module).__name__}) uses the statistics of the whole batch, "
                f"so a sample has no gradient of its own: {cure}."
            )
        random = isinstance(module, _DropoutNd) and module.p > 0
        random |= isinstance(module, nn.RNNBase) and module.dropout > 0
        random |= isinstance(module, nn.RReLU)
        random |= isinstance(module, nn.MultiheadAttention) and module.dropout > 0
        if random and module.training:
            raise TaskvizError(
                f"Layer {name!r} ({type(module).__name__}) draws at random in training mode, so "
                "two tasks would see different networks: call network.eval() first."
            )
