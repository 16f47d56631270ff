"""Which groups are allowed, and which constraints clash where none is."""

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.scores import Members
from taskviz.values import TaskvizError

Pairs = tuple[tuple[str, ...], ...]
Rule = tuple[str, Callable[[Members], NDArray[np.bool_]]]
NO_OVERLAP = "no overlap"


@dataclass(frozen=True)
class Constraints:
    """What every group, and the groups among themselves, must keep to.

    Args:
        overlap: a task may be in several groups.
        smallest: least number of tasks in a group.
        largest: most, or None.
        together: sets of tasks; a group holds all of a set or none.
        apart: sets of tasks; a group holds one of a set at most.
        singletons: groups of one task are allowed.
    """

    overlap: bool = True
    smallest: int = 1
    largest: int | None = None
    together: Pairs = ()
    apart: Pairs = ()
    singletons: bool = True

    def check(self, tasks: Sequence[str]) -> None:
        """Raise unless the names exist and no two rules clash on their face.

        Raises:
            TaskvizError: names the rules.
        """
        size = len(tasks)
        for label, sets in (("together", self.together), ("apart", self.apart)):
            for names in sets:
                for name in names:
                    if name not in tasks:
                        raise TaskvizError(
                            f"The constraint {label} {' + '.join(names)} names {name!r}, which is "
                            f"no task; the tasks are {', '.join(tasks)}."
                        )
                if len(set(names)) < 2 or len(set(names)) < len(names):
                    raise TaskvizError(
                        f"The constraint {label} {' + '.join(names)} must name two or more "
                        "different tasks."
                    )
        if self.largest is not None and self.floor > self.largest:
            what = "no singletons" if self.smallest < 2 else f"smallest group {self.smallest}"
            raise clash([what, f"largest group {self.largest}"])
        if self.floor > size:
            what = "no singletons" if self.smallest < 2 else f"smallest group {self.smallest}"
            raise clash([what, f"{size} tasks in all"])
        for unit in self.units(tasks):
            tied = [tasks[i] for i in unit]
            if len(unit) > 1 and self.largest is not None and len(unit) > self.largest:
                raise clash([f"together {' + '.join(tied)}", f"largest group {self.largest}"])
            for apart in self.apart:
                shared = [name for name in apart if name in tied]
                if len(shared) > 1:
                    raise clash([f"together {' + '.join(tied)}", f"apart {' + '.join(shared)}"])

    @property
    def floor(self) -> int:
        """Least size of a group, singletons considered."""
        return max(self.smallest, 1 if self.singletons else 2)

    def units(self, tasks: Sequence[str]) -> list[list[int]]:
        """Tasks that can only move as one: the closure of ``together``, singles included."""
        unit_of = list(range(len(tasks)))
        for names in self.together:
            touched = {unit_of[tasks.index(name)] for name in names}
            unit_of = [min(touched) if unit in touched else unit for unit in unit_of]
        return [
            [i for i, unit in enumerate(unit_of) if unit == first] for first in sorted(set(unit_of))
        ]

    def apart_matrix(self, tasks: Sequence[str]) -> NDArray[np.bool_]:
        """``(T, T)`` symmetric: True where two tasks must share no group."""
        found = np.zeros((len(tasks), len(tasks)), dtype=bool)
        for names in self.apart:
            place = [tasks.index(name) for name in names]
            found[np.ix_(place, place)] = True
        np.fill_diagonal(found, False)
        return found

    def rules(self, tasks: Sequence[str]) -> list[Rule]:
        """Every rule about single groups: what it is called, and which groups it allows."""
        found: list[Rule] = []
        if self.smallest > 1:
            found.append(
                (f"smallest group {self.smallest}", lambda m: m.sum(axis=1) >= self.smallest)
            )
        if not self.singletons:
            found.append(("no singletons", lambda m: m.sum(axis=1) != 1))
        if self.largest is not None:
            largest = self.largest
            found.append((f"largest group {largest}", lambda m: m.sum(axis=1) <= largest))
        for names in self.together:
            place = [tasks.index(name) for name in names]
            found.append((f"together {' + '.join(names)}", _all_or_none(place)))
        for names in self.apart:
            place = [tasks.index(name) for name in names]
            found.append((f"apart {' + '.join(names)}", _one_at_most(place)))
        return found

    def loosened(
        self, tasks: Sequence[str]
    ) -> list[tuple[str, Callable[["Constraints"], "Constraints"]]]:
        """Every rule by name, with what takes it (and only it) out of a set of constraints."""

        found: list[tuple[str, Callable[[Constraints], Constraints]]] = []
        if self.smallest > 1:
            found.append((f"smallest group {self.smallest}", lambda c: replace(c, smallest=1)))
        if not self.singletons:
            found.append(("no singletons", lambda c: replace(c, singletons=True)))
        if self.largest is not None:
            found.append((f"largest group {self.largest}", lambda c: replace(c, largest=None)))
        for names in self.together:
            found.append((f"together {' + '.join(names)}", _untied(names)))
        for names in self.apart:
            found.append((f"apart {' + '.join(names)}", _unparted(names)))
        if not self.overlap:
            found.append((NO_OVERLAP, lambda c: replace(c, overlap=True)))
        return found

    def allowed(self, tasks: Sequence[str]) -> Callable[[Members], NDArray[np.bool_]]:
        """The test that all rules together make."""
        rules = self.rules(tasks)

        def test(members: Members) -> NDArray[np.bool_]:
            passed = np.ones(len(members), dtype=bool)
            for _, rule in rules:
                passed &= rule(members)
            return passed

        return test


def clash(names: Sequence[str]) -> TaskvizError:
    """The error that says which constraints cannot hold at once."""
    if len(names) == 1:
        return TaskvizError(f"The constraint {names[0]!r} cannot be met: loosen it.")
    listed = ", ".join(repr(name) for name in names[:-1]) + f" and {names[-1]!r}"
    return TaskvizError(f"The constraints {listed} cannot all be met: loosen one of them.")


def parse_sets(text: str, tasks: Sequence[str], what: str) -> Pairs:
    """Sets of task names: ``a+b; c+d+e``, or a list of lists.

    Raises:
        TaskvizError: the list cannot be read.
    """
    text = text.strip()
    if not text:
        return ()
    if text not in tasks and text[0] in "[(":
        try:
            given = ast.literal_eval(text)
            sets = [given] if given and isinstance(given[0], str) else list(given)
            return tuple(tuple(str(name) for name in names) for names in sets)
        except (ValueError, SyntaxError, TypeError, IndexError):
            raise TaskvizError(
                f"The constraint {what} is {text!r}: write it as 'a+b; c+d' or as a list of lists "
                "of task names."
            ) from None
    sets_of = [part for part in text.split(";") if part.strip()]
    return tuple(tuple(name.strip() for name in part.split("+")) for part in sets_of)


def _untied(names: tuple[str, ...]) -> Callable[[Constraints], Constraints]:
    return lambda c: replace(c, together=tuple(one for one in c.together if one != names))


def _unparted(names: tuple[str, ...]) -> Callable[[Constraints], Constraints]:
    return lambda c: replace(c, apart=tuple(one for one in c.apart if one != names))


def _all_or_none(place: list[int]) -> Callable[[Members], NDArray[np.bool_]]:
    def test(members: Members) -> NDArray[np.bool_]:
        count = members[:, place].sum(axis=1)
        return np.asarray((count == 0) | (count == len(place)))

    return test


def _one_at_most(place: list[int]) -> Callable[[Members], NDArray[np.bool_]]:
    return lambda members: np.asarray(members[:, place].sum(axis=1) <= 1)
