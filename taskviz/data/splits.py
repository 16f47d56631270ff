"""Seeded splits into train, valid and test, stratified over the classes of all tasks at once."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.values import Samples, Task, TaskCollection, TaskvizError

FRACTIONS = (0.6, 0.2, 0.2)
# Below this many rows a random split can leave the quantiles of a regression target unbalanced.
SMALL = 1000
TRAIN, TEST = 0, 2


def make_split(
    targets: Sequence[NDArray[Any]],
    tasks: Sequence[Task],
    seed: int,
    fractions: tuple[float, float, float] = FRACTIONS,
) -> NDArray[np.int8]:
    """Iterative stratification (Sechidis et al., ECML PKDD 2011, algorithm 1) at exact sizes.

    Labels are the classes of every classification task, "missing" of every task, and quantile bins
    of regression targets where there is no other kind or where rows are few. Two departures from
    the paper: a split that has reached its size takes no more rows, and before all else one row of
    each class (and one known row of each task) goes to training, rarest first, while training has
    room.

    Args:
        targets: one a task, ``(n,)`` or ``(n, width)``: value or class code, NaN where missing.
        tasks: one a target.
        seed: equal seeds give equal splits.
        fractions: of train, valid and test, sum 1; that of test may be 0.

    Returns:
        ``(n,)``: 0 train, 1 valid, 2 test. No split is empty; each size is the fraction of ``n``
        rounded up or down (but at least 1).

    Raises:
        TaskvizError: fewer than 3 rows, a negative seed, fractions that do not sum to 1.
    """
    if not targets:
        raise TaskvizError("There is no target to split by: give at least one task.")
    columns = [np.asarray(target, dtype=np.float64) for target in targets]
    columns = [column[:, None] if column.ndim == 1 else column for column in columns]
    n = len(columns[0])
    if any(len(column) != n for column in columns):
        raise TaskvizError("Targets differ in their number of rows: they must have the same.")
    sizes = split_sizes(n, fractions)
    if seed < 0:
        raise TaskvizError(f"The split seed is {seed}: a whole number from 0 on is needed.")
    rng = np.random.default_rng(seed)
    labels = _label(columns, tasks, n)
    split = np.full(n, -1, dtype=np.int8)
    room = sizes.copy()
    wanted = labels.counts()[:, None] * (sizes / n)
    covered = _cover(labels, int(sizes[TRAIN]), rng)
    split[covered] = TRAIN
    room[TRAIN] -= len(covered)
    wanted[:, TRAIN] -= labels.counts(covered)
    _distribute(labels, split, room, wanted, rng)
    return split


def split_sizes(n: int, fractions: tuple[float, float, float] = FRACTIONS) -> NDArray[np.int64]:
    """Rows of train, valid and test out of ``n``: largest remainders, each at least 1."""
    shares = np.asarray(fractions, dtype=np.float64)
    wrong = shares.shape != (3,) or not (shares[:2] > 0).all() or shares[2] < 0
    if wrong or abs(shares.sum() - 1) > 1e-9:
        raise TaskvizError(
            f"Split fractions are {tuple(fractions)}: three positive numbers with sum 1 are needed "
            "(that of test may be 0)."
        )
    if n < 3:
        raise TaskvizError(
            f"Cannot split {n} row{'' if n == 1 else 's'} into train, valid and test: "
            "at least 3 are needed."
        )
    # Tiny excess so that 0.6 * 5 counts as 3 whatever its last bit.
    sizes = np.floor(shares * n + 1e-9).astype(np.int64)
    order = np.argsort(-(shares * n - sizes), kind="stable")
    sizes[order[: n - sizes.sum()]] += 1
    while (empty := (sizes == 0) & (shares > 0)).any():
        sizes[sizes.argmax()] -= 1
        sizes[empty.argmax()] += 1
    return sizes


def resplit(collection: TaskCollection, seed: int) -> TaskCollection:
    """The same data with training and validation rows drawn anew; test rows stay test rows.

    So whatever is chosen with networks of several splits has seen no row that the final figure is
    measured on.

    In a separate collection the split of a data set depends on the seed and its task alone, so it
    stays the same when other tasks are left out.
    """
    splits = []
    for number, block in enumerate(collection.samples):
        if collection.layout == "joint":
            splits.append(_redraw(block, collection.tasks, seed))
        else:
            task = collection.tasks[number]
            splits.append(_redraw(block, (task,), seed_for_task(seed, task.name)))
    return collection.with_splits(splits)


def _redraw(block: Samples, tasks: Sequence[Task], seed: int) -> NDArray[np.int8]:
    rows = np.flatnonzero(block.split != TEST)
    if len(rows) == len(block):
        # Nothing is held out yet.
        return make_split(block.targets, tasks, seed)
    train = int((block.split == TRAIN).sum()) / max(len(rows), 1)
    if not 0 < train < 1:
        train = FRACTIONS[0] / (FRACTIONS[0] + FRACTIONS[1])
    split = block.split.copy()
    known = [target[rows] for target in block.targets]
    split[rows] = make_split(known, tasks, seed, (train, 1 - train, 0.0))
    return split


def seed_for_task(seed: int, task: str) -> int:
    """The seed for the data set of one task of a separate collection."""
    if seed < 0:
        raise TaskvizError(f"The split seed is {seed}: a whole number from 0 on is needed.")
    return int(np.random.SeedSequence([seed, zlib.crc32(task.encode())]).generate_state(1)[0])


@dataclass(frozen=True)
class _Labels:
    """``codes[row, column]``: number of the label that a row has there; each is of one column."""

    codes: NDArray[np.int64]
    column: NDArray[np.int64]  # label → its column
    must: NDArray[np.bool_]  # label → training should hold it

    def counts(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        codes = self.codes if rows is None else self.codes[rows]
        return np.bincount(codes.ravel(), minlength=len(self.column))

    def rows(self, label: int, among: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.flatnonzero((self.codes[:, self.column[label]] == label) & among)


def _label(columns: list[NDArray[np.float64]], tasks: Sequence[Task], n: int) -> _Labels:
    kinds = {task.kind for task in tasks}
    binned = kinds == {"regression"} or n < SMALL
    codes: list[NDArray[np.int64]] = []
    owner: list[int] = []
    must: list[bool] = []
    for task, block in zip(tasks, columns, strict=True):
        for values in block.T:
            classes = task.kind != "regression"
            column = np.full(n, -1, dtype=np.int64)
            known = ~np.isnan(values)
            if classes:
                column[known] = np.unique(values[known], return_inverse=True)[1]
            else:
                column[known] = _bins(values[known]) if binned else 0
            column[~known] = column.max(initial=-1) + 1
            used, column = np.unique(column, return_inverse=True)
            codes.append(column + len(owner))
            owner += [len(codes) - 1] * len(used)
            # The last label is "missing" where there are missing ones.
            real = len(used) - int(not known.all())
            # Of a regression target training needs a known row, not a row of each bin.
            needed = real if classes else min(real, 1)
            must += [True] * needed + [False] * (len(used) - needed)
    return _Labels(np.stack(codes, axis=1), np.array(owner), np.array(must))


def _bins(values: NDArray[np.float64]) -> NDArray[np.int64]:
    # Five rows a bin give each of 60, 20 and 20 % at least one; more than ten bins add nothing.
    number = int(np.clip(len(values) // 5, 1, 10))
    if number == 1:
        return np.zeros(len(values), dtype=np.int64)
    edges = np.quantile(values, np.arange(1, number) / number)
    return np.digitize(values, edges).astype(np.int64)


def _cover(labels: _Labels, room: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows that together hold every label training should hold, rarest label first."""
    counts = labels.counts()
    open_labels = labels.must.copy()
    free = np.ones(len(labels.codes), dtype=bool)
    chosen: list[int] = []
    for label in np.lexsort((rng.random(len(counts)), counts)):
        if not open_labels[label] or len(chosen) == room:
            continue
        rows = rng.permutation(labels.rows(int(label), free))
        best = rows[open_labels[labels.codes[rows]].sum(axis=1).argmax()]
        chosen.append(int(best))
        free[best] = False
        open_labels[labels.codes[best]] = False
    return np.array(chosen, dtype=np.int64)


def _distribute(
    labels: _Labels,
    split: NDArray[np.int8],
    room: NDArray[np.int64],
    wanted: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    """Fill ``split`` in place: the rarest label left first, each row where it is wanted most."""
    left = labels.counts(np.flatnonzero(split < 0))
    while (split < 0).any():
        free = split < 0
        label = int(np.where(left > 0, left, np.iinfo(np.int64).max).argmin())
        rows = rng.permutation(labels.rows(label, free))
        # Where a row goes depends on this label's wants alone, so all its rows go in one pass.
        want, space = wanted[label].tolist(), room.tolist()
        draws = rng.random((len(rows), 3)).tolist()
        places = []
        for draw in draws:
            open_splits = [j for j in range(3) if space[j] > 0]
            place = max(open_splits, key=lambda j: (want[j], space[j], draw[j]))
            want[place] -= 1
            space[place] -= 1
            places.append(place)
        split[rows] = places
        for place in range(3):
            taken = rows[split[rows] == place]
            counts = labels.counts(taken)
            wanted[:, place] -= counts
            left -= counts
            room[place] -= len(taken)
