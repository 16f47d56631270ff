"""Reports that were opened: kept under their hash, and what of them can be worked on."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from taskviz.access import actor
from taskviz.cache import Cache
from taskviz.data.uploads import clean_file_name
from taskviz.values.storage import dumps, write_text
from taskviz.verbs.imports import import_scores
from taskviz.verbs.reporting import check_shown

if TYPE_CHECKING:
    from taskviz.report import ReportValues

KIND = "report"


def store_report(data: bytes, name: str, cache: Cache) -> str:
    """Check a report that was uploaded and keep its values; their key for the URL.

    Raises:
        TaskvizError: it is no report; nothing is stored then.
    """
    from taskviz.report.embed import values_json
    from taskviz.report.read import read_report_bytes

    actor().must_edit("open reports")
    label = clean_file_name(name)
    values = read_report_bytes(data, label)
    check_shown(values, label)
    # What was understood is kept, not the file: nothing else of it can come back.
    text = dumps(values_json(values.contents, values.design))
    key = hashlib.sha256(text.encode()).hexdigest()
    if cache.find(KIND, key) is None:
        cache.put(
            KIND, key, lambda folder: write_text(folder / "report.json", text), {"name": label}
        )
    return key


def opened_report(key: str | None, cache: Cache) -> "ReportValues | None":
    """The values of a report that was opened; None where there are none under this key."""
    from taskviz.report import read_report

    folder = cache.find(KIND, key) if key and key.isalnum() else None
    return None if folder is None else read_report(folder / "report.json")


def import_matrices(values: "ReportValues", cache: Cache) -> list[str]:
    """Put the matrices of a report where the Groups page finds them; their keys.

    Raises:
        TaskvizError: a matrix that cannot be grouped by.
    """
    keys = []
    for matrix in values.affinities:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "matrix.json"
            matrix.save(path)
            name = f"{matrix.collection or 'report'}-{matrix.method}.json"
            keys.append(import_scores(path.read_bytes(), name, cache))
    return keys
