"""How a manifest divides rows into train, valid and test."""

from dataclasses import dataclass
from typing import Any

from taskviz.data.manifest.keys import FILE_NAME, SPLITS, check_keys, short
from taskviz.data.readers.base import Findings
from taskviz.data.splits import FRACTIONS


@dataclass(frozen=True)
class Splits:
    """How rows are divided.

    Args:
        column: label column that holds train, valid or test; "" where there is none.
        fractions: of train, valid and test where a split is drawn.
        published: whether the partition that came with the data is used.
    """

    column: str = ""
    fractions: tuple[float, float, float] = FRACTIONS
    published: bool = True


def splits_from(given: Any, findings: Findings) -> Splits:
    """From the table ``[splits]``."""
    if not isinstance(given, dict):
        findings.error(f"{FILE_NAME}: splits are {short(given)}; a table [splits] is needed.")
        return Splits()
    check_keys(given, SPLITS, f"{FILE_NAME}, splits", findings)
    fractions = given.get("fractions", list(FRACTIONS))
    column, published = given.get("column", ""), given.get("published", True)
    right = (
        isinstance(fractions, list)
        and len(fractions) == 3
        and all(isinstance(f, int | float) and not isinstance(f, bool) and f > 0 for f in fractions)
        and abs(sum(fractions) - 1) < 1e-9
    )
    if not right:
        findings.error(
            f"{FILE_NAME}, splits: fractions are {short(fractions)}; three positive numbers with "
            "sum 1 are needed, for train, valid and test."
        )
    if not isinstance(column, str):
        findings.error(f"{FILE_NAME}, splits: column is {short(column)}; a text is needed.")
    if not isinstance(published, bool):
        findings.error(f"{FILE_NAME}, splits: published is {short(published)}; true or false is.")
    shares = tuple(float(f) for f in fractions) if right else FRACTIONS
    return Splits(column if isinstance(column, str) else "", shares, published is True)  # type: ignore[arg-type]
