"""What lists call things, so that no two are called alike."""

from collections import Counter
from collections.abc import Mapping, Sequence

from taskviz.affinity import ESTIMATORS, estimator_class
from taskviz.values import AffinityMatrix, option_defaults
from taskviz.verbs.imports import IMPORTED


def told_apart(names: Mapping[str, str]) -> dict[str, str]:
    """The same names; those that repeat get the beginning of their key.

    A select box finds its choice by the text it shows: two of the same text would be one.
    """
    seen = Counter(names.values())
    return {
        key: name if seen[name] == 1 else f"{name} ({key.removeprefix(IMPORTED)[:6]})"
        for key, name in names.items()
    }


def matrix_label(matrix: AffinityMatrix) -> str:
    """Estimator, what was set apart from the defaults, seed."""
    kind = estimator_class(matrix.method) if matrix.method in ESTIMATORS else None
    usual = option_defaults(kind.Options) if kind else {}
    changed = [
        f"{name} {value}" for name, value in matrix.options.items() if usual.get(name) != value
    ]
    title = kind.title if kind else matrix.method
    return " · ".join([title, *changed, f"seed {matrix.seed}"])


def matrix_labels(stored: Sequence[tuple[str, AffinityMatrix]]) -> dict[str, str]:
    """Key → label of stored matrices, each different."""
    return told_apart({key: matrix_label(matrix) for key, matrix in stored})
