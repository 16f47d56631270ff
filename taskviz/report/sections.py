"""What each section of the report shows, as plain data for the template."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from taskviz.figures.comparison import (
    contender_means,
    contenders_dots,
    describe_contenders,
    describe_gains,
    gain_labels,
    gains_bars,
)
from taskviz.figures.curves import MOST_POINTS, describe_training_curves, training_curves
from taskviz.figures.frontier import budget_frontier, describe_budget_frontier
from taskviz.figures.heatmap import affinity_heatmap, describe_affinity_heatmap
from taskviz.figures.plan_gains import describe_plan_gains, plan_gains
from taskviz.figures.style import duration_words, group_letter, signed, three_digits
from taskviz.figures.task_graph import (
    default_threshold,
    describe_task_graph,
    edge_table,
    graph_layout,
    task_graph,
)
from taskviz.figures.text import listed
from taskviz.report.charts import Chart
from taskviz.report.plan_difference import changed_groups, difference
from taskviz.report.summary import error_statement, method_title
from taskviz.report.tables import (
    MOST_ROWS,
    Table,
    checkpoint_table,
    frontier_table,
    gains_table,
    groups_table,
    kept_step,
    matrix_table,
    metrics_table,
    results_table,
    settings_table,
)
from taskviz.report.thinning import blocks
from taskviz.values import AffinityMatrix, Grouping, TrainingResult

Part = dict[str, Any]
Keyed = Callable[[Chart], Chart]


def affinity_part(matrix: AffinityMatrix, keyed: Keyed) -> Part:
    """Heatmap, graph, notes and settings of a matrix."""
    threshold = default_threshold(matrix)
    layout, title = graph_layout(matrix), method_title(matrix.method)
    drawn, width = blocks(matrix)
    cells = len(drawn.tasks) ** 2
    thinned = (
        ""
        if width == 1
        else f" Thinned: {cells:,} cells for {len(matrix.tasks) ** 2:,} pairs, each the mean over "
        f"up to {width} by {width} neighbouring tasks."
    )
    heatmap = Chart.of(
        f"Affinity by {title}",
        lambda dark: affinity_heatmap(drawn, order="cluster", dark=dark),
        describe_affinity_heatmap(matrix),
        matrix_table(matrix),
        caption=(
            "Rows are sources, columns are targets, ordered by clustering. "
            f"Values: {matrix.unit or 'in the unit of the method'}.{thinned}"
        ),
        square=True,
        key=f"heatmap {matrix.method} {matrix.seed}",
    )
    graph = Chart.of(
        f"Pairs with affinity {three_digits(threshold)} or more",
        lambda dark: task_graph(matrix, threshold=threshold, layout=layout, dark=dark),
        describe_task_graph(matrix, threshold=threshold),
        _frame_table(edge_table(matrix, threshold)),
        caption=(
            "Both directions averaged; about 1.5 edges a task are shown. Tasks stand near where "
            "their affinity is high."
        ),
        key=f"graph {matrix.method} {matrix.seed}",
    )
    trained = matrix.networks_trained
    facts = {
        "method": matrix.method,
        "source": _source(matrix.method),
        **matrix.options,
        "seed": matrix.seed,
        "seconds": three_digits(matrix.seconds),
        "networks trained": trained,
        "data fingerprint": matrix.fingerprint or "unknown",
    }
    return {
        "heading": f"{title} of {len(matrix.tasks)} tasks",
        "statement": (
            f"Computed in {duration_words(matrix.seconds)} with "
            f"{trained:,} network{'' if trained == 1 else 's'} trained, seed {matrix.seed}. "
            f"{error_statement(matrix)}"
        ),
        "notes": matrix.notes,
        "charts": [keyed(heatmap), keyed(graph)],
        "settings": settings_table(facts),
    }


def grouping_part(
    grouping: Grouping,
    matrix: AffinityMatrix | None,
    frontier: Sequence[Grouping],
    result: TrainingResult | None,
    keyed: Keyed,
    name: str = "",
) -> Part:
    """Groups, score, graph and settings of a plan.

    Args:
        name: tells its figures from those of other plans.
        matrix: drawn as a graph in the colours of the groups, where it has their tasks.
        frontier: a plan a budget.
        result: where it was trained, the serving groups are those chosen on validation data.
    """
    charts = []
    if matrix is not None and set(grouping.tasks) <= set(matrix.tasks):
        threshold, layout = default_threshold(matrix), graph_layout(matrix)
        charts.append(
            Chart.of(
                "Groups in the task graph",
                lambda dark: task_graph(
                    matrix, threshold=threshold, groups=grouping, layout=layout, dark=dark
                ),
                describe_task_graph(matrix, threshold=threshold, groups=grouping),
                _frame_table(edge_table(matrix, threshold)),
                caption=(
                    f"Edges: affinity by {method_title(matrix.method)} of "
                    f"{three_digits(threshold)} or more."
                ),
                key=f"groups {name or grouping.method} {grouping.budget:g}",
            )
        )
    if frontier:
        charts.append(
            Chart.of(
                "What each budget buys",
                lambda dark: budget_frontier(
                    frontier, current_budget=grouping.budget, current=grouping, dark=dark
                ),
                describe_budget_frontier(frontier, current_budget=grouping.budget),
                frontier_table(frontier),
                caption="Predicted from the affinity, not measured by training.",
                key="frontier",
            )
        )
    serving = result.serving if result is not None else grouping.serving
    facts = {
        "method": grouping.method,
        **grouping.options,
        "budget": grouping.budget,
        "cost": grouping.cost,
        "score": grouping.score,
        "objective": grouping.objective or "none",
        "proven bound": grouping.bound,
        "gap to the bound": grouping.gap,
        "seed": grouping.seed,
        "seconds": three_digits(grouping.seconds),
    }
    count = len(grouping.groups)
    return {
        "heading": f"{count} group{'' if count == 1 else 's'} by {grouping.method}",
        "statement": _score_statement(grouping, trained=result is not None),
        "notes": grouping.notes,
        "table": groups_table(grouping, serving),
        "charts": [keyed(chart) for chart in charts],
        "settings": settings_table(facts),
    }


def comparison_part(
    names: tuple[str, str],
    plans: tuple[Grouping, Grouping],
    matrix: AffinityMatrix | None,
    keyed: Keyed,
) -> Part:
    """Two plans as a difference: groups that change, tasks that move, what each gains.

    Args:
        names: of the plans.
        plans: from the first to the second.
        matrix: predicted scores come from it, where it has their tasks.
    """
    one, other = plans
    table = difference(matrix, one, other)
    moved = [str(task) for task in table.loc[table["moved"], "task"]]
    gain = float(table["gain"].sum())
    statement = f"From {names[0]} to {names[1]}: "
    statement += f"{listed(moved)} moved." if moved else "no task moves."
    if gain:
        word = "gain" if gain > 0 else "lose"
        statement += f" By prediction the tasks together {word} {three_digits(abs(gain))}."
    elif not table["gain"].notna().any():
        statement += " Nothing predicts the scores of both."
    chart = Chart.of(
        "What each task gains by prediction",
        lambda dark: plan_gains(table, dark=dark),
        describe_plan_gains(table),
        Table.of(
            ("task", "score before", "score after", "gain"),
            table[["task", "score before", "score after", "gain"]].to_numpy(dtype=object).tolist(),
        ),
        caption="Predicted from the affinity, not measured by training.",
        key="plan gains",
    )
    shown = table.sort_values(["moved", "gain"], ascending=[False, False], kind="stable")
    rows = [
        (
            str(row["task"]),
            str(row["before"]) or "nowhere",
            str(row["after"]) or "nowhere",
            "moved" if row["moved"] else "",
            signed(float(row["gain"])) if np.isfinite(float(row["gain"])) else "no data",
        )
        for _, row in shown.iterrows()
    ]
    columns = ("task", f"in {names[0]}", f"in {names[1]}", "moved", "predicted gain")
    return {
        "names": names,
        "statement": statement,
        "groups": changed_groups(one, other),
        "table": Table(
            columns, tuple(rows[:MOST_ROWS]), frozenset({4}), max(0, len(rows) - MOST_ROWS)
        ),
        "charts": [keyed(chart)] if table["gain"].notna().any() else [],
    }


def results_part(
    results: Mapping[str, TrainingResult],
    keyed: Keyed,
    name: str = "",
    *,
    curves_too: bool = True,
) -> Part:
    """Sentences, table, charts and curves of the trained contenders; the first was chosen.

    Args:
        name: of the run, where it is a further one.
        curves_too: draw the curves of the chosen groups.
    """
    from taskviz.training.compare import comparison_table, summary_sentences
    from taskviz.training.comparison import random_labels

    label, chosen = next(iter(results.items()))
    table = comparison_table(results)
    drawn = [name for name in random_labels(results) if name != label]
    gains = gain_labels(table)
    dots = Chart.of(
        "Mean test loss of each contender",
        lambda dark: contenders_dots(results, dark=dark),
        describe_contenders(results),
        _frame_table(contender_means(results)),
        caption="Over the tasks that have a test loss under every contender.",
        key=f"contenders {name}".strip(),
    )
    bars = Chart.of(
        "Gain over training each task alone",
        lambda dark: gains_bars(table, dark=dark, random=drawn),
        describe_gains(table),
        gains_table(table, drawn, gains),
        caption="Below zero: negative transfer.",
        key=f"gains {name}".strip(),
    )
    curves = [
        keyed(_curve(chosen, group, list(tasks)))
        for group, tasks in enumerate(chosen.grouping.groups)
        if curves_too and (chosen.history["group"] == group).any()
    ]
    options = dict(chosen.settings.get("options") or {})
    rest = {
        name: value
        for name, value in chosen.settings.items()
        if name not in ("options", "tasks", "feature_names", "input_columns", "origin")
    }
    return {
        "chosen": label,
        "sentences": summary_sentences(results),
        "caption": (
            "On test data, which no choice was made on. Each task is served by the group of "
            "lowest validation loss. auroc and balanced accuracy: higher is better; mae, rmse and "
            "error: lower is better. Gain: part of the test loss of the task alone that is saved."
        ),
        "table": results_table(table, drawn),
        "charts": [keyed(dots), keyed(bars)],
        "notes": tuple(dict.fromkeys(n for result in results.values() for n in result.notes)),
        "metrics": metrics_table(chosen),
        "curves": curves,
        "settings": settings_table(options, rest),
    }


def _curve(result: TrainingResult, group: int, tasks: list[str]) -> Chart:
    kept = kept_step(result, group)
    rows = result.history[(result.history["group"] == group) & (result.history["metric"] == "loss")]
    longest = int(rows.groupby(["task", "split", "seed"], dropna=False).size().max())
    return Chart.of(
        f"Group {group_letter(group)}: loss",
        partial(_draw_curves, result, group, tasks, kept),
        describe_training_curves(result.history, group=group, tasks=tasks),
        checkpoint_table(result, group),
        caption=f"Thinned to {MOST_POINTS:,} points a line." if longest > MOST_POINTS else "",
        key=f"curve {group_letter(group)}",
    )


def _draw_curves(
    result: TrainingResult, group: int, tasks: list[str], kept: int | None, dark: bool
) -> Any:
    return training_curves(result.history, group=group, tasks=tasks, kept=kept, dark=dark)


def _score_statement(grouping: Grouping, *, trained: bool) -> str:
    unit = "" if grouping.cost_unit == "networks" else f" {grouping.cost_unit}"
    budget = f"Budget {grouping.budget:.10g}{unit}, cost {grouping.cost:.10g}{unit}."
    if grouping.score is None:
        score = "The method gives no score."
    else:
        score = f"Score {three_digits(grouping.score)} ({grouping.objective or 'no unit given'})."
        if grouping.gap is not None:
            proven = grouping.gap <= 1e-9
            score += " Proven optimal." if proven else f" Within {grouping.gap:.2%} of the bound."
        elif grouping.bound is not None:
            score += f" No plan can pass {three_digits(grouping.bound)}."
    serving = (
        "Serving groups were chosen on validation data."
        if trained
        else "Serving groups are planned, not measured."
    )
    return f"{budget} {score} {serving}"


def _source(method: str) -> str:
    from taskviz.affinity import ESTIMATORS, estimator_class

    return estimator_class(method).source if method in ESTIMATORS else "not of taskviz"


def _frame_table(frame: Any) -> Table:
    return Table.of([str(name) for name in frame.columns], frame.to_numpy(dtype=object).tolist())
