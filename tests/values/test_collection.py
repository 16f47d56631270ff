"""TaskCollection: selection, splits, fingerprint."""

from collections.abc import Callable

import numpy as np
import pytest

from taskviz.values import Samples, Task, TaskCollection, TaskvizError


def test_selection_keeps_order_and_data(toy: TaskCollection) -> None:
    picked = toy.select(["t2", "t0"])
    assert picked.names == ("t2", "t0")
    np.testing.assert_array_equal(picked.target_of(0), toy.target_of(2))
    assert toy.select(2).names == ("t0", "t1")
    with pytest.raises(TaskvizError, match="Did you mean"):
        toy.select(["t00"])
    with pytest.raises(TaskvizError, match="it has 4"):
        toy.select(5)


def test_the_fingerprint_sees_data_tasks_and_splits(
    toy_factory: Callable[..., TaskCollection],
) -> None:
    one, same, other = toy_factory(), toy_factory(), toy_factory(seed=1)
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert one.select(2).fingerprint != one.fingerprint
    turned = one.with_splits([np.roll(one.samples[0].split, 1)])
    assert turned.fingerprint != one.fingerprint


def test_data_cannot_be_changed(toy: TaskCollection) -> None:
    with pytest.raises(ValueError, match="read-only"):
        toy.samples[0].inputs[0, 0] = 1


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(TaskvizError, match="Inputs have 3 rows"):
        Samples(np.zeros((3, 2)), (np.zeros((2, 1)),), np.zeros(3, dtype=np.int8))
    samples = Samples(np.zeros((3, 2)), (np.zeros((3, 2)),), np.zeros(3, dtype=np.int8))
    with pytest.raises(TaskvizError, match=r"\(n, 1\) is needed"):
        TaskCollection("x", (Task("a", "regression"),), (samples,))


@pytest.mark.parametrize(
    ("kind", "classes", "says"),
    [
        ("binary", ("a",), "exactly 2"),
        ("multiclass", ("a", "b"), "needs 3"),
        ("multilabel", (), "names no columns"),
        ("ordinal", (), "Unknown kind"),
    ],
)
def test_tasks_that_make_no_sense(kind: str, classes: tuple[str, ...], says: str) -> None:
    with pytest.raises(TaskvizError, match=says):
        Task("t", kind, classes)  # type: ignore[arg-type]
