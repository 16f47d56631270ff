"""What the board says in words: how many models, which sizes, how good."""

from taskviz.figures.style import signed, three_digits
from taskviz.grouping.what_if import broken_rules
from taskviz.ui.text import listed, plural, safe
from taskviz.ui.units import cost_words
from taskviz.values import Grouping


def sentence(plan: Grouping, proposal: Grouping) -> str:
    """The answer of this page: how many models, which sizes, how good."""
    words = f"**{plural(len(plan.groups), 'model')}** for {plural(len(plan.tasks), 'task')}"
    sizes = [str(size) for size in sorted((len(group) for group in plan.groups), reverse=True)]
    if len(sizes) == 1:
        words += ", all together."
    elif len(sizes) == len(plan.tasks) and not plan.overlapping:
        words += ", each alone."
    elif len(sizes) > 8:
        words += f" in groups of {sizes[-1]} to {sizes[0]}."
    else:
        words += f": {', '.join(sizes[:-1])} and {sizes[-1]} together."
    if plan.overlapping:
        words += " Some are in two groups."
    if plan.cost_unit != "networks":
        cost, budget = (cost_words(each, plan.cost_unit) for each in (plan.cost, plan.budget))
        words += f" They cost {cost} of {budget}."
    return f"{words}  \n{_worth(plan, proposal)}"


def _worth(plan: Grouping, proposal: Grouping) -> str:
    parts = []
    if plan.score is not None:
        text = f"Predicted score **{three_digits(plan.score)}**"
        if plan is not proposal and proposal.score is not None:
            change = plan.score - proposal.score
            if abs(change) > 1e-12 * max(1.0, abs(plan.score)):
                better = (change > 0) != ("lower is better" in plan.objective)
                colour = "blue" if better else "orange"
                text += f", :{colour}[**{signed(change)}**] against the proposal"
        parts.append(text + _gap(plan) + ".")
    elif proposal.score is not None:
        alone = [group[0] for group in plan.groups if len(group) == 1]
        if alone:
            parts.append(
                f"No total: nothing is predicted for {listed(alone, 3)}, which "
                f"{'trains' if len(alone) == 1 else 'train'} alone."
            )
        else:
            parts.append("No total: the scores do not know all of these groups.")
    if plan.cost > plan.budget + 1e-9:
        parts.append(
            f":orange[It costs {cost_words(plan.cost, plan.cost_unit)}: above the budget.]"
        )
    if plan is not proposal:
        broken = broken_rules(proposal, plan.groups)
        if broken:
            parts.append(f":orange[It breaks {safe(', '.join(broken))}.]")
    return " ".join(parts)


def _gap(plan: Grouping) -> str:
    if plan.gap is None:
        return "" if plan.bound is None else f"; no plan can pass {three_digits(plan.bound)}"
    if plan.gap <= 1e-9:
        return ", proven best"
    return f"; at most {100 * plan.gap:.2g} % from the best"
