"""Draws of a stability study, kept as they are made."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from taskviz.cache import Cache
from taskviz.grouping.base import Affinity
from taskviz.grouping.draw_batches import DrawBatches
from taskviz.values import AffinityMatrix, Grouping, SubsetTable
from taskviz.values.storage import dumps, read_json, write_text

KIND = "stability-draws"
APART = ("draws", "groups")
"""Parts of a study that its draws do not depend on: more draws, or another plan, find them."""


class StoredBatches(DrawBatches):
    """Keeps each finished batch in the cache.

    Args:
        cache: where.
        parts: of the key of the study.
        affinities: keep redrawn matrices too, for those that take long to draw.
    """

    def __init__(self, cache: Cache, parts: Mapping[str, Any], *, affinities: bool) -> None:
        self._cache, self._affinities = cache, affinities
        self._parts = {name: part for name, part in parts.items() if name not in APART}

    def groupings(
        self, number: int, size: int, draw: Callable[[], list[Grouping | None]]
    ) -> list[Grouping | None]:
        """See :meth:`DrawBatches.groupings`."""
        return self._cache.fetch(
            KIND,
            {**self._parts, "what": "groupings", "batch": number, "size": size},
            compute=draw,
            write=_write_groupings,
            read=_read_groupings,
        )

    def affinities(
        self, number: int, size: int, draw: Callable[[], list[Affinity]]
    ) -> list[Affinity]:
        """See :meth:`DrawBatches.affinities`."""
        if not self._affinities:
            return draw()
        return self._cache.fetch(
            KIND,
            {**self._parts, "what": "affinities", "batch": number, "size": size},
            compute=draw,
            write=_write_matrices,
            read=_read_matrices,
        )


def _write_groupings(found: list[Grouping | None], folder: Path) -> object:
    plain = {"groupings": [None if each is None else each.to_json() for each in found]}
    return write_text(folder / "groupings.json", dumps(plain))


def _read_groupings(folder: Path) -> list[Grouping | None]:
    plain = read_json(folder / "groupings.json", "batch of draws")["groupings"]
    return [None if each is None else Grouping.from_json(each) for each in plain]


def _write_matrices(found: list[Affinity], folder: Path) -> None:
    from safetensors.numpy import save_file

    matrices = [each for each in found if not isinstance(each, SubsetTable)]
    first = matrices[0]
    save_file(
        {"values": np.ascontiguousarray(np.stack([each.values for each in matrices]))},
        folder / "values.safetensors",
    )
    write_text(folder / "about.json", dumps({"tasks": list(first.tasks), "method": first.method}))


def _read_matrices(folder: Path) -> list[Affinity]:
    from safetensors.numpy import load_file

    about = read_json(folder / "about.json", "batch of draws")
    tasks = tuple(about["tasks"])
    return [
        # What is missing is missing for want of data: nothing else is let into a matrix.
        AffinityMatrix(values, tasks, about["method"], support=np.isfinite(values).astype(np.int64))
        for values in load_file(folder / "values.safetensors")["values"]
    ]
