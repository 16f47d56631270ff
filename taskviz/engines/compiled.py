"""Plain loops as machine code."""

from collections.abc import Callable
from typing import Any


def machine_code(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled at first use, in about two seconds, and kept beside the file it comes from."""
    import numba

    made: Callable[..., Any]
    try:
        made = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        # Nowhere to write, not even in the user's own folder: compiled in every process.
        made = numba.njit(nogil=True)(function)
    return made
