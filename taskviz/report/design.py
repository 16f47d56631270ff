"""How a report is laid out: which sections in which order, notes, style, what is compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from taskviz.report.checked import bounded, listed_texts, mapping, sequence, text
from taskviz.values import TaskvizError, unknown_choice

Style = Literal["auto", "light", "dark", "print"]
STYLES: Final[tuple[str, ...]] = get_args(Style)
SECTIONS: Final[Mapping[str, str]] = {
    "collection": "Collection",
    "affinity": "Affinity",
    "groups": "Groups",
    "comparison": "Two plans compared",
    "scenarios": "Scenarios",
    "results": "Results",
    "runs": "Further runs",
    "repeat": "Repeat it",
}
"""Section → its heading, in the order in which they come unless another is given."""
MOST_NOTES: Final = 20_000
"""Letters of a note."""
MOST_NOTED: Final = 200
WHOLE: Final = "report"
"""The place of the notes that stand behind the summary."""


@dataclass(frozen=True)
class Design:
    """The layout of a report. The summary comes first, always.

    Args:
        title: heading; one is made from the collection's name where empty.
        sections: keys of :data:`SECTIONS` in the order wanted.
        notes: place → Markdown; a place is :data:`WHOLE`, a section, or the key of a figure.
        style: ``auto`` follows the reader's system; ``print`` looks on the screen as on paper.
        compare: names of the two plans of the section "comparison"; None: the first two.

    Raises:
        TaskvizError: an unknown section or style, one named twice, notes that are too long.
    """

    title: str = ""
    sections: tuple[str, ...] = tuple(SECTIONS)
    notes: Mapping[str, str] = field(default_factory=dict)
    style: Style = "auto"
    compare: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        for section in self.sections:
            if section not in SECTIONS:
                raise unknown_choice("section of a report", section, SECTIONS)
            if self.sections.count(section) > 1:
                raise TaskvizError(f"The section {section!r} is named twice: name it once.")
        if self.style not in STYLES:
            raise unknown_choice("theme", str(self.style), STYLES)
        if len(self.notes) > MOST_NOTED:
            raise TaskvizError(
                f"There are notes at {len(self.notes)} places: at most {MOST_NOTED} are kept."
            )
        for place, note in self.notes.items():
            if len(note) > MOST_NOTES:
                raise TaskvizError(
                    f"The note beside {place[:80]!r} has {len(note):,} letters: at most "
                    f"{MOST_NOTES:,} are kept."
                )

    def moved(self, section: str, by: int) -> "Design":
        """The same with a section some places further down (up where negative)."""
        from dataclasses import replace

        order = list(self.sections)
        if section not in order:
            return self
        place = order.index(section)
        order.pop(place)
        order.insert(min(max(place + by, 0), len(order)), section)
        return replace(self, sections=tuple(order))

    def with_section(self, section: str, *, wanted: bool) -> "Design":
        """The same with a section put in (at the end) or left out."""
        from dataclasses import replace

        rest = tuple(each for each in self.sections if each != section)
        if not wanted:
            return replace(self, sections=rest)
        return self if section in self.sections else replace(self, sections=(*rest, section))

    def with_note(self, place: str, note: str) -> "Design":
        """The same with a note beside something; an empty one is taken away."""
        from dataclasses import replace

        notes = {where: each for where, each in self.notes.items() if where != place}
        if note.strip():
            notes[place] = note
        return replace(self, notes=notes)

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "title": self.title,
            "sections": list(self.sections),
            "notes": dict(self.notes),
            "style": self.style,
            "compare": None if self.compare is None else list(self.compare),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Design":
        """The inverse of :meth:`to_json`; what is missing is as in a new one."""
        compare = listed_texts(sequence(data, "compare", 2), "compare")
        notes = mapping(data.get("notes") or {}, "notes")
        fields: dict[str, Any] = {}
        if "sections" in data:
            fields["sections"] = listed_texts(sequence(data, "sections", 100), "sections")
        return cls(
            title=text(data, "title", 1000),
            notes={str(place): bounded(note, "a note") for place, note in notes.items()},
            style=data.get("style", "auto"),
            compare=(compare[0], compare[1]) if len(compare) == 2 else None,
            **fields,
        )
