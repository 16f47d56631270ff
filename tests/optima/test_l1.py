"""Pairwise L1 distances against their definition."""

import numpy as np
import pytest
import torch

from taskviz.optima import l1
from taskviz.optima.l1 import by_subtraction, pair_indices, pairwise_l1, square


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("width", [1, 7, 70_001])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_its_definition(rows, width, dtype, device):
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(rows, width, generator=generator, dtype=torch.float64).to(dtype)
    full = values.double().numpy()
    first, second = (index.numpy() for index in pair_indices(rows))
    expected = np.abs(full[first] - full[second]).sum(axis=1)
    rtol = 1e-12 if dtype == torch.float64 else 3e-6
    if device.type == "mps" and dtype == torch.float64:
        pytest.skip("no float64 on this device")
    found = pairwise_l1(values.to(device))
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found.cpu(), expected, rtol=rtol)
    np.testing.assert_allclose(by_subtraction(values).double(), expected, rtol=rtol)
    whole = square(found, rows)
    assert torch.equal(whole, whole.T)
    assert not whole.diagonal().any()


def test_wide_rows_are_taken_in_blocks(monkeypatch):
    widths = []
    pairs = l1._pairs
    monkeypatch.setattr(l1, "_pairs", lambda rows: widths.append(rows.shape[1]) or pairs(rows))
    pairwise_l1(torch.ones(3, 200_000))
    assert sum(widths) == 200_000
    assert max(widths) <= l1.COLUMNS
