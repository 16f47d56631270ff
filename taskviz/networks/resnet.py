"""Residual networks for images."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

Norm = Literal["group", "batch"]
SMALL = 64
"""Height or width below which the first convolution neither strides nor pools."""


class ResNetTrunk(nn.Module):
    """He et al., CVPR 2016: a stem, four stages of residual blocks, a mean over positions.

    Basic blocks: two 3×3 convolutions, channels doubling from stage to stage. Bottleneck blocks:
    1×1, 3×3, 1×1 with four times as many channels at the end. ``basic``, width 512, blocks 2-2-2-2
    is ResNet-18; ``bottleneck``, width 2048, blocks 3-4-6-3 is ResNet-50 (23.5 M without its last
    layer). Parts are called as in torchvision, so that its weights can be loaded; there the
    normalisation is ``batch``. Group normalisation (Wu and He, ECCV 2018) is the default: it knows
    one sample alone, so that every sample has a gradient of its own in training too.

    Args:
        channels: of the image.
        width: channels after the last stage, a multiple of 8 (basic) or 32 (bottleneck).
        blocks: of each of the four stages.
        bottleneck: kind of block.
        norm: ``group`` or ``batch``.
        small: images are smaller than 64 × 64: a 3×3 stem without stride and pooling.

    Shape: ``(n, channels, height, width)`` → ``(n, width)``.
    """

    def __init__(
        self,
        channels: int,
        width: int = 64,
        blocks: Sequence[int] = (2, 2, 2, 2),
        *,
        bottleneck: bool = False,
        norm: Norm = "group",
        small: bool = True,
    ) -> None:
        super().__init__()
        last = width // 4 if bottleneck else width
        planes = [max(1, last // 8), max(1, last // 4), max(1, last // 2), last]
        kernel, stride = (3, 1) if small else (7, 2)
        self.small = small
        self.conv1 = nn.Conv2d(
            channels, planes[0], kernel, stride=stride, padding=kernel // 2, bias=False
        )
        self.bn1 = normalisation(norm, planes[0])
        made, before = [], planes[0]
        for stage, (own, count) in enumerate(zip(planes, blocks, strict=True)):
            parts: list[nn.Module] = []
            for number in range(count):
                step = 2 if stage and not number else 1
                block = _Bottleneck if bottleneck else _Basic
                after = 4 * own if bottleneck else own
                parts.append(block(before, own, after, step, norm))
                before = after
            made.append(nn.Sequential(*parts))
        self.layer1, self.layer2, self.layer3, self.layer4 = made
        self.out_features = before

    def forward(self, inputs: Tensor) -> Tensor:
        """Features of a batch."""
        x = F.relu(self.bn1(self.conv1(inputs)))
        if not self.small:
            x = F.max_pool2d(x, 3, stride=2, padding=1)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return x.mean(dim=(2, 3))


class _Basic(nn.Module):
    def __init__(self, before: int, own: int, after: int, stride: int, norm: Norm) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, own, 3, stride=stride, padding=1, bias=False)
        self.bn1 = normalisation(norm, own)
        self.conv2 = nn.Conv2d(own, after, 3, padding=1, bias=False)
        self.bn2 = normalisation(norm, after)
        self.downsample = _shortcut(before, after, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class _Bottleneck(nn.Module):
    def __init__(self, before: int, own: int, after: int, stride: int, norm: Norm) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, own, 1, bias=False)
        self.bn1 = normalisation(norm, own)
        self.conv2 = nn.Conv2d(own, own, 3, stride=stride, padding=1, bias=False)
        self.bn2 = normalisation(norm, own)
        self.conv3 = nn.Conv2d(own, after, 1, bias=False)
        self.bn3 = normalisation(norm, after)
        self.downsample = _shortcut(before, after, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def normalisation(norm: Norm, channels: int) -> nn.Module:
    """Batch normalisation, or group normalisation with groups of four channels or more."""
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    most = max(1, min(32, channels // 4))
    groups = next(count for count in range(most, 0, -1) if channels % count == 0)
    return nn.GroupNorm(groups, channels)


def _shortcut(before: int, after: int, stride: int, norm: Norm) -> nn.Module:
    if before == after and stride == 1:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(before, after, 1, stride=stride, bias=False), normalisation(norm, after)
    )
