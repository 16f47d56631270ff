"""Step 3: groups under an inference budget, and what to set beside them."""

from collections.abc import Sequence
from typing import Any

from taskviz.values import AffinityMatrix, Grouping, SubsetTable, TaskCollection
from taskviz.verbs.loading import check_tasks


def group_tasks(
    affinity: AffinityMatrix | SubsetTable,
    method: str = "gat-gmm",
    *,
    budget: float,
    seed: int = 0,
    **options: Any,
) -> Grouping:
    """Groups of cost ≤ ``budget`` that cover every task.

    Args:
        affinity: a matrix, or (for ``selection``) a subset table.
        method: grouper name, such as ``gat-gmm``.
        budget: how many models can be afforded; 1 is one full-size network.
        options: the grouper's own.

    Raises:
        TaskvizError: unknown method or option, or a budget that the method cannot use.
    """
    from taskviz.grouping import make_grouper

    return make_grouper(method, **options).group(affinity, budget, seed)


def group_frontier(
    affinity: AffinityMatrix | SubsetTable,
    method: str = "gat-gmm",
    *,
    budgets: Sequence[float] | None = None,
    seed: int = 0,
    **options: Any,
) -> list[Grouping]:
    """A grouping for each budget; without ``budgets`` for each of 1…T."""
    from taskviz.grouping import make_grouper

    wanted = list(budgets) if budgets is not None else list(range(1, len(affinity.tasks) + 1))
    return make_grouper(method, **options).frontier(affinity, wanted, seed)


def contenders(
    collection: TaskCollection,
    affinity: AffinityMatrix | SubsetTable | None,
    grouping: Grouping,
    *,
    random_draws: int = 3,
    seed: int = 0,
) -> dict[str, Grouping]:
    """A grouping and its baselines by label: what a fair comparison trains.

    ``chosen``, ``all-together``, ``all-separate`` and ``random 1`` … at the same budget. The
    baselines cover the tasks of the grouping and look at no affinity.

    Raises:
        TaskvizError: a task of the grouping or of the matrix is not in the collection.
    """
    import numpy as np

    check_tasks(grouping.tasks, collection, "the grouping")
    if affinity is not None:
        check_tasks(affinity.tasks, collection, "the affinity matrix")
    tasks = tuple(task for task in collection.names if task in set(grouping.tasks))
    blank = AffinityMatrix(np.zeros((len(tasks), len(tasks))), tasks, method="none")
    budget = max(1, min(int(grouping.budget), len(tasks)))
    found = {
        "chosen": grouping,
        "all-together": group_tasks(blank, "all-together", budget=1, seed=seed),
        "all-separate": group_tasks(blank, "all-separate", budget=len(tasks), seed=seed),
    }
    for draw in range(random_draws):
        found[f"random {draw + 1}"] = group_tasks(
            blank, "random", budget=budget, seed=seed * 1000 + draw
        )
    return found
