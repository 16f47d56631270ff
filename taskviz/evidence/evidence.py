"""What a comparison of estimators with the truth found, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskviz.values import TaskvizError
from taskviz.values.storage import dumps, read_json, write_text

if TYPE_CHECKING:
    import pandas as pd

TABLE = (
    "method",
    "overlap",
    "budget",
    "captured",
    "low",
    "high",
    "gain",
    "rank_correlation",
    "rank_error",
    "f1",
    "negatives",
    "networks",
    "seconds",
    "draws",
)
ORACLE = (
    "budget",
    "overlap",
    "oracle",
    "ceiling",
    "random",
    "worst",
    "together",
    "separate",
    "reachable",
    "reachable_low",
    "reachable_high",
    "plan",
)
GROUPERS = ("method", "grouper", "budget", "captured", "regret")


@dataclass(frozen=True, eq=False)
class Evidence:
    """Estimators against trained networks. Immutable.

    Args:
        collection: its name.
        tasks: names.
        rows: of :attr:`table`.
        oracle_rows: of :attr:`oracle`; empty where the truth is a sample of plans.
        grouper_rows: of :attr:`groupers`.
        settings: all that repeats it.
        notes: sentences a reader must see.
        seconds: wall time.
    """

    collection: str
    tasks: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    oracle_rows: tuple[Mapping[str, Any], ...] = ()
    grouper_rows: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def table(self) -> "pd.DataFrame":
        """One row an estimator, overlap and budget (``all`` pools them); columns :data:`TABLE`.

        ``captured`` is the share of the oracle's gain over random groups with its 95 % interval,
        on test data; ``gain`` what that is of the random groups' loss; ``rank_correlation`` is
        Spearman's within each task, then the mean over tasks (never pooled); ``f1`` that of
        predicted negative transfer on groups the estimator did not train; ``networks`` and
        ``seconds`` what one estimate cost.
        """
        return _frame(self.rows, TABLE)

    @property
    def oracle(self) -> "pd.DataFrame":
        """One row a budget and overlap: mean test losses of plans; columns :data:`ORACLE`."""
        return _frame(self.oracle_rows, ORACLE)

    @property
    def groupers(self) -> "pd.DataFrame":
        """One row an estimator, grouping method and budget; columns :data:`GROUPERS`.

        ``regret`` is the share of the reachable gain that the method left on the same matrix,
        against the exact selection.
        """
        return _frame(self.grouper_rows, GROUPERS)

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON; what is not known is null."""
        return {
            "collection": self.collection,
            "tasks": list(self.tasks),
            "table": [_plain(row) for row in self.rows],
            "oracle": [_plain(row) for row in self.oracle_rows],
            "groupers": [_plain(row) for row in self.grouper_rows],
            "settings": dict(self.settings),
            "notes": list(self.notes),
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Evidence":
        """The inverse of :meth:`to_json`."""
        try:
            return cls(
                str(data["collection"]),
                tuple(data["tasks"]),
                tuple(_known(row) for row in data["table"]),
                tuple(_known(row) for row in data["oracle"]),
                tuple(_known(row) for row in data["groupers"]),
                dict(data["settings"]),
                tuple(data["notes"]),
                float(data["seconds"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TaskvizError(
                f"This is no saved evidence ({type(error).__name__}: {error}): compute it again."
            ) from None

    def save(self, path: Path | str) -> Path:
        """Write JSON, atomically."""
        return write_text(path, dumps(self.to_json()))

    @classmethod
    def read(cls, path: Path | str) -> "Evidence":
        """Read what :meth:`save` wrote."""
        return cls.from_json(read_json(path, "evidence"))


def _frame(rows: tuple[Mapping[str, Any], ...], columns: tuple[str, ...]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame([dict(row) for row in rows], columns=list(columns))


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if value != value else value for name, value in row.items()}


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: float("nan") if value is None else value for name, value in row.items()}
