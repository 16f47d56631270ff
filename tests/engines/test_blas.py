"""Linear algebra on one thread, and as many as before afterwards."""

import numpy as np
import scipy.linalg
from threadpoolctl import threadpool_info, threadpool_limits

from taskviz.engines.blas import one_blas_thread


def counts() -> set[int]:
    """Threads of every BLAS library that is loaded."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_one_thread_within_and_as_many_as_before_afterwards() -> None:
    scipy.linalg.cholesky(np.eye(2) @ np.eye(2))  # both libraries are there
    with threadpool_limits(2, user_api="blas"):
        before = counts()
        assert 2 in before  # a library that has never more than one may be beside it
        with one_blas_thread():
            assert counts() == {1}
        assert counts() == before
