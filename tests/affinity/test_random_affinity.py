"""The random baseline."""

import numpy as np

from taskviz.affinity import make_estimator
from taskviz.engines import RunContext
from taskviz.values import TaskCollection


def test_seeded_uniform_and_independent_of_the_data(toy: TaskCollection) -> None:
    def draw(seed: int) -> np.ndarray:
        return make_estimator("random").fit(toy, RunContext(seed)).affinity_.values

    assert np.array_equal(draw(3), draw(3))
    assert not np.array_equal(draw(3), draw(4))
    many = np.stack([draw(seed) for seed in range(200)])
    assert many.min() >= 0
    assert many.max() <= 1
    assert abs(many.mean() - 0.5) < 0.02
    assert abs(many.std() - 12**-0.5) < 0.02
