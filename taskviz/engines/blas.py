"""Linear algebra of small matrices on one thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """NumPy's and SciPy's matrix products and factors on one thread within.

    Another thread brings nothing up to some thousand rows: it waits, and where other processes need
    its core, the whole waits for it.
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _controller() -> ThreadpoolController:
    # It knows the libraries that are loaded by now, and looking them up takes some 10 ms: once.
    import scipy.linalg  # noqa: F401

    return ThreadpoolController()
