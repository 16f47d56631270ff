"""What a matrix says, in a sentence or two."""

import numpy as np

from taskviz.affinity.reliability import reliability
from taskviz.evidence.studied import GUESS_GAIN
from taskviz.figures.style import duration_words, three_digits
from taskviz.ui.text import plural, safe
from taskviz.values import AffinityMatrix
from taskviz.values.decimals import signed


def headline(matrix: AffinityMatrix) -> str:
    """The strongest pair, the least helpful task, and how far to trust both."""
    values = matrix.symmetric()
    np.fill_diagonal(values, np.nan)
    if np.isnan(values).all():
        return "No entry of this matrix rests on data."
    i, j = np.unravel_index(np.nanargmax(values), values.shape)
    given = matrix.values.copy()
    np.fill_diagonal(given, np.nan)
    counts = (~np.isnan(given)).sum(axis=1)
    means = np.where(counts > 0, np.nansum(given, axis=1) / np.maximum(counts, 1), np.inf)
    least = int(means.argmin())
    verb = "hurts the others most" if means[least] < 0 else "helps the others least"
    first, second, last = (safe(matrix.tasks[k]) for k in (int(i), int(j), least))
    missing = int(matrix.missing[~np.eye(len(matrix.tasks), dtype=bool)].sum())
    gaps = (
        f" {plural(missing, 'entry').replace('entrys', 'entries')} rest on no data."
        if missing
        else ""
    )
    return (
        f"**{first}** and **{second}** help each other most; **{last}** {verb}.{gaps}  \n"
        f"{trust_words(matrix)}"
    )


def trust_words(matrix: AffinityMatrix) -> str:
    """How far to trust a matrix: a badge, the sentence behind it, the price of a better one."""
    trust = reliability(matrix)
    # The badge says the grade.
    words = f"{trust_badge(matrix)} :gray[{safe(trust.reason[0].upper() + trust.reason[1:])}]"
    if trust.next_grade is None or trust.price is None:
        return words
    (grade, needed), (networks, seconds) = trust.next_grade, trust.price
    price = f"{plural(networks, 'network')}, {duration_words(seconds)} more" if networks else ""
    return (
        f"{words} :gray[About {needed:,} repeats would make it {grade} "
        f"({price or duration_words(seconds) + ' more'}).]"
    )


def guess_words() -> str:
    """What a first guess is worth, by our own study."""
    told = GUESS_GAIN
    low, mean, high = (f"{signed(100 * v, 1)} %" for v in (told.low, told.mean, told.high))
    return (
        "A first guess: it trained nothing. In our study groups chosen so gained "
        f"{mean} over random ones on average ({low} to {high} in a further setting; "
        f"{told.settings} settings), so they may be no better than random here. Measure accurately "
        "to know."
    )


def trust_badge(matrix: AffinityMatrix) -> str:
    """The grade of a matrix as a badge; the same colours on every page."""
    grade = reliability(matrix).grade
    colour = {"stable": "green", "shaky": "orange", "noise": "red"}.get(grade, "gray")
    return f":{colour}-badge[{grade}]"


def entry_words(matrix: AffinityMatrix, source: str, target: str) -> str:
    """One entry with its error, or that it rests on nothing."""
    i, j = matrix.tasks.index(source), matrix.tasks.index(target)
    value = float(matrix.values[i, j])
    error = None if matrix.standard_error is None else float(matrix.standard_error[i, j])
    return "no data" if np.isnan(value) else three_digits(value, error)


def how_obtained(matrix: AffinityMatrix, source: str, target: str) -> str:
    """Where the two entries of a pair come from."""
    i, j = matrix.tasks.index(source), matrix.tasks.index(target)
    parts = [f"Method {safe(matrix.method)}, seed {matrix.seed}."]
    if matrix.unit:
        parts.append(f"{safe(matrix.unit).rstrip('.')}.")
    if matrix.support is not None:
        parts.append(
            f"Rests on {int(matrix.support[i, j]):,} and {int(matrix.support[j, i]):,} units."
        )
    if matrix.standard_error is None:
        parts.append("No standard error was measured.")
    return " ".join(parts)
