"""Plans with a name and a note, kept in the cache: they outlive a restart, colleagues see them."""

import time
from dataclasses import dataclass
from typing import Any

from taskviz.access import actor
from taskviz.cache import Cache, Entry, key_of
from taskviz.values import Grouping, TaskvizError
from taskviz.values.storage import dumps, read_json, write_text

KIND = "scenario"
MOST_NAME, MOST_NOTES = 80, 4000


@dataclass(frozen=True)
class Scenario:
    """A plan that somebody gave a name.

    Args:
        key: hash of its content.
        name: what it is called.
        notes: why it is there.
        plan: the grouping.
        source: key of the matrix or table it was made from.
        created: seconds since 1970.
    """

    key: str
    name: str
    notes: str
    plan: Grouping
    source: str
    created: float


def save_scenario(cache: Cache, name: str, notes: str, plan: Grouping, source: str) -> Scenario:
    """Store a plan under the hash of its content.

    Raises:
        TaskvizError: no name, a name that another scenario of this matrix has, a full disk, or a
            viewer.
    """
    actor().must_edit("save scenarios")
    name, notes = " ".join(name.split())[:MOST_NAME], notes.strip()[:MOST_NOTES]
    if not name:
        raise TaskvizError("A scenario needs a name: type one first.")
    plain: dict[str, Any] = {
        "name": name,
        "notes": notes,
        "plan": plan.to_json(),
        "source": source,
    }
    key = key_of(scenario=plain)
    for other in list_scenarios(cache, source):
        if other.name == name and other.key != key:
            raise TaskvizError(
                f"There is a scenario {name!r} of this matrix already: choose another name."
            )
    if cache.find(KIND, key) is None:
        parts = {"source": source, "name": name}
        cache.put(
            KIND, key, lambda folder: write_text(folder / "scenario.json", dumps(plain)), parts
        )
    return Scenario(key, name, notes, plan, source, time.time())


def list_scenarios(cache: Cache, source: str) -> list[Scenario]:
    """Scenarios of a matrix, oldest first; damaged ones are passed over."""
    found = []
    for entry in cache.entries(KIND):
        if entry.parts.get("source") != source:
            continue
        try:
            found.append(_read(entry))
        except (TaskvizError, OSError):
            continue
    return sorted(found, key=lambda scenario: (scenario.created, scenario.key))


def _read(entry: Entry) -> Scenario:
    data = read_json(entry.folder / "scenario.json", "scenario")
    return Scenario(
        key=entry.key,
        name=str(data["name"]),
        notes=str(data.get("notes") or ""),
        plan=Grouping.from_json(data["plan"]),
        source=str(data["source"]),
        created=entry.created,
    )
