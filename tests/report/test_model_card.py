"""The model card says what was measured and lets no text of a user become markup."""

from dataclasses import replace

import pandas as pd
import pytest

from taskviz.figures.numbers import three_digits
from taskviz.report.model_card import model_card
from taskviz.training.groups import train_grouping
from taskviz.training.intervals import interval
from taskviz.training.options import TrainingOptions
from taskviz.values import Grouping, Origin, Task, TaskCollection

NASTY = "<img src=x>|**a**`](javascript:1)"


@pytest.fixture(scope="module")
def nasty(request):
    """A trained toy whose first task, collection and licence are markup."""
    toy: TaskCollection = request.getfixturevalue("toy")
    tasks = (Task(NASTY, "regression"), *toy.tasks[1:])
    origin = Origin("toy.csv", NASTY, NASTY, targets=tuple(task.name for task in tasks))
    collection = replace(toy, name=NASTY, tasks=tasks, origin=origin)
    grouping = Grouping.of([[NASTY, "t3"], ["t1", "t2"]])
    return collection, train_grouping(collection, grouping, TrainingOptions(epochs=2, width=4))


def outside_code(card: str) -> str:
    """The card without its code."""
    head, _, rest = card.partition("```")
    return head + rest.rpartition("```")[2]


def test_text_of_users_is_escaped(nasty):
    collection, result = nasty
    card = model_card(result, collection=collection)
    assert NASTY in card, "the command must hold the names as they are"
    plain = outside_code(card)
    assert "<img" not in plain.replace("\\<", "")
    assert "**a**" not in plain
    tables = [line for line in plain.splitlines() if line.startswith("| ")]
    widths = {line.replace("\\|", "").count("|") for line in tables}
    assert widths == {4, 3 + 2, 3}, "a bar in a name must not make a column"


def test_it_says_what_was_measured(nasty):
    collection, result = nasty
    card = model_card(result, collection=collection)
    for heading in ("Intended use", "Data", "Tasks", "Groups", "Metrics", "Settings", "Limits"):
        assert f"\n## {heading}\n" in card
    assert "one seed, so there is no interval" in card
    assert "What was trained beside it is not known here" in card
    assert "Nothing was trained beside it" in model_card(result, results={"own": result})
    served = result.served("test")
    assert sum(line.startswith("| t1 | ") for line in card.splitlines()) == 1 + len(
        served[served["task"] == "t1"]
    )
    assert "python -m taskviz" in card
    assert "To repeat it" not in model_card(result)


def test_several_seeds_give_intervals(nasty):
    _, result = nasty
    again = result.metrics.assign(seed=1, value=result.metrics["value"] * 1.1)
    both = replace(result, metrics=pd.concat([result.metrics, again], ignore_index=True))
    card = model_card(both)
    assert "mean over 2 seeds" in card
    assert "95 % interval" in card
    served = both.served("test")
    own = served[(served["task"] == "t1") & (served["metric"] == "loss")]["value"].to_numpy()
    low, high = interval(own)
    assert f"| t1 | loss | {three_digits(own.mean())} | " in card
    assert f"{three_digits(low)} … {three_digits(high)} |" in card
