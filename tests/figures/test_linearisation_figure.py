"""The lines are the residuals of the table."""

import numpy as np
import pandas as pd

from taskviz.figures.linearisation import describe_linearisation, linearisation_lines


def table(scale: float) -> pd.DataFrame:
    distance = np.array([0.01, 0.05, 0.1])
    return pd.DataFrame(
        {
            "distance": distance,
            "rss": scale * distance**4,
            "standard_error": [1e-9, np.nan, 1e-6],
            "subsets": 3,
        }
    )


def test_lines_are_the_tables() -> None:
    figure = linearisation_lines({"mlp": table(1.0), "<b>cnn</b>": table(2.0)})
    assert len(figure.data) == 2
    np.testing.assert_allclose(figure.data[1].y, 2.0 * np.array([0.01, 0.05, 0.1]) ** 4)
    np.testing.assert_allclose(figure.data[0].x, [1, 5, 10])
    assert figure.layout.yaxis.type == "log"
    assert "<b>cnn" not in figure.data[1].name
    assert figure.data[0].line.color != figure.data[1].line.color
    assert "mlp: 1.00·10⁻⁸ at 1%" in describe_linearisation({"mlp": table(1.0)})


def test_nothing_measured_is_said() -> None:
    empty = table(np.nan)
    assert "no residual" in linearisation_lines({"mlp": empty}).layout.annotations[0].text
    assert "nothing measured" in describe_linearisation({"mlp": empty})
