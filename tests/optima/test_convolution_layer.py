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


@pytest.mark.parametrize(("share", "joint"), [(0.01, True), (0.3, False), (0.55, True)])
def test_sampling_is_unbiased_and_its_variance_too(share, joint):
    generator = torch.Generator().manual_seed(0)
    deltas = torch.randn(2, 40, 3, generator=generator, dtype=torch.float64)
    deltas *= torch.rand(40, 1, generator=generator, dtype=torch.float64) * 5
    size = (5, 3) if joint else (2, 5, 3)
    seen = torch.randn(*size, generator=generator, dtype=torch.float64)
    exact = float(blocked_products(deltas, seen))
    draws = [sampled_products(deltas, seen, share, generator) for _ in range(1500)]
    sums = np.array([float(sums) for sums, _ in draws])
    variances = np.array([float(variance) for _, variance in draws])
    assert abs(sums.mean() - exact) < 4 * sums.std() / np.sqrt(len(sums))
    error = variances.std() / np.sqrt(len(variances)) + 0.06 * sums.var()
    assert abs(variances.mean() - sums.var()) < 4 * error


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_signal_that_separates_needs_no_gradient(dtype, monkeypatch):
    """δ_tcp = α_tc v_cp, with dead channels; and not where a single number differs."""
    generator = torch.Generator().manual_seed(0)
    shapes = torch.randn(9, 6, generator=generator, dtype=dtype).relu()
    shapes[3] = 0.0
    factors = torch.randn(4, 9, generator=generator, dtype=dtype)
    factors[2, 5] = 0.0
    deltas = factors[:, :, None] * shapes
    seen = torch.randn(7, 6, generator=generator, dtype=dtype)
    expected = torch.nn.functional.pdist((deltas @ seen.mT).flatten(1).double(), p=1)
    formed = []
    blocks = convolution._gradient_blocks
    monkeypatch.setattr(
        convolution, "_gradient_blocks", lambda *given: formed.append(1) or blocks(*given)
    )
    rtol = 1e-12 if dtype == torch.float64 else 1e-5
    np.testing.assert_allclose(blocked_products(deltas, seen), expected, rtol=rtol)
    assert not formed
    for task, channel in ((1, 8), (3, 0)):
        other = deltas.clone()
        other[task, channel, 2] += 1e-3
        expected = torch.nn.functional.pdist((other @ seen.mT).flatten(1).double(), p=1)
        np.testing.assert_allclose(blocked_products(other, seen), expected, rtol=rtol)
    assert len(formed) == 2
    apart = seen.expand(4, -1, -1).contiguous()
    expected = torch.nn.functional.pdist((deltas @ seen.mT).flatten(1).double(), p=1)
    np.testing.assert_allclose(blocked_products(deltas, apart), expected, rtol=rtol)


def test_all_channels_are_exact():
    generator = torch.Generator().manual_seed(0)
    deltas = torch.randn(3, 6, 4, generator=generator, dtype=torch.float64)
    seen = torch.randn(5, 4, generator=generator, dtype=torch.float64)
    sums, variance = sampled_products(deltas, seen, 1.0, generator)
    torch.testing.assert_close(sums, blocked_products(deltas, seen))
    assert not variance.any()
