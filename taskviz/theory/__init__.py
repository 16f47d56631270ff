"""What is known in closed form about two tasks learned together, and its simulation.

:mod:`.linear_regression` has the risks of pooling two linear regressions, :mod:`.transfer_range`
where pooling helps, :mod:`.capacity` two linear tasks through one narrow layer, and
:mod:`.simulation` draws the data and fits them.
"""

from taskviz.theory import linear_regression

__all__ = ["linear_regression"]
