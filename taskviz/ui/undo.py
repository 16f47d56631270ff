"""Undo and redo of whole states, without a screen."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

S = TypeVar("S")
MOST_STEPS = 200


@dataclass
class History(Generic[S]):
    """States in the order in which they were reached.

    Args:
        present: what is shown now.
        past: what undo goes back to, newest last.
        future: what redo goes forward to, nearest last.
    """

    present: S
    past: list[S] = field(default_factory=list)
    future: list[S] = field(default_factory=list)

    def push(self, state: S) -> bool:
        """A new present; what was undone before is forgotten. False where nothing changes."""
        if state == self.present:
            return False
        self.past.append(self.present)
        del self.past[:-MOST_STEPS]
        self.present = state
        self.future.clear()
        return True

    def undo(self) -> bool:
        """One step back; False at the beginning."""
        if not self.past:
            return False
        self.future.append(self.present)
        self.present = self.past.pop()
        return True

    def redo(self) -> bool:
        """One step forward again; False where nothing was undone."""
        if not self.future:
            return False
        self.past.append(self.present)
        self.present = self.future.pop()
        return True
