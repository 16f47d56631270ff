"""Step 3: groups under an inference budget, and what to set beside them."""

from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskviz.cache import Cache
from taskviz.progress import SILENT, Progress
from taskviz.values import AffinityMatrix, Grouping, SubsetTable, TaskCollection
from taskviz.values.checks import check_kind, check_whole
from taskviz.values.storage import dumps, read_json, write_text
from taskviz.verbs.imports import scores_fingerprint
from taskviz.verbs.loading import check_collection, check_grouping, check_tasks

if TYPE_CHECKING:
    from taskviz.grouping.group_costs import CostModel

FRONTIER = "frontier"


def group_tasks(
    affinity: AffinityMatrix | SubsetTable,
    method: str = "gat-gmm",
    *,
    budget: float | None = None,
    seed: int = 0,
    costs: "CostModel | None" = None,
    **options: Any,
) -> Grouping:
    """Groups of cost ≤ ``budget`` that cover every task.

    Args:
        affinity: a matrix, or (for ``selection``) a subset table.
        method: grouper name, such as ``gat-gmm``.
        budget: how many models can be afforded, which has to be said; 1 is one full-size network.
        costs: prices from :func:`price_groups`, in whose unit the budget is then.
        options: the grouper's own.

    Raises:
        TaskvizError: unknown method or option, or a budget that the method cannot use.
    """
    from taskviz.grouping import make_grouper

    scores = "what taskviz.compute_affinity gives, an AffinityMatrix or a SubsetTable"
    check_kind(affinity, (AffinityMatrix, SubsetTable), "The affinity", scores)
    wanted = "a number that says how many models can be afforded, such as budget=3,"
    check_kind(budget, Real, "The budget", wanted)
    seed = check_whole(seed, "The seed", 0)
    assert budget is not None
    if costs is not None:
        from taskviz.grouping.within_budget import group_within

        return group_within(affinity, method, budget, costs, seed=seed, **options)
    return make_grouper(method, **options).group(affinity, budget, seed)


def group_frontier(
    affinity: AffinityMatrix | SubsetTable,
    method: str = "gat-gmm",
    *,
    budgets: Sequence[float] | None = None,
    seed: int = 0,
    costs: "CostModel | None" = None,
    progress: Progress = SILENT,
    **options: Any,
) -> list[Grouping]:
    """A grouping for each budget; without ``budgets`` for each of 1…T networks.

    With ``costs`` the budgets are in their unit; without budgets, what 1…T disjoint groups cost.
    """
    from taskviz.grouping import make_grouper

    if costs is not None:
        from taskviz.grouping.within_budget import frontier_within

        return frontier_within(
            affinity, method, costs, budgets, seed=seed, progress=progress, **options
        )
    wanted = list(budgets) if budgets is not None else list(range(1, len(affinity.tasks) + 1))
    grouper = make_grouper(method, **options)
    grouper.progress = progress
    return grouper.frontier(affinity, wanted, seed)


def kept_frontier(
    affinity: AffinityMatrix | SubsetTable,
    method: str,
    budgets: Sequence[float],
    *,
    seed: int = 0,
    costs: "CostModel | None" = None,
    progress: Progress = SILENT,
    cache: Cache | None = None,
    **options: Any,
) -> list[Grouping]:
    """:func:`group_frontier`, computed once for the same scores and kept."""
    from taskviz.grouping import grouper_class
    from taskviz.verbs.options import grouping_options

    parts = {
        "what": FRONTIER,
        "scores": scores_fingerprint(affinity),
        "method": method,
        "version": grouper_class(method).version,
        "options": grouping_options(method, options),
        "budgets": list(budgets),
        "seed": seed,
        "costs": None if costs is None else costs.to_json(),
    }

    def write(found: list[Grouping], folder: Path) -> object:
        plain = {"plans": [grouping.to_json() for grouping in found]}
        return write_text(folder / "frontier.json", dumps(plain))

    return (cache or Cache()).fetch(
        FRONTIER,
        parts,
        compute=lambda: group_frontier(
            affinity,
            method,
            budgets=budgets,
            seed=seed,
            costs=costs,
            progress=progress,
            **options,
        ),
        write=write,
        read=lambda folder: [
            Grouping.from_json(plan)
            for plan in read_json(folder / "frontier.json", "frontier")["plans"]
        ],
    )


def price_groups(
    collection: TaskCollection, unit: str, *, device: str = "auto", **options: Any
) -> "CostModel":
    """What any group of the collection's tasks costs at inference.

    Args:
        collection: decides the shapes of input and heads.
        unit: ``networks``, ``parameters``, ``macs`` or ``milliseconds``.
        device: where milliseconds are measured.
        options: of the networks: width, depth, activation, as they will be trained.

    Raises:
        TaskvizError: unknown unit or option, or a unit that separate collections do not have.
    """
    from taskviz.grouping.group_costs import cost_model
    from taskviz.networks import NetworkOptions
    from taskviz.values import parse_options

    chosen = parse_options(NetworkOptions, options, "the networks")
    return cost_model(collection, unit, chosen, device=device)


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

    check_collection(collection)
    check_grouping(grouping)
    check_tasks(grouping.tasks, collection, "the grouping")
    if affinity is not None:
        check_tasks(affinity.tasks, collection, "the affinity matrix")
    tasks = tuple(task for task in collection.names if task in set(grouping.tasks))
    blank = AffinityMatrix(np.zeros((len(tasks), len(tasks))), tasks, method="none")
    # A budget in another unit is no number of networks: the groups that it paid for are.
    models = grouping.budget if grouping.cost_unit == "networks" else len(grouping.groups)
    budget = max(1, min(int(models), len(tasks)))
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
