"""One input column of a table, as training saw it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class InputColumn:
    """How a column of a table becomes features.

    Args:
        name: of the column.
        levels: those met in the table, in the order of their codes; empty where the column holds
            numbers.
    """

    name: str
    levels: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """Names of its features: its own where it holds numbers, else ``column=level``.

        Of two levels the second says it all; of more, each has a feature.
        """
        if not self.levels:
            return (self.name,)
        named = tuple(f"{self.name}={level}" for level in self.levels)
        return named[1:] if len(named) == 2 else named

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"name": self.name, "levels": list(self.levels)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "InputColumn":
        """The inverse of :meth:`to_json`."""
        return cls(str(data["name"]), tuple(str(level) for level in data["levels"]))
