"""What each section of the report shows, as plain data for the template."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

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
from taskviz.figures.style import duration_words, group_letter, three_digits
from taskviz.figures.task_graph import (
    default_threshold,
    describe_task_graph,
    edge_table,
    graph_layout,
    task_graph,
)
from taskviz.report.charts import Chart
from taskviz.report.summary import error_statement, method_title
from taskviz.report.tables import (
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
from taskviz.values import AffinityMatrix, Grouping, TrainingResult

Part = dict[str, Any]
Number = Callable[[Chart], Part]


def affinity_part(matrix: AffinityMatrix, number: Number) -> Part:
    """Heatmap, graph, notes and settings of a matrix."""
    threshold = default_threshold(matrix)
    layout, title = graph_layout(matrix), method_title(matrix.method)
    heatmap = Chart.of(
        f"Affinity by {title}",
        lambda dark: affinity_heatmap(matrix, order="cluster", dark=dark),
        describe_affinity_heatmap(matrix),
        matrix_table(matrix),
        caption=(
            "Rows are sources, columns are targets, ordered by clustering. "
            f"Values: {matrix.unit or 'in the unit of the method'}."
        ),
        square=True,
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
        "charts": [number(heatmap), number(graph)],
        "settings": settings_table(facts),
    }


def grouping_part(
    grouping: Grouping,
    matrix: AffinityMatrix | None,
    frontier: Sequence[Grouping],
    result: TrainingResult | None,
    number: Number,
) -> Part:
    """Groups, score, graph and settings of a plan.

    Args:
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
        "charts": [number(chart) for chart in charts],
        "settings": settings_table(facts),
    }


def results_part(results: Mapping[str, TrainingResult], number: Number) -> Part:
    """Sentences, table, charts and curves of the trained contenders; the first was chosen."""
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
    )
    bars = Chart.of(
        "Gain over training each task alone",
        lambda dark: gains_bars(table, dark=dark, random=drawn),
        describe_gains(table),
        gains_table(table, drawn, gains),
        caption="Below zero: negative transfer.",
    )
    curves = [
        number(_curve(chosen, group, list(tasks)))
        for group, tasks in enumerate(chosen.grouping.groups)
        if (chosen.history["group"] == group).any()
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
        "charts": [number(dots), number(bars)],
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
