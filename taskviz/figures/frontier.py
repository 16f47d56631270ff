"""What each budget buys: score against cost."""

from collections.abc import Sequence

import plotly.graph_objects as go

from taskviz.figures.style import base_layout, group_letter, note, theme_of, three_digits
from taskviz.figures.text import listed, plain
from taskviz.values import Grouping

UNITS = {"macs": "multiply-accumulates"}
"""Names of units that are written otherwise."""


def budget_frontier(
    groupings: Sequence[Grouping],
    *,
    current_budget: float | None = None,
    current: Grouping | None = None,
    dark: bool = False,
) -> go.Figure:
    """Score of the best plan found for each budget, the current plan as a dot.

    Points carry their budget as ``customdata``. Where a solver proved a bound, it is drawn too:
    no plan can lie beyond it.

    Args:
        groupings: one a budget, in any order; those without a score are left out.
        current_budget: the plan in use is the one made for this budget.
        current: the plan in use, where it is none of ``groupings`` (edited by hand).
        dark: theme.
    """
    theme = theme_of(dark)
    scored = sorted((g for g in groupings if g.score is not None), key=lambda g: g.budget)
    traces: list[go.Scatter] = []
    if scored:
        bounds = [g for g in scored if g.bound is not None]
        if bounds:
            traces.append(
                go.Scatter(
                    x=[g.budget for g in bounds],
                    y=[g.bound for g in bounds],
                    mode="lines",
                    line={"color": theme.muted, "width": 1.5, "dash": "dash"},
                    name="proven bound",
                    hovertext=[f"no plan can pass {three_digits(g.bound)}" for g in bounds],
                    hoverinfo="text",
                )
            )
        look = {"marker": {"opacity": 1.0}}
        traces.append(
            go.Scatter(
                x=[g.budget for g in scored],
                y=[g.score for g in scored],
                mode="lines+markers",
                line={"color": theme.accent, "width": 2},
                marker={"size": 9, "color": theme.accent},
                selected=look,
                unselected=look,
                customdata=[g.budget for g in scored],
                hovertext=[_hover(g) for g in scored],
                hoverinfo="text",
                name="best plan found",
                cliponaxis=False,
            )
        )
    plan = current or next((g for g in scored if g.budget == current_budget), None)
    if plan is not None and plan.score is not None:
        look = {"marker": {"opacity": 1.0}}
        traces.append(
            go.Scatter(
                x=[plan.budget],
                y=[plan.score],
                mode="markers",
                marker={
                    "size": 17,
                    "color": theme.text,
                    "symbol": "circle",
                    "line": {"width": 3, "color": theme.background},
                },
                selected=look,
                unselected=look,
                customdata=[plan.budget],
                hovertext=[_hover(plan)],
                hoverinfo="text",
                name="current plan",
                cliponaxis=False,
            )
        )
    objective = next((g.objective for g in scored if g.objective), "score")
    title, _, rest = objective.partition(":")
    better = next((s for s in ("higher", "lower") if f"{s} is better" in rest), "")
    unit = next((g.cost_unit for g in groupings if g.cost_unit != "networks"), "models")
    # At once: each later change of a figure costs about as much as all of it.
    figure = go.Figure(
        traces,
        base_layout(
            dark,
            height=280,
            showlegend=bool(scored),
            uirevision="frontier",
            xaxis={
                "title": {"text": f"budget ({UNITS.get(unit, unit)})"},
                "dtick": _step(scored),
                "showgrid": False,
                **_range(scored if plan is None else [*scored, plan]),
            },
            yaxis={
                "title": {"text": plain(title) + (f" ({better} is better)" if better else "")},
                "nticks": 5,
            },
        ),
    )
    if not scored:
        figure.add_annotation(note("no plan has a score: its method gives none", dark))
    return figure


def describe_budget_frontier(
    groupings: Sequence[Grouping], *, current_budget: float | None = None
) -> str:
    """One sentence for those who do not see the chart."""
    scored = sorted((g for g in groupings if g.score is not None), key=lambda g: g.budget)
    if not scored:
        return "Score against budget: no plan has a score."
    first, last = scored[0], scored[-1]
    text = (
        f"Score against budget: {three_digits(first.score)} at {three_digits(first.budget)}, "
        f"{three_digits(last.score)} at {three_digits(last.budget)}"
    )
    plan = next((g for g in scored if g.budget == current_budget), None)
    if plan is not None:
        text += f"; the current plan has {three_digits(plan.score)} at {three_digits(plan.budget)}"
    return f"{text}."


def _hover(grouping: Grouping) -> str:
    lines = [f"<b>budget {three_digits(grouping.budget)}: {three_digits(grouping.score)}</b>"]
    for i, group in enumerate(grouping.groups[:8]):
        lines.append(f"{group_letter(i)}: {plain(listed(group, 5))}")
    if len(grouping.groups) > 8:
        lines.append(f"{len(grouping.groups) - 8} more groups")
    if grouping.gap is not None:
        lines.append("proven optimal" if grouping.gap <= 1e-9 else f"gap {grouping.gap:.2%}")
    return "<br>".join(lines)


def _range(shown: Sequence[Grouping]) -> dict[str, object]:
    """No budget is shown at which there is no plan, above all not that of no model at all."""
    budgets = [plan.budget for plan in shown]
    if len(set(budgets)) < 2:
        return {}
    first, last = min(budgets), max(budgets)
    room = 0.04 * (last - first)
    return {"range": [max(first - room, first / 3), last + room]}


def _step(scored: Sequence[Grouping]) -> float | None:
    if (
        len(scored) < 2
        or scored[0].cost_unit != "networks"
        or scored[-1].budget - scored[0].budget > 20
    ):
        return None
    return 1.0
