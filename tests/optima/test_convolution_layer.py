"""Unfolding and products of a convolution against autograd."""

import numpy as np
import pytest
import torch
from torch import nn

from taskviz.optima import convolution
from taskviz.optima.convolution import blocked_products, sampled_products, unfold


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 4, 3),
        nn.Conv2d(3, 4, (3, 2), stride=(2, 1), padding=(0, 2)),
        nn.Conv2d(3, 4, 3, dilation=2, padding=3),
        nn.Conv2d(3, 4, 1, stride=2),
        nn.Conv2d(3, 4, 1, padding=1),
        nn.Conv1d(3, 4, 3, stride=2, padding=2),
        nn.Conv1d(3, 4, 1, stride=3),
    ],
    ids=str,
)
def test_unfolded_input_gives_the_weight_gradient(layer):
    layer = layer.double()
    shape = (2, 3, 9, 8) if isinstance(layer, nn.Conv2d) else (2, 3, 9)
    inputs = torch.randn(*shape, dtype=torch.float64)
    output = layer(inputs)
    signal = torch.randn_like(output)
    (expected,) = torch.autograd.grad(output, layer.weight, signal)
    seen = unfold(layer, inputs)
    found = torch.einsum("ncp,nkp->ck", signal.flatten(2), seen)
    torch.testing.assert_close(found, expected.flatten(1), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("block", [64, 4096, 1 << 20])
@pytest.mark.parametrize("joint", [True, False])
def test_blocks_change_nothing(block, joint, monkeypatch):
    monkeypatch.setattr(convolution, "BLOCK_BYTES", block)
    generator = torch.Generator().manual_seed(0)
    deltas = torch.randn(4, 10, 6, generator=generator, dtype=torch.float64)
    seen = torch.randn(*(() if joint else (4,)), 7, 6, generator=generator, dtype=torch.float64)
    gradients = (deltas @ seen.mT).flatten(1)
    expected = torch.nn.functional.pdist(gradients, p=1)
    np.testing.assert_allclose(blocked_products(deltas, seen), expected, rtol=1e-12)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.55])
def test_sampling_is_unbiased_and_its_variance_too(share):
    generator = torch.Generator().manual_seed(0)
    deltas = torch.randn(2, 40, 3, generator=generator, dtype=torch.float64)
    deltas *= torch.rand(40, 1, generator=generator, dtype=torch.float64) * 5
    seen = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    exact = float(blocked_products(deltas, seen))
    draws = [sampled_products(deltas, seen, share, generator) for _ in range(1500)]
    sums = np.array([float(sums) for sums, _ in draws])
    variances = np.array([float(variance) for _, variance in draws])
    assert abs(sums.mean() - exact) < 4 * sums.std() / np.sqrt(len(sums))
    error = variances.std() / np.sqrt(len(variances)) + 0.06 * sums.var()
    assert abs(variances.mean() - sums.var()) < 4 * error


def test_all_channels_are_exact():
    generator = torch.Generator().manual_seed(0)
    deltas = torch.randn(3, 6, 4, generator=generator, dtype=torch.float64)
    seen = torch.randn(5, 4, generator=generator, dtype=torch.float64)
    sums, variance = sampled_products(deltas, seen, 1.0, generator)
    torch.testing.assert_close(sums, blocked_products(deltas, seen))
    assert not variance.any()
