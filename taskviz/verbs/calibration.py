"""Predicted against measured, kept for every run and estimator of a collection."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from taskviz.cache import Cache, key_of
from taskviz.values import TaskCollection, TrainingResult
from taskviz.values.storage import dumps, nullable, read_json, write_text
from taskviz.verbs.affinity import stored_estimators

if TYPE_CHECKING:
    import pandas as pd

KIND = "calibration"
VERSION = 1


def record_calibration(
    collection: TaskCollection, results: Mapping[str, TrainingResult], cache: Cache | None = None
) -> int:
    """Keep what each stored estimator of the collection says of the groups of a run.

    Call it when a run ends: an estimator that is computed later is added later, marked as such.

    Args:
        results: contender → result, trained under the same seeds and options.

    Returns:
        How many estimators were added; those that were there already stay as they are.
    """
    from taskviz.evidence.calibration import calibration_rows

    cache = cache or Cache()
    run = run_key(results)
    known = {
        str(entry.parts.get("matrix")) for entry in cache.entries(KIND) if entry.parts["run"] == run
    }
    added = 0
    for key, estimator in stored_estimators(collection, cache):
        if key in known:
            continue
        rows = calibration_rows(estimator, results)
        if rows.empty:
            continue
        parts = {
            "what": KIND,
            "version": VERSION,
            "collection": collection.fingerprint,
            "run": run,
            "matrix": key,
        }
        data = {
            "rows": {str(name): nullable(rows[name].to_numpy()) for name in rows.columns},
            "later": bool(known),
            "recorded": time.time(),
        }
        text = dumps(data)
        cache.put(
            KIND,
            key_of(**parts),
            lambda folder, text=text: write_text(folder / "rows.json", text),  # type: ignore[misc]
            parts,
        )
        added += 1
    return added


def read_calibration(collection: TaskCollection, cache: Cache | None = None) -> "pd.DataFrame":
    """All that was kept for a collection, over all its runs.

    Returns:
        Columns as :func:`taskviz.evidence.calibration.calibration_rows` gives them, with ``run``,
        ``matrix`` (keys) and ``later``: the estimator was computed after the run had ended.
    """
    import pandas as pd

    from taskviz.evidence.calibration import MEASURED_COLUMNS, PREDICTED_COLUMNS

    parts = []
    for entry in (cache or Cache()).entries(KIND):
        if entry.parts.get("collection") != collection.fingerprint:
            continue
        data = read_json(entry.folder / "rows.json", "calibration")
        frame = pd.DataFrame(data["rows"]).assign(
            run=entry.parts["run"], matrix=entry.parts["matrix"], later=bool(data["later"])
        )
        parts.append(frame)
    columns = [*MEASURED_COLUMNS, *PREDICTED_COLUMNS, "run", "matrix", "later"]
    if not parts:
        return pd.DataFrame(columns=columns)
    whole = pd.concat(parts, ignore_index=True)
    numbers = ["loss", "alone", "gain", "gain_error", "score", "predicted_gain"]
    return whole.astype(dict.fromkeys(numbers, float))[columns]


def run_key(results: Mapping[str, TrainingResult]) -> str:
    """Names a run by what was trained and how; the order of contenders does not matter."""
    trained = sorted(
        key_of(
            groups=[sorted(group) for group in result.grouping.groups],
            fingerprint=result.fingerprint,
            weighting=result.settings.get("weighting"),
            options=result.settings.get("options"),
            seeds=sorted({int(seed) for seed in result.metrics["seed"]}),
        )
        for result in results.values()
    )
    return key_of(run=trained)
