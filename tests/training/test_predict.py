"""Predictions of a saved result."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from taskviz.training import load_result
from taskviz.training.groups import train_grouping
from taskviz.training.options import TrainingOptions
from taskviz.values import Grouping, TaskvizError, TrainingResult


@pytest.fixture(scope="module")
def trained(request):
    from taskviz.values import TaskCollection

    mixed: TaskCollection = request.getfixturevalue("mixed")
    grouping = Grouping.of([["class", "value"], ["yes", "tags", "other", "value"]])
    return train_grouping(mixed, grouping, TrainingOptions(epochs=4, width=8))


@pytest.fixture
def folder(trained, tmp_path):
    return trained.save(tmp_path / "run")


def test_a_saved_result_predicts_the_same_bits(mixed, trained, folder):
    inputs = mixed.samples[0].inputs
    before, after = trained.predict(inputs), load_result(folder).predict(inputs)
    assert set(before) == set(after) == set(mixed.names)
    assert all(np.array_equal(before[task], after[task]) for task in before)


def test_shapes_and_ranges_by_kind(mixed, trained):
    found = trained.predict(mixed.samples[0].inputs)
    assert {task: array.shape for task, array in found.items()} == {
        "class": (90, 3), "yes": (90,), "tags": (90, 2), "value": (90,), "other": (90,)
    }  # fmt: skip
    np.testing.assert_allclose(found["class"].sum(axis=1), 1)
    for task in ("class", "yes", "tags"):
        assert ((found[task] > 0) & (found[task] < 1)).all()
    assert all(array.dtype == np.float64 for array in found.values())


def test_predictions_reproduce_the_metrics_of_the_serving_groups(mixed, trained):
    block = mixed.samples[0]
    rows = block.indices("test")
    found = trained.predict(block.inputs[rows])
    served = trained.served("test").set_index(["task", "metric"])["value"]
    for task, target in zip(mixed.tasks, block.targets, strict=True):
        own, truth = found[task.name], target[rows]
        known = ~np.isnan(truth[:, 0])
        if task.kind == "regression":
            error = np.abs(own[known] - truth[known, 0]).mean()
            assert error == pytest.approx(served[task.name, "mae"], rel=1e-6)
        elif task.kind == "binary":
            wrong = (own[known] > 0.5) != (truth[known, 0] > 0.5)
            assert wrong.mean() == pytest.approx(served[task.name, "error"])
        elif task.kind == "multiclass":
            wrong = own[known].argmax(axis=1) != truth[known, 0]
            assert wrong.mean() == pytest.approx(served[task.name, "error"])
            cross = -np.log(own[known, truth[known, 0].astype(int)]).mean()
            assert cross == pytest.approx(served[task.name, "loss"], rel=1e-5)


def test_regression_predictions_are_on_the_original_scale(mixed, trained):
    found = trained.predict(mixed.samples[0].inputs)["value"]
    assert 20 < found.mean() < 60


def test_rows_are_predicted_alone_as_together(mixed, trained):
    inputs = mixed.samples[0].inputs
    whole = trained.predict(inputs)
    for row in (0, 17):
        one = trained.predict(inputs[row : row + 1])
        for task in mixed.names:
            np.testing.assert_allclose(one[task][0], whole[task][row], rtol=1e-5)
    assert all(len(array) == 0 for array in trained.predict(inputs[:0]).values())


def test_a_missing_feature_is_taken_as_its_training_mean(mixed, trained):
    inputs = mixed.samples[0].inputs[:3].copy()
    inputs[1, 2] = np.nan
    filled = inputs.copy()
    filled[1, 2] = mixed.samples[0].inputs[mixed.samples[0].indices("train"), 2].mean()
    one, two = trained.predict(inputs), trained.predict(filled)
    for task in mixed.names:
        np.testing.assert_allclose(one[task], two[task], rtol=1e-5)


@pytest.mark.parametrize("shape", [(4, 3), (5,), (4, 5, 1), ()])
def test_another_number_of_features_is_refused(trained, shape):
    with pytest.raises(TaskvizError, match=r"trained on the shape \(n, 5\)"):
        trained.predict(np.zeros(shape))


def test_text_and_infinite_values_are_refused(trained):
    with pytest.raises(TaskvizError, match="not a number"):
        trained.predict(np.array([["a"] * 5]))
    bad = np.zeros((3, 5))
    bad[1, 4] = np.inf
    with pytest.raises(TaskvizError, match="row 2, feature 5 is infinite"):
        trained.predict(bad)


def test_columns_are_named_where_they_have_names(mixed):
    named = replace(mixed, feature_names=("u", "v", "w", "x", "y"))
    result = train_grouping(named, Grouping.of([named.names]), TrainingOptions(epochs=1, width=4))
    with pytest.raises(TaskvizError, match=r"\(n, 5\) \(u, v, w, x, y\)"):
        result.predict(np.zeros((2, 4)))
    with pytest.raises(TaskvizError, match="row 1, feature 'x' is infinite"):
        result.predict(np.array([[0, 0, 0, -np.inf, 0]]))


def test_read_alone_cannot_predict_and_says_how(folder):
    with pytest.raises(TaskvizError, match="load_result"):
        TrainingResult.read(folder).predict(np.zeros((1, 5)))


def edit(folder, change):
    path = folder / "result.json"
    data = json.loads(path.read_text())
    change(data["settings"])
    path.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("tasks"), "KeyError: 'tasks'"),
        (lambda s: s["options"].update(width=9), "weights do not fit"),
        (lambda s: s.update(input_shapes=[[4]]), "weights do not fit"),
        (lambda s: s["options"].update(activation="sin"), "activation"),
        (lambda s: s.update(dtype="float8"), "float8"),
    ],
)
def test_settings_that_do_not_fit_the_weights_are_refused(folder, change, message):
    edit(folder, change)
    with pytest.raises(TaskvizError, match=message):
        load_result(folder)


def test_a_folder_that_lost_a_file_is_refused(folder):
    (folder / "preprocessing.safetensors").unlink()
    with pytest.raises(TaskvizError, match="input_centre"):
        load_result(folder)
    (folder / "group_1.safetensors").unlink()
    with pytest.raises(TaskvizError, match="whole training result"):
        load_result(folder)


def test_a_table_is_matched_by_name(mixed):
    names = ("u", "v", "w", "x", "y")
    named = replace(mixed, feature_names=names)
    result = train_grouping(named, Grouping.of([named.names]), TrainingOptions(epochs=1, width=4))
    inputs = mixed.samples[0].inputs[:7]
    want = result.predict(inputs)
    table = pd.DataFrame(inputs, columns=list(names), index=list("abcdefg"))
    for given in (table, table[list(names[::-1])].assign(remark="x")):
        found = result.predict(given)
        assert all(np.array_equal(found[task], want[task]) for task in want)
    for given, message in (
        (table.drop(columns="w"), "The table to predict lacks column 'w'"),
        (pd.DataFrame(inputs), "lacks 5 columns: 'u', 'v', 'w', 'x', 'y'"),
        (table.assign(w=["many"] * 7), "column 'w', row 1: text"),
        (pd.concat([table, table["w"]], axis=1), "has two columns 'w'"),
    ):
        with pytest.raises(TaskvizError, match=message):
            result.predict(given)


def test_a_table_is_refused_where_columns_have_no_names(mixed, trained):
    with pytest.raises(TaskvizError, match="without named columns, so a table cannot"):
        trained.predict(pd.DataFrame(mixed.samples[0].inputs))


def test_an_output_that_is_not_finite_is_told(mixed, trained, folder):
    far = mixed.samples[0].inputs[:4].copy()
    far[2, 1] = 1e300
    for result in (trained, load_result(folder)):
        with pytest.raises(TaskvizError, match=r"row 3: no finite value .* feature 2 is 1e\+300"):
            result.predict(far)
    named = replace(mixed, feature_names=("u", "v", "w", "x", "y"))
    result = train_grouping(named, Grouping.of([named.names]), TrainingOptions(epochs=1, width=4))
    with pytest.raises(TaskvizError, match="feature 'v' is 1e"):
        result.predict(pd.DataFrame(far, columns=list("uvwxy")))
