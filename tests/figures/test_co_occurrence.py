"""The picture of stability shows the shares it was given, in the order of the plan."""

import numpy as np

from taskviz.figures.co_occurrence import co_occurrence, describe_co_occurrence
from taskviz.grouping.stability import Stability
from taskviz.values import Grouping


def example():
    """b and d are firm, a and c are not; the matrix is in another order than the plan."""
    together = np.eye(4)
    together[1, 3] = together[3, 1] = 0.9
    together[0, 2] = together[2, 0] = 0.4
    plan = Grouping.of([["b", "d"], ["<i>a</i>", "c"]])
    return Stability(plan, 0.4, ("<i>a</i>", "b", "c", "d"), together, (), 50)


def test_cells_follow_the_groups_of_the_plan():
    figure = co_occurrence(example())
    heat = figure.data[0]
    assert [cell[1] for cell in heat.customdata[0]] == ["b", "d", "<i>a</i>", "c"]
    assert heat.z[0][1] == 0.9
    assert heat.z[2][3] == 0.4
    assert heat.z[0][2] == 0
    assert (heat.zmin, heat.zmax) == (0, 1)
    frames = [(shape.x0, shape.x1) for shape in figure.layout.shapes]
    assert frames == [(-0.5, 1.5), (1.5, 3.5)]
    assert "<i>" not in str(figure.layout.xaxis.ticktext)
    assert "40%" in heat.text[2][3]


def test_it_is_told_in_words():
    words = describe_co_occurrence(example())
    assert "50 draws" in words
    assert "group A in 90%" in words
    assert "group B in 40%" in words
