"""What pages need beyond the first one, imported before anybody asks.

Torch and the figures take seconds to import. The first visitor of a page would wait for them; on a
server that has just started they come in once the first page, which needs neither, is there.
"""

import importlib
import logging
import pkgutil
import threading
import time
from collections.abc import Iterable

import numpy as np

from taskviz.affinity import ESTIMATORS

log = logging.getLogger("taskviz.app")

FIRST = (
    "taskviz.ui.frame",
    "taskviz.ui.own_data",
    "taskviz.ui.own_files",
    "taskviz.ui.preview_tab",
    "taskviz.ui.task_table",
)
"""Of the first page."""
NEXT = (
    "taskviz.ui.matrix_view",
    *(home.partition(":")[0] for home in ESTIMATORS.values()),
    "networkx",
    "scipy.cluster.hierarchy",
    "torch._dynamo",
    "taskviz.ui.estimators_tab",
    "sklearn.cluster",
)
"""Of the page after it, with what its functions import when they are called; the first optimizer of
torch imports ``torch._dynamo``."""
PATIENCE = 3.0
"""Seconds to wait for the first page: one that is drawn meanwhile would share its processor."""

_shown = threading.Event()


def shown() -> None:
    """Told by the app at the end of each run: a page stands."""
    _shown.set()


def warm() -> float:
    """Import all that pages import; seconds it took. What fails here is told by the page itself."""
    import taskviz.ui

    start = time.perf_counter()
    _import(FIRST)
    _shown.wait(PATIENCE)
    _import(NEXT)
    _try_once()
    _import(found.name for found in pkgutil.walk_packages(taskviz.ui.__path__, "taskviz.ui."))
    return time.perf_counter() - start


def _import(names: Iterable[str]) -> None:
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            log.warning("%s cannot be imported: %s", name, error)


def _try_once() -> None:
    """The first figure of a process takes half a second longer than the next, the first optimizer
    of torch as much."""
    import torch

    from taskviz.figures.heatmap import affinity_heatmap
    from taskviz.figures.task_graph import task_graph
    from taskviz.values import AffinityMatrix

    matrix = AffinityMatrix(np.eye(3), ("a", "b", "c"), "given")
    affinity_heatmap(matrix).to_json()
    task_graph(matrix, threshold=0.0).to_json()
    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])
