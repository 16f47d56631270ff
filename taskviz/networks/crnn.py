"""Convolutions, then recurrence: for long series such as ECG, and for spectrograms."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from taskviz.networks.lstm import packed_mean
from taskviz.networks.resnet import normalisation


class CRNNTrunk(nn.Module):
    """Blocks of convolution, group normalisation and pooling, then an LSTM over the steps left.

    After Zihlmann et al., Computing in Cardiology 2017 (ECG classification), smaller. Each block
    halves the steps; of a spectrogram the frequencies too. Padding (NaN) is 0 to the convolutions;
    the LSTM sees only what a series' own steps lead to.

    Args:
        channels: of the series or spectrogram.
        frequencies: of a spectrogram; None for a series.
        width: channels of the last block and hidden units of the LSTM.
        depth: blocks.

    Shape: ``(n, channels, length)`` or ``(n, channels, frequencies, length)`` → ``(n, width)``.
    """

    def __init__(
        self, channels: int, frequencies: int | None = None, width: int = 64, depth: int = 2
    ) -> None:
        super().__init__()
        flat = frequencies is None
        layers, norms, rows = [], [], frequencies or 1
        for number in range(depth):
            after = max(4, width >> (depth - 1 - number))
            convolution = nn.Conv1d if flat else nn.Conv2d
            layers.append(convolution(channels, after, 5 if flat else 3, padding=2 if flat else 1))
            norms.append(normalisation("group", after))
            channels, rows = after, (rows + 1) // 2
        self.convolutions, self.norms = nn.ModuleList(layers), nn.ModuleList(norms)
        self.lstm = nn.LSTM(channels * rows, width, batch_first=True)
        self.out_features = width

    def forward(self, inputs: Tensor) -> Tensor:
        """Features of a batch."""
        padded = inputs.isnan().flatten(1, -2).all(dim=1)
        x = inputs.nan_to_num(0.0)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = F.relu(norm(convolution(x)))
            pool = F.max_pool1d if x.dim() == 3 else F.max_pool2d
            x = pool(x, 2, ceil_mode=True)
            # A step that is left came from some own step, or it is padding.
            padded = padded if len(padded[0]) % 2 == 0 else F.pad(padded, (0, 1), value=True)
            padded = padded[:, ::2] & padded[:, 1::2]
        x = x.flatten(1, -2)
        if bool(padded.any()):
            x = torch.where(padded[:, None], torch.nan, x)
        return packed_mean(self.lstm, x)
