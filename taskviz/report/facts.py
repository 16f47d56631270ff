"""What a report says of a collection: sizes, tasks, words of its commands; none of its data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskviz.report.checked import count, listed_texts, mapping, sequence, text
from taskviz.report.tables import Table, tasks_table
from taskviz.values import SPLITS, Task, TaskCollection


@dataclass(frozen=True)
class Facts:
    """A collection as a report shows it.

    Args:
        name: of the collection.
        fingerprint: hash of its data.
        layout: joint or separate.
        modality: table, image, series, graph or nodes.
        n: samples.
        reference: what it was loaded by.
        tasks: name, kind and classes of each.
        rows: name and value of each line about it.
        table: a row a task: kind, labels, missing share, balance.
        smallest_test: samples of the smallest test split; None where that is not known.
        words: how a command names it.
        notes: what one must know before such a command.
    """

    name: str
    fingerprint: str
    layout: str
    modality: str
    n: int
    reference: str
    tasks: tuple[Task, ...]
    rows: tuple[tuple[str, str], ...] = ()
    table: Table | None = None
    smallest_test: int | None = None
    words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, collection: TaskCollection) -> "Facts":
        """Read them off a collection."""
        from taskviz.report.command import collection_words

        words, notes = collection_words(collection)
        sizes = [len(block.indices("test")) for block in collection.samples]
        return cls(
            name=collection.name,
            fingerprint=collection.fingerprint,
            layout=collection.layout,
            modality=collection.modality,
            n=sum(len(block) for block in collection.samples),
            reference=collection.origin.reference,
            tasks=collection.tasks,
            rows=tuple(_rows(collection)),
            table=tasks_table(collection),
            smallest_test=min(sizes, default=None),
            words=tuple(words),
            notes=tuple(notes),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "layout": self.layout,
            "modality": self.modality,
            "n": self.n,
            "reference": self.reference,
            "tasks": [task.to_json() for task in self.tasks],
            "rows": [list(row) for row in self.rows],
            "table": None if self.table is None else self.table.to_json(),
            "smallest_test": self.smallest_test,
            "words": list(self.words),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Facts":
        """The inverse of :meth:`to_json`; all but names and kinds of the tasks may be missing."""
        table, smallest = data.get("table"), data.get("smallest_test")
        rows = [listed_texts(row, "collection.rows") for row in sequence(data, "rows")]
        return cls(
            name=text(data, "name"),
            fingerprint=text(data, "fingerprint"),
            layout=text(data, "layout"),
            modality=text(data, "modality"),
            n=count(data, "n"),
            reference=text(data, "reference"),
            tasks=tuple(
                Task.from_json(dict(mapping(task, "a task"))) for task in sequence(data, "tasks")
            ),
            rows=tuple((row[0], row[1]) for row in rows if len(row) == 2),
            table=None if table is None else Table.from_json(mapping(table, "collection.table")),
            smallest_test=None if smallest is None else count(data, "smallest_test"),
            words=listed_texts(sequence(data, "words"), "collection.words"),
            notes=listed_texts(sequence(data, "notes"), "collection.notes"),
        )


def _rows(collection: TaskCollection) -> list[tuple[str, str]]:
    block = collection.samples[0]
    sizes = {
        split: sum(len(each.indices(split)) for each in collection.samples) for split in SPLITS
    }
    layout = {
        "joint": "joint: every task sees the same inputs",
        "separate": "separate: every task has inputs of its own",
    }[collection.layout]
    rows = [
        ("Name", collection.name),
        ("Samples n", f"{sum(len(each) for each in collection.samples):,}"),
        ("Tasks T", f"{len(collection.tasks):,}"),
        ("Layout", layout),
        ("Modality", collection.modality),
        ("Input", " × ".join(str(size) for size in block.inputs.shape[1:]) or "scalar"),
        ("Train, validation, test", ", ".join(f"{sizes[split]:,}" for split in SPLITS)),
        ("Description", collection.origin.description),
        ("Licence", collection.origin.licence),
        ("Data fingerprint (SHA-256)", collection.fingerprint),
    ]
    return [(name, value) for name, value in rows if value]
