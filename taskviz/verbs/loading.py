"""Step 1: a collection by name or path."""

import os
from collections.abc import Iterable, Mapping, Sequence

from taskviz.cache import Cache
from taskviz.values import Grouping, TaskCollection, TaskvizError
from taskviz.values.checks import check_kind, check_names


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

    check_kind(
        reference,
        (str, os.PathLike),
        "The collection",
        "a built-in's name, or the path of a file or folder (a table is saved as one first),",
    )
    if kinds is not None:
        check_kind(kinds, Mapping, "The argument 'kinds'", "a dictionary from column to kind")
    named = () if tasks is None or isinstance(tasks, int) else check_names(tasks, _given("tasks"))
    ref = CollectionRef(
        reference=str(reference),
        targets=() if targets is None else check_names(targets, _given("targets")),
        kinds=dict(kinds or {}),
        tasks=named,
        split_seed=split_seed,
        leave_out=None if leave_out is None else check_names(leave_out, _given("leave_out")),
    )
    collection = open_collection(ref, cache)
    return collection.select(tasks) if isinstance(tasks, int) else collection


def _given(argument: str) -> str:
    return f"The argument {argument!r}"


def check_collection(collection: object) -> None:
    """Raise unless it is a collection.

    Raises:
        TaskvizError: says what gives one.
    """
    check_kind(collection, TaskCollection, "The collection", "what taskviz.load_collection gives")


def check_grouping(grouping: object, what: str = "The grouping") -> None:
    """Likewise for a grouping."""
    wanted = "what taskviz.group_tasks or Grouping.of gives"
    check_kind(grouping, Grouping, what, wanted)


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
