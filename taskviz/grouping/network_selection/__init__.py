"""Network selection under a budget (HOA, TAG): which networks to keep, and which serves each task.

``scores`` says what a task loses in a group, ``constraints`` which groups are allowed,
``candidates`` lists them where they can be listed. ``dynamic`` and ``milp`` solve exactly;
``lagrangian`` bounds and thins the list before; ``exchange`` is a quick start. Where the groups are
too many, ``search`` looks for good ones (``blocks`` and ``explore`` in a matrix, ``local`` with any
scores) and ``bound`` says how far from the optimum they can be at most. ``feasible`` says why
nothing can be selected. ``listed`` and ``solve`` pick among them.
"""

from taskviz.grouping.network_selection.constraints import Constraints
from taskviz.grouping.network_selection.scores import (
    GroupScores,
    MatrixScores,
    PredictedScores,
    TableScores,
    scores_of,
)
from taskviz.grouping.network_selection.selected import Selected, Solver
from taskviz.grouping.network_selection.solve import select_networks

__all__ = [
    "Constraints",
    "GroupScores",
    "MatrixScores",
    "PredictedScores",
    "Selected",
    "Solver",
    "TableScores",
    "scores_of",
    "select_networks",
]
