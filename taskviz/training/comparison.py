"""What a comparison of groupings says: a table, gains, and sentences that claim no more."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from taskviz.training.metrics import primary_metric
from taskviz.values import Task, TaskvizError, TrainingResult

if TYPE_CHECKING:
    import pandas as pd

Results = Mapping[str, TrainingResult]

GAIN_COLUMNS = ("task", "contender", "group", "loss", "alone", "gain")


def comparison_table(results: Results, split: str = "test") -> "pd.DataFrame":
    """One row a task, one column a contender.

    Columns: ``task``; ``group``, index of its serving group in the first contender; ``metric``,
    the name of its primary metric; one column a contender with that metric; and, where training
    each task alone is among the contenders, ``gain: LABEL`` for each other: the part of the loss of
    the task alone that is saved, (L_t({t}) − L_t(S)) / L_t({t}), negative where it is worse. NaN
    where a value is not defined on the split.

    Raises:
        TaskvizError: no result, or results of different tasks.
    """
    import pandas as pd

    first, tasks = _first(results)
    table = pd.DataFrame(
        {
            "task": [task.name for task in tasks],
            "group": [first.serving[task.name] for task in tasks],
            "metric": [primary_metric(task) for task in tasks],
        }
    )
    for label, result in results.items():
        found = _values(result, split)
        table[label] = [
            found.get((task.name, primary_metric(task)), float("nan")) for task in tasks
        ]
    alone = alone_label(results)
    if alone is not None:
        gains = gain_table(results, split).set_index(["contender", "task"])["gain"]
        for label in results:
            if label != alone:
                table[f"gain: {label}"] = [float(gains[label, task.name]) for task in tasks]
    return table


def gain_table(results: Results, split: str = "test") -> "pd.DataFrame":
    """One row a task and contender: its loss in the serving group, alone, and the gain.

    Columns :data:`GAIN_COLUMNS`; ``alone`` and ``gain`` are NaN where no contender trains each
    task alone.
    """
    import pandas as pd

    _, tasks = _first(results)
    losses = {label: _values(result, split) for label, result in results.items()}
    alone = alone_label(results)
    rows = []
    for label, result in results.items():
        for task in tasks:
            loss = losses[label].get((task.name, "loss"), float("nan"))
            own = losses[alone].get((task.name, "loss"), float("nan")) if alone else float("nan")
            gain = (own - loss) / own if own > 0 else float("nan")
            rows.append((task.name, label, result.serving[task.name], loss, own, gain))
    return pd.DataFrame(rows, columns=list(GAIN_COLUMNS))


def alone_label(results: Results) -> str | None:
    """The contender that trains each task alone, else None."""
    return _label(results, lambda groups, tasks: len(groups) == tasks and max(groups) == 1)


def together_label(results: Results) -> str | None:
    """The contender that trains all tasks in one network, else None."""
    return _label(results, lambda groups, tasks: groups == [tasks])


def random_labels(results: Results) -> list[str]:
    """The contenders whose groups were drawn at random."""
    return [label for label, result in results.items() if result.grouping.method == "random"]


def summary_sentences(results: Results, split: str = "test") -> list[str]:
    """The comparison in plain language; the first contender is the one that was chosen.

    Losses are means over the tasks that have one under every contender. All contenders of one seed
    share initial states and batches, and a single seed gives no interval; the sentences say so.
    """
    first, tasks = _first(results)
    chosen = next(iter(results))
    losses = gain_table(results, split).pivot(index="task", columns="contender", values="loss")
    known = losses.dropna()
    if known.empty:
        return [f"No task has a {split} loss under every contender: nothing can be compared."]
    means = {label: float(known[label].mean()) for label in results}
    models = _models(len(first.grouping.groups))
    caution = "one seed: no interval"
    sentences = []
    together, alone = together_label(results), alone_label(results)
    if together not in (None, chosen):
        words = _relation(means[chosen], means[str(together)], split)
        sentences.append(f"{models}: {words} all-together ({caution}).")
    if alone not in (None, chosen):
        words = _relation(means[chosen], means[str(alone)], split)
        instead = f"at {models} instead of {len(tasks)}"
        sentences.append(f"{models}: {words} training each task alone, {instead} ({caution}).")
        sentences += _losers(losses[chosen], losses[str(alone)], split)
    draws = [means[label] for label in random_labels(results) if label != chosen]
    if draws:
        sentences.append(_against_random(means[chosen], draws, models, split, caution))
    if len(known) < len(tasks):
        gone = f"{len(tasks) - len(known)} of {len(tasks)} tasks"
        sentences.append(f"{gone} have no {split} loss and are left out of the means.")
    if sentences:
        return sentences
    return [f"{models}: mean {split} loss {means[chosen]:.3g}, with nothing to compare it with."]


def _first(results: Results) -> tuple[TrainingResult, list[Task]]:
    if not results:
        raise TaskvizError("There is no training result to compare: give at least one.")
    first = next(iter(results.values()))
    for label, result in results.items():
        if set(result.serving) != set(first.serving):
            raise TaskvizError(
                f"The results cannot be compared: {label!r} was trained on other tasks than "
                f"{next(iter(results))!r}."
            )
    return first, [Task.from_json(task) for task in first.settings["tasks"]]


def _values(result: TrainingResult, split: str) -> dict[tuple[str, str], float]:
    served = result.served(split)
    keys = zip(served["task"], served["metric"], strict=True)
    return dict(zip(keys, (float(v) for v in served["value"]), strict=True))


def _label(results: Results, fits: Callable[[list[int], int], bool]) -> str | None:
    for label, result in results.items():
        if fits([len(group) for group in result.grouping.groups], len(result.serving)):
            return label
    return None


def _models(count: int) -> str:
    return f"{count} model{'' if count == 1 else 's'}"


def _relation(loss: float, other: float, split: str) -> str:
    change = 100 * (other - loss) / other if other > 0 else 0.0
    if abs(change) < 0.05:
        return f"the same {split} loss as"
    return f"{_percent(change)} {'lower' if change > 0 else 'higher'} {split} loss than"


def _percent(value: float) -> str:
    return f"{abs(value):.0f} %" if abs(value) >= 10 else f"{abs(value):.2g} %"


def _losers(losses: "pd.Series[float]", alone: "pd.Series[float]", split: str) -> list[str]:
    change = (100 * (losses - alone) / alone).dropna()
    worse = change[change > 0]
    if worse.empty:
        return []
    count = "1 task has" if len(worse) == 1 else f"{len(worse)} tasks have"
    return [
        f"{count} a higher {split} loss than alone; most of all {worse.idxmax()!r}, by "
        f"{_percent(float(worse.max()))}."
    ]


def _against_random(loss: float, draws: list[float], models: str, split: str, caution: str) -> str:
    mean = float(np.mean(draws))
    words = _relation(loss, mean, split)
    if len(draws) == 1:
        return f"{models}: {words} one random grouping (one draw and {caution})."
    beaten = sum(loss < draw for draw in draws)
    spread = _percent(100 * float(np.std(draws, ddof=1)) / mean) if mean > 0 else "0 %"
    return (
        f"{models}: {words} the mean of {len(draws)} random groupings, which spread by "
        f"{spread} (standard deviation over draws), and lower than {beaten} of {len(draws)} "
        f"({caution})."
    )
