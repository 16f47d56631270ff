"""SCA against one backward pass a sample and task, and by cases known beforehand."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from taskviz.affinity import make_estimator
from taskviz.affinity.sca import SCAOptions, affinity_from_distances
from taskviz.affinity.seeds import repeat_seed
from taskviz.data.builtin import load_built_in
from taskviz.data.tensors import to_tensors
from taskviz.engines import RunContext
from taskviz.networks import build_network
from taskviz.optima.units import draw_units
from taskviz.progress import Progress
from taskviz.training.losses import sample_losses
from taskviz.values import Samples, Task, TaskCollection, TaskvizError

Factory = Callable[..., TaskCollection]


def separate(made: TaskCollection, *, same: bool = False) -> TaskCollection:
    """Each task with a data set of its own: the rows turned by as many places as its number."""
    block = made.samples[0]
    samples = []
    for t, target in enumerate(block.targets):
        turn = 0 if same else t
        samples.append(
            Samples(
                np.roll(block.inputs, turn, axis=0), (np.roll(target, turn, axis=0),), block.split
            )
        )
    return replace(made, samples=tuple(samples), layout="separate")


def by_plain_loop(
    made: TaskCollection, options: SCAOptions, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The definition, word for word: rows drawn here, gradients by ``backward``, float64."""
    data = to_tensors(made, dtype=torch.float64)
    network = build_network(made, options, seed=seed, heads=options.heads, dtype=torch.float64)
    size = len(made.tasks)
    joint = made.layout == "joint"
    rows = [
        np.random.default_rng([seed, 0 if joint else t]).permutation(
            made.samples_of(t).indices("train")
        )
        for t in range(size)
    ]
    n = min(options.n, *(len(own) for own in rows))
    sums, counts = np.zeros((size, size)), np.zeros((size, size), dtype=np.int64)
    for i in range(n):
        optima = []
        for t, task in enumerate(made.tasks):
            row = int(rows[t][i])
            output = network.heads[t](network.trunk(data.inputs_of(t)[row : row + 1]))
            target = data.targets[t][row : row + 1]
            mask = data.masks[t][row : row + 1]
            network.zero_grad()
            sample_losses(task, output, target, mask).sum().backward()
            step = torch.cat([p.grad.flatten() for p in network.shared_parameters()])
            optima.append(-0.01 * step if bool(mask.any()) else None)
        for s in range(size):
            for t in range(size):
                if optima[s] is not None and optima[t] is not None:
                    sums[s, t] += float((optima[s] - optima[t]).abs().sum())
                    counts[s, t] += 1
    with np.errstate(invalid="ignore"):
        a = sums / counts
    largest = np.nanmax(a, axis=1, keepdims=True)
    return 1 - a / largest, counts


def test_digits_agrees_with_the_plain_loop() -> None:
    digits = load_built_in("digits")
    matrix = make_estimator("sca").fit(digits).affinity_
    expected, counts = by_plain_loop(digits, SCAOptions())
    np.testing.assert_allclose(matrix.values, expected, rtol=1e-6, atol=1e-12)
    np.testing.assert_array_equal(matrix.support, counts)
    assert matrix.standard_error is None
    assert matrix.networks_trained == 0


@pytest.mark.parametrize("layout", ["joint", "separate"])
@pytest.mark.parametrize("heads", ["own", "tied"])
def test_every_kind_layout_and_missing_labels(
    layout: str, heads: str, toy_factory: Factory
) -> None:
    made = toy_factory(missing=0.3)
    if layout == "separate":
        made = separate(made)
    options = {"n": 40, "width": 12, "heads": heads}
    matrix = make_estimator("sca", **options).fit(made, RunContext(seed=5)).affinity_
    expected, counts = by_plain_loop(made, SCAOptions(**options), seed=5)
    np.testing.assert_allclose(matrix.values, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(matrix.support, counts)
    assert matrix.support.min() < 40


def test_a_pair_without_a_common_sample_is_missing(toy_factory: Factory) -> None:
    made = toy_factory()
    targets = [target.copy() for target in made.samples[0].targets]
    targets[0][::2] = np.nan
    targets[1][1::2] = np.nan
    made = replace(made, samples=(replace(made.samples[0], targets=tuple(targets)),))
    matrix = make_estimator("sca").fit(made).affinity_
    assert np.isnan(matrix.values[0, 1])
    assert np.isnan(matrix.values[1, 0])
    assert matrix.support[0, 1] == matrix.support[1, 0] == 0
    assert np.isnan(matrix.values).sum() == 2
    assert any("2 of 12 pairs" in note for note in matrix.notes)


@pytest.mark.parametrize("layout", ["joint", "separate"])
def test_identical_tasks_have_affinity_one_with_tied_heads(
    layout: str, toy_factory: Factory
) -> None:
    made = toy_factory(kinds=("regression", "binary", "regression"))
    block = made.samples[0]
    twin = (block.targets[0], block.targets[1], block.targets[0])
    made = replace(made, samples=(replace(block, targets=twin),))
    if layout == "separate":
        # the same rows for both: drawn independently they are two samples of one data set
        made = separate(made, same=True)
        train = block.indices("train")[:1]
        split = np.ones(len(block), dtype=np.int8)
        split[train] = 0
        made = made.with_splits([split] * 3)
    tied = make_estimator("sca", heads="tied").fit(made).affinity_
    assert tied.values[0, 2] == tied.values[2, 0] == 1.0
    assert tied.values[0, 1] < 1
    own = make_estimator("sca").fit(made).affinity_
    assert own.values[0, 2] < 1


@pytest.mark.parametrize("depth", [1, 3])
def test_a_collection_of_one_task_repeated_has_ones_everywhere(
    depth: int, toy_factory: Factory
) -> None:
    for kind in ("regression", "binary", "multiclass"):
        made = toy_factory(kinds=(kind,) * 3)
        block = made.samples[0]
        made = replace(made, samples=(replace(block, targets=(block.targets[0],) * 3),))
        matrix = make_estimator("sca", heads="tied", depth=depth, inits=2).fit(made).affinity_
        np.testing.assert_array_equal(matrix.values, np.ones((3, 3)))
        np.testing.assert_array_equal(matrix.standard_error, np.zeros((3, 3)))


def test_the_scale_of_all_losses_cancels(toy: TaskCollection) -> None:
    """η: the same factor on every loss leaves A as it is."""
    from taskviz.optima.distances import pairwise_distances

    units = draw_units(to_tensors(toy, dtype=torch.float64), 50, 0)
    network = build_network(toy, SCAOptions(), seed=0, dtype=torch.float64)
    plain = affinity_from_distances(pairwise_distances(network, units).means)
    scaled = replace(units, losses=lambda *given: 0.037 * sample_losses(*given))
    again = affinity_from_distances(pairwise_distances(network, scaled).means)
    np.testing.assert_allclose(again, plain, rtol=1e-9, atol=1e-12)


def test_distances_by_hand() -> None:
    means = np.array([[0.0, 2.0, 4.0], [2.0, 0.0, np.nan], [0.0, np.nan, 0.0]])
    expected = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, np.nan], [1.0, np.nan, 1.0]])
    np.testing.assert_array_equal(affinity_from_distances(means), expected)


def test_several_initial_states(toy: TaskCollection) -> None:
    context = RunContext(seed=11)
    options = {"n": 30, "width": 10}
    single = make_estimator("sca", **options).fit(toy, context).affinity_
    fit = make_estimator("sca", inits=3, **options).fit(toy, context)
    draws = [single.values]
    for k in (1, 2):
        # the same samples from another state: what the plain loop finds there
        draws.append(from_state(toy, SCAOptions(**options), 11, repeat_seed(11, k)))
    np.testing.assert_allclose(fit.affinity_.values, np.mean(draws, axis=0), rtol=1e-12)
    error = np.std(draws, axis=0, ddof=1) / np.sqrt(3)
    np.testing.assert_allclose(fit.affinity_.standard_error, error, rtol=1e-9, atol=1e-15)
    assert fit.affinity_.support.max() == 30


def from_state(
    made: TaskCollection, options: SCAOptions, seed: int, state: int
) -> NDArray[np.float64]:
    from taskviz.optima.plain import plain_distances

    units = draw_units(to_tensors(made, dtype=torch.float64), options.n, seed)
    network = build_network(made, options, seed=state, dtype=torch.float64)
    return affinity_from_distances(plain_distances(network, units).mean(dim=0).numpy())


def test_more_samples_start_with_the_fewer(toy: TaskCollection) -> None:
    data = to_tensors(toy, dtype=torch.float64)
    few, more = draw_units(data, 20, 3), draw_units(data, 60, 3)
    torch.testing.assert_close(more.inputs[0][:20], few.inputs[0])
    rows = {tuple(row) for row in more.inputs[0].tolist()}
    train = {tuple(row) for row in data.inputs[0][data.rows("train")].tolist()}
    assert len(rows) == 60
    assert rows <= train


def test_fewer_rows_than_asked_are_all_used(toy: TaskCollection) -> None:
    matrix = make_estimator("sca", n=10_000).fit(toy).affinity_
    assert matrix.support.max() == 96
    assert matrix.notes == ("The training split has 96 rows, fewer than n = 10000: all were used.",)


def test_normalised_gradients_have_mean_norm_one(toy: TaskCollection) -> None:
    """Against the plain loop with gradients divided by hand."""
    from taskviz.optima.plain import plain_gradients

    matrix = make_estimator("sca", n=30, normalise=True).fit(toy).affinity_
    units = draw_units(to_tensors(toy, dtype=torch.float64), 30, 0)
    network = build_network(toy, SCAOptions(), seed=0, dtype=torch.float64)
    rows = torch.stack(list(plain_gradients(network, units)))
    rows = rows / rows.abs().sum(dim=2).mean(dim=0)[None, :, None]
    means = torch.cdist(rows, rows, p=1).mean(dim=0).numpy()
    np.testing.assert_allclose(matrix.values, affinity_from_distances(means), rtol=1e-9, atol=1e-12)


def test_warm_up_is_a_share_of_one_joint_training(toy: TaskCollection) -> None:
    from taskviz.affinity.joint_training import JointTraining

    options = {"n": 30, "width": 10, "epochs": 10, "heads": "tied"}
    matrix = make_estimator("sca", warmup=0.2, **options).fit(toy).affinity_
    assert matrix.networks_trained == 1
    short = SCAOptions(**{**options, "epochs": 2})
    training = JointTraining(toy, short, RunContext(), torch.float64)
    start = build_network(toy, short, seed=0, heads="tied", dtype=torch.float64)
    training.network.load_state_dict(start.state_dict())
    for _ in training.steps(RunContext()):
        pass
    from taskviz.optima.plain import plain_distances

    units = draw_units(to_tensors(toy, dtype=torch.float64), 30, 0)
    means = plain_distances(training.network, units).mean(dim=0).numpy()
    np.testing.assert_allclose(matrix.values, affinity_from_distances(means), rtol=1e-9, atol=1e-12)
    cold = make_estimator("sca", **options).fit(toy).affinity_
    assert not np.allclose(cold.values, matrix.values)


def test_repeats_bit_for_bit_and_leaves_global_seeds_alone(toy: TaskCollection) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, second = (make_estimator("sca", inits=2).fit(toy).affinity_ for _ in range(2))
    assert first.values.tobytes() == second.values.tobytes()
    assert torch.equal(torch.get_rng_state(), before)
    other = make_estimator("sca", inits=2).fit(toy, RunContext(seed=1)).affinity_
    assert not np.array_equal(first.values, other.values)


def test_memory_too_small_for_one_sample_is_said_before_starting(toy: TaskCollection) -> None:
    with pytest.raises(TaskvizError, match=r"needs \d+ MB .* but memory_mb is 3"):
        make_estimator("sca", width=4096, memory_mb=3).fit(toy)


def test_two_tasks_say_that_sca_says_nothing(toy: TaskCollection) -> None:
    matrix = make_estimator("sca", n=50).fit(toy.select(["t0", "t1"])).affinity_
    np.testing.assert_array_equal(matrix.values, np.eye(2))
    assert "With two tasks SCA is 0" in matrix.notes[0]


@pytest.mark.parametrize("options", [{}, {"normalise": True}, {"inits": 3, "warmup": 0.5}])
def test_progress_fills_up(options: dict[str, object], toy: TaskCollection) -> None:
    class Watcher(Progress):
        units, done = 0.0, 0.0

        def begin(self, title: str, units: float) -> None:
            self.units = units

        def advance(self, units: float = 1.0, message: str = "") -> None:
            self.done += units

    watcher = Watcher()
    made = make_estimator("sca", n=20, epochs=4, **options)
    made.fit(toy, RunContext(progress=watcher))
    assert watcher.done == pytest.approx(watcher.units)


def test_multilabel_tasks_count_where_any_column_is_known(toy_factory: Factory) -> None:
    made = toy_factory(n=60)
    rng = np.random.default_rng(0)
    marks = (rng.random((60, 2)) > 0.5).astype(float)
    marks[:20, 0] = np.nan
    marks[:5] = np.nan
    block = made.samples[0]
    made = replace(
        made,
        tasks=(*made.tasks, Task("marks", "multilabel", ("x", "y"))),
        samples=(replace(block, targets=(*block.targets, marks)),),
    )
    options = {"n": 60, "width": 8}
    matrix = make_estimator("sca", **options).fit(made).affinity_
    expected, counts = by_plain_loop(made, SCAOptions(**options))
    np.testing.assert_allclose(matrix.values, expected, rtol=1e-9, atol=1e-12)
    assert matrix.support[4, 4] == counts[4, 4] < matrix.support[0, 0]
