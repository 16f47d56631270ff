"""Recurrent trunk for series of any length."""

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class LSTMTrunk(nn.Module):
    """Layers of LSTM cells over the steps of a series, then the mean over its own steps.

    Steps that are NaN in every channel at the end are padding: the sequences are packed, so that
    no cell ever sees one and no gradient comes from there.

    Args:
        channels: of the series.
        width: hidden units of each layer.
        depth: layers.

    Shape: ``(n, channels, length)`` → ``(n, width)``.
    """

    def __init__(self, channels: int, width: int = 64, depth: int = 1) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, width, depth, batch_first=True)
        self.out_features = width

    def forward(self, inputs: Tensor) -> Tensor:
        """Features of a batch."""
        return packed_mean(self.lstm, inputs)


def packed_mean(lstm: nn.LSTM, series: Tensor) -> Tensor:
    """Mean of the last layer's outputs over the steps of each series.

    Args:
        lstm: ``batch_first``.
        series: ``(n, channels, length)``, NaN where padded.
    """
    lengths = series_lengths(series)
    steps = series.nan_to_num(0.0).mT
    if bool((lengths == series.shape[2]).all()):
        outputs: Tensor = lstm(steps)[0]
        return outputs.mean(dim=1)
    packed = pack_padded_sequence(steps, lengths.cpu(), batch_first=True, enforce_sorted=False)
    # What is padded comes back as zeros, which add nothing to the sum.
    outputs, _ = pad_packed_sequence(lstm(packed)[0], batch_first=True)
    return outputs.sum(dim=1) / lengths.to(outputs.dtype)[:, None]


def series_lengths(series: Tensor) -> Tensor:
    """``(n,)`` int64 steps before the padding of ``(n, channels, length)``; at least 1."""
    padded = series[:, 0].isnan()
    for channel in range(1, series.shape[1]):
        padded = padded & series[:, channel].isnan()
    return (~padded).sum(dim=1).clamp(min=1)
