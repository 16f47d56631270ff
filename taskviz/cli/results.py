"""What a training gave, on a terminal: tasks against contenders, gains, and what they cost."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from taskviz.cli.terminal import duration, put_line, put_table
from taskviz.figures.numbers import signed, three_digits
from taskviz.values import TrainingResult

if TYPE_CHECKING:
    import pandas as pd


def put_results(
    results: dict[str, TrainingResult], affinity_seconds: Mapping[str, float] | None = None
) -> None:
    """Tasks against contenders on the test split, what that says, and what it cost."""
    from taskviz.training.compare import comparison_table, summary_sentences
    from taskviz.training.comparison import quality_table

    table = comparison_table(results)
    labels = list(results)
    several = len(next(iter(results.values())).seeds) > 1
    spread = " (mean over the seeds ± its standard error)" if several else ""
    about = [list(table["task"]), [group + 1 for group in table["group"]], list(table["metric"])]
    scores = [_with_error(table, label) for label in labels]
    put_table(
        f"On the test split{spread}",
        ["task", "group", "metric", *labels],
        list(zip(*about, *scores, strict=True)),
    )
    against = [label for label in labels if f"gain: {label}" in table]
    if against:
        gains = [_with_error(table, f"gain: {label}", percent=True) for label in against]
        put_table(
            f"Test loss saved against training the task alone, %{spread}",
            ["task", *against],
            list(zip(about[0], *gains, strict=True)),
        )
    if len(results) > 1:
        quality = quality_table(results, affinity_seconds=affinity_seconds)
        header = ["contender", "models", "weighting", "loss"]
        header += ["saved, %", "95 % interval"] if against else []
        put_table(
            "Mean over the tasks, and the time spent",
            [*header, "affinity", "grouping", "training", "in all"],
            [_contender(row, against) for row in quality.itertuples(index=False)],
        )
    for sentence in summary_sentences(results):
        put_line(sentence)
    if len(results) > 1 and against:
        put_line(
            "The sentences compare mean losses, in which tasks of a large loss count more; "
            '"saved" is the mean of what each task saves. The two may differ, in sign too.'
        )
    seconds = sum(result.seconds for result in results.values())
    put_line(f"{duration(seconds)} of training.")
    # How the first came about too: its method may have made fewer groups than were asked for.
    of_groups = next(iter(results.values())).grouping.notes
    of_training = (note for result in results.values() for note in result.notes)
    for note in dict.fromkeys((*of_groups, *of_training)):
        put_line(f"Note: {note}")


def _with_error(table: "pd.DataFrame", column: str, percent: bool = False) -> list[str]:
    factor = 100.0 if percent else 1.0
    errors = table.get(f"± {column}", [math.nan] * len(table))
    write = signed if percent else three_digits
    return [
        write(factor * value, factor * error)
        for value, error in zip(table[column], errors, strict=True)
    ]


def _contender(row: Any, against: Sequence[str]) -> list[Any]:
    found = [row.contender, row.models, row.weighting, three_digits(row.loss, row.error)]
    if against:
        own = row.contender in against
        known = own and not math.isnan(row.gain_low)
        found.append(signed(row.gain, row.gain_error) if own else "–")
        found.append(f"{signed(row.gain_low)} to {signed(row.gain_high)}" if known else "–")
    spent = (row.affinity_seconds, row.grouping_seconds, row.training_seconds, row.seconds)
    return [*found, *(duration(seconds) if seconds >= 0.001 else "–" for seconds in spent)]
