"""What estimators had predicted for groups that were then trained, and what training measured.

All figures are within a task. Pooled over tasks, predicted and measured losses agree even where an
estimator knows nothing, since some tasks are simply harder than others.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from taskviz.affinity.base import Estimator
from taskviz.affinity.members import ByMatrix
from taskviz.values import TaskvizError, TrainingResult

if TYPE_CHECKING:
    import pandas as pd

Fitted = Estimator | ByMatrix

MEASURED_COLUMNS = (
    "group",
    "size",
    "task",
    "weighting",
    "loss",
    "alone",
    "gain",
    "gain_error",
    "seeds",
)
PREDICTED_COLUMNS = ("method", "predicts", "score", "predicted_gain")
SUMMARY_COLUMNS = ("matrix", "method", "pairs", "tasks", "rank", "rank_error", "gap", "right_sign")
FEWEST = 3
"""Different groups of a task that a rank correlation needs."""


def measured_groups(results: Mapping[str, TrainingResult]) -> "pd.DataFrame":
    """Every trained group of two tasks or more, each of its tasks a row.

    The gain is paired: for each seed, the part of the test loss of the task's own network of that
    seed which the group saves. It is missing where no contender trains the task alone.

    Args:
        results: contender → result, trained under the same seeds and options.

    Returns:
        Columns :data:`MEASURED_COLUMNS`: ``group`` names joined as in :func:`group_key`; means over
        ``seeds`` seeds, ``gain_error`` the standard error (NaN for one seed). A group that several
        contenders hold stands once for each weighting.
    """
    import pandas as pd

    losses: dict[tuple[str, int, str, str], dict[int, float]] = {}
    alone: dict[str, dict[int, float]] = {}
    for result in results.values():
        weighting = str(result.settings.get("weighting", "equal"))
        groups = result.grouping.groups
        rows = result.metrics
        rows = rows[(rows["split"] == "test") & (rows["metric"] == "loss")]
        told = zip(rows["group"], rows["task"], rows["seed"], rows["value"], strict=True)
        for index, task, seed, value in told:
            group = groups[int(index)]
            if len(group) == 1:
                alone.setdefault(str(task), {})[int(seed)] = float(value)
            else:
                place = (group_key(group), len(group), str(task), weighting)
                losses.setdefault(place, {})[int(seed)] = float(value)
    made = []
    for (key, size, task, weighting), found in losses.items():
        own = alone.get(task, {})
        gains = np.array([(own[s] - v) / own[s] for s, v in found.items() if own.get(s, 0.0) > 0])
        several = len(gains) > 1
        made.append(
            (
                key,
                size,
                task,
                weighting,
                float(np.mean(list(found.values()))),
                float(np.mean([own[s] for s in found if s in own])) if len(gains) else np.nan,
                float(gains.mean()) if len(gains) else np.nan,
                float(gains.std(ddof=1) / np.sqrt(len(gains))) if several else np.nan,
                len(found),
            )
        )
    return pd.DataFrame(made, columns=list(MEASURED_COLUMNS))


def calibration_rows(estimator: Fitted, results: Mapping[str, TrainingResult]) -> "pd.DataFrame":
    """Measured groups with what a fitted estimator says of each of their tasks.

    Returns:
        Columns :data:`MEASURED_COLUMNS` and :data:`PREDICTED_COLUMNS`: ``score``, higher is better;
        ``predicted_gain`` against alone where the estimator predicts losses or gains, NaN where its
        scores only rank. Groups with a task that the estimator does not know are left out.
    """
    measured = measured_groups(results)
    known = set(estimator.affinity_.tasks)
    keep = [known >= set(split_key(group)) for group in measured["group"]]
    measured = measured[keep].reset_index(drop=True)
    scores: dict[str, dict[str, tuple[float, float]]] = {}
    for group in measured["group"].unique():
        scores[group] = _predicted(estimator, split_key(group))
    told = [scores[g].get(t, (np.nan, np.nan)) for g, t in measured[["group", "task"]].to_numpy()]
    return measured.assign(
        method=estimator.name,
        predicts=estimator.predicts,
        score=[score for score, _ in told],
        predicted_gain=[gain for _, gain in told],
    )


def summarise_calibration(rows: "pd.DataFrame") -> "pd.DataFrame":
    """How well each estimator's predictions fit, within tasks.

    Args:
        rows: :func:`calibration_rows` of one or several runs with a column ``matrix`` that tells
            estimators apart; repeats of a group are averaged first.

    Returns:
        Columns :data:`SUMMARY_COLUMNS`, the best rank first: ``pairs`` of task and group;
        ``rank``: Spearman correlation of score and measured gain within a task with
        :data:`FEWEST` groups or more, mean over such ``tasks`` (``rank_error``: its standard error
        over them, NaN for one); ``gap``: mean over tasks of the mean absolute difference of
        predicted and measured gain; ``right_sign``: share of pairs whose predicted gain has the
        measured sign, mean over tasks. NaN where an estimator's scores say nothing of it.
    """
    import pandas as pd
    from scipy import stats

    made = []
    for (matrix, method), own in rows.groupby(["matrix", "method"], sort=False):
        pairs = averaged(own)
        ranks, gaps, signs = [], [], []
        for _, part in pairs.groupby("task"):
            different = part["score"].nunique() > 1 and part["gain"].nunique() > 1
            if len(part) >= FEWEST and different:
                ranks.append(float(stats.spearmanr(part["score"], part["gain"]).statistic))
            known = part.dropna(subset=["predicted_gain"])
            if len(known):
                gaps.append(float((known["predicted_gain"] - known["gain"]).abs().mean()))
                agree = np.sign(known["predicted_gain"]) == np.sign(known["gain"])
                signs.append(float(agree.mean()))
        several = len(ranks) > 1
        made.append(
            (
                matrix,
                method,
                len(pairs),
                len(ranks),
                float(np.mean(ranks)) if ranks else np.nan,
                float(np.std(ranks, ddof=1) / np.sqrt(len(ranks))) if several else np.nan,
                float(np.mean(gaps)) if gaps else np.nan,
                float(np.mean(signs)) if signs else np.nan,
            )
        )
    table = pd.DataFrame(made, columns=list(SUMMARY_COLUMNS))
    return table.sort_values("rank", ascending=False, na_position="last", ignore_index=True)


def clear_of_chance(summary: "pd.DataFrame") -> bool:
    """Whether the best rank of a summary is above 0 beyond what the best of so many would be.

    A one-sided t interval at 2.5 %, divided by the number of estimators that were ranked. Tasks
    are taken as independent, which those of one group are not quite.

    Args:
        summary: from :func:`summarise_calibration`.
    """
    from scipy import stats

    ranked = summary.dropna(subset=["rank", "rank_error"])
    if ranked.empty:
        return False
    best = ranked.iloc[0]
    bound = stats.t.ppf(1 - 0.025 / len(ranked), int(best["tasks"]) - 1)
    return bool(best["rank"] > bound * best["rank_error"])


def averaged(rows: "pd.DataFrame") -> "pd.DataFrame":
    """One row a task and group with a score and a measured gain: the mean over runs.

    ``gain_error`` is the standard error over runs where there are several, else that over the seeds
    of the one run.
    """
    known = rows.dropna(subset=["score", "gain"])
    grouped = known.groupby(["task", "group"], sort=False)
    means = grouped[["score", "predicted_gain", "gain", "size"]].mean()
    over_runs, over_seeds = grouped["gain"].sem(), grouped["gain_error"].mean()
    return means.assign(
        gain_error=over_runs.where(grouped.size() > 1, over_seeds), runs=grouped.size()
    ).reset_index()


def group_key(group: Iterable[str]) -> str:
    """The tasks of a group as one text, whatever their order and the signs in their names."""
    import json

    return json.dumps(sorted(group), ensure_ascii=False)


def split_key(key: str) -> tuple[str, ...]:
    """The inverse of :func:`group_key`."""
    import json

    return tuple(json.loads(key))


def _predicted(estimator: Fitted, group: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Task → score (higher is better) and predicted gain; empty where nothing can be said."""
    try:
        found = estimator.predict(group)
        if estimator.predicts == "gain":
            return {task: (value, value) for task, value in found.items()}
        if estimator.predicts == "affinity":
            return {task: (value, np.nan) for task, value in found.items()}
        made = {}
        for task, loss in found.items():
            own = _alone(estimator, task)
            gain = (own - loss) / own if own > 0 else np.nan
            made[task] = (-loss, gain)
        return made
    except TaskvizError:
        return {}


def _alone(estimator: Fitted, task: str) -> float:
    """Predicted loss of a task by itself; NaN where the estimator says nothing of it."""
    try:
        return estimator.predict([task])[task]
    except TaskvizError:
        return float("nan")
