"""Step 1: a collection by name or path."""

from collections.abc import Iterable, Mapping, Sequence

from taskviz.cache import Cache
from taskviz.values import TaskCollection, TaskvizError


def load_collection(
    reference: str,
    *,
    targets: Sequence[str] | None = None,
    tasks: Sequence[str] | int | None = None,
    kinds: Mapping[str, str] | None = None,
    split_seed: int = 0,
    leave_out: Sequence[str] | None = None,
    cache: Cache | None = None,
) -> TaskCollection:
    """Open a collection with its splits.

    Args:
        reference: a built-in's name, or the path of a folder, ``.zip``, ``.csv`` or ``.parquet``.
        targets: target columns of a table; None takes what its reader proposes.
        tasks: names of the tasks to keep, or how many of the first ones; None keeps all.
        kinds: column → task kind, where the proposed kind is wrong.
        split_seed: of the train, valid and test split.
        leave_out: columns of a table that are neither input nor target; None leaves out what its
            reader proposes.
        cache: holds uploaded tables.

    Raises:
        TaskvizError: no such collection, or what is wrong with it and where.
    """
    from taskviz.data import CollectionRef, open_collection

    named = () if tasks is None or isinstance(tasks, int) else tuple(tasks)
    ref = CollectionRef(
        reference=str(reference),
        targets=tuple(targets or ()),
        kinds=dict(kinds or {}),
        tasks=named,
        split_seed=split_seed,
        leave_out=None if leave_out is None else tuple(leave_out),
    )
    collection = open_collection(ref, cache)
    return collection.select(tasks) if isinstance(tasks, int) else collection


def check_tasks(tasks: Iterable[str], collection: TaskCollection, what: str) -> None:
    """Raise unless every task is one of the collection.

    Raises:
        TaskvizError: names the first task that is not.
    """
    known = set(collection.names)
    for task in tasks:
        if task not in known:
            raise TaskvizError(
                f"Task {task!r} of {what} is not in collection {collection.name!r}, whose tasks "
                f"are {', '.join(collection.names[:20])}{' …' if len(known) > 20 else ''}: use "
                f"{what} of this collection."
            )
