"""Which marks of a map a lasso caught, as a short text for the URL: one bit a mark, in base 64."""

import base64
import binascii
from collections.abc import Sequence
from typing import Final

import numpy as np

MOST_LETTERS: Final = 1_500
"""A selection that needs more stays out of the URL: some programs cut longer addresses."""


def written(numbers: Sequence[int]) -> str | None:
    """The numbers of the marks as text; None where it would be too long for an address."""
    if not numbers:
        return None
    bits = np.zeros(max(numbers) + 1, dtype=np.uint8)
    bits[list(numbers)] = 1
    text = base64.urlsafe_b64encode(np.packbits(bits).tobytes()).decode().rstrip("=")
    return text if len(text) <= MOST_LETTERS else None


def read(text: str | None, marks: int) -> list[int]:
    """The numbers in a text, below ``marks``; none where it cannot be read."""
    if not text or len(text) > MOST_LETTERS:
        return []
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return []
    bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8))
    return [int(number) for number in np.flatnonzero(bits) if number < marks]
