"""What the cache holds, for lists on a page or in a terminal."""

from typing import Any, NamedTuple

from taskviz.values import AffinityMatrix, Grouping


class Stored(NamedTuple):
    """A stored affinity matrix: ``key, matrix, created`` (seconds since 1970)."""

    key: str
    matrix: AffinityMatrix
    created: float


class StoredTraining(NamedTuple):
    """A stored training result, without its networks: ``read_training(key)`` reads it whole."""

    key: str
    grouping: Grouping
    created: float
    settings: dict[str, Any]
