"""What pages need beyond the first one, imported before anybody asks.

Torch and the figures take seconds to import. The first visitor of a page would wait for them; on a
server that has just started they come in while the browser still loads the page.
"""

import importlib
import logging
import pkgutil
import time

import numpy as np

log = logging.getLogger("taskviz.app")

FIRST = ("taskviz.ui.frame", "taskviz.ui.own_data", "taskviz.ui.own_files")
"""Of the first page."""
LATER = ("scipy.cluster.hierarchy", "networkx", "sklearn.cluster")
"""That a function of a page imports when it is called."""


def warm() -> float:
    """Import all that pages import; seconds it took. What fails here is told by the page itself."""
    import taskviz.ui

    start = time.perf_counter()
    rooms = [found.name for found in pkgutil.walk_packages(taskviz.ui.__path__, "taskviz.ui.")]
    for name in (*FIRST, *rooms, *LATER):
        try:
            importlib.import_module(name)
        except ImportError as error:
            log.warning("%s cannot be imported: %s", name, error)
    _draw()
    return time.perf_counter() - start


def _draw() -> None:
    """The first figure of a process takes half a second longer than the next."""
    from taskviz.figures.heatmap import affinity_heatmap
    from taskviz.figures.task_graph import task_graph
    from taskviz.values import AffinityMatrix

    matrix = AffinityMatrix(np.eye(3), ("a", "b", "c"), "given")
    affinity_heatmap(matrix).to_json()
    task_graph(matrix, threshold=0.0).to_json()
