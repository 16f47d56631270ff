"""The pooled model against the textbook formulas, and on effects that are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from taskviz.affinity.pooled_model import (
    HAMMING,
    LARGE_OFFSET,
    OWN,
    SHARED,
    features,
    fit_pooled,
)
from taskviz.affinity.pooled_surrogate import joining
from taskviz.training.subsets import draw_subsets
from taskviz.values import SubsetTable, TaskvizError

TASKS = tuple("abcdef")


def table_of(
    effects: NDArray[np.float64], per_seed: int, seeds: int, noise: float, seed: int = 0
) -> SubsetTable:
    """``L_t(S) = level_t (1 + Σ_s effects[s, t])`` times a level of the seed, plus noise."""
    rng = np.random.default_rng(seed)
    rows, of_seed = [], []
    for k in range(seeds):
        for subset in draw_subsets(TASKS, per_seed, k):
            rows.append([task in subset for task in TASKS])
            of_seed.append(k)
    inside = np.array(rows)
    level = np.linspace(0.5, 1.5, len(TASKS))
    loss = level * (1 + inside @ effects) * (1 + 0.1 * np.array(of_seed))[:, None]
    loss = loss + noise * level * rng.normal(size=loss.shape)
    loss = np.where(inside, loss, np.nan)
    return SubsetTable(TASKS, inside, loss, np.ones(len(inside)), np.array(of_seed))


def dense_kernel(
    table: SubsetTable, variances: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[tuple[int, int]]]:
    """Covariance of all losses written out effect by effect, in plain loops."""
    size = len(table.tasks)
    points = [(i, t) for i in range(len(table)) for t in np.flatnonzero(table.membership[i])]
    v = dict(zip([*SHARED, *OWN, "noise"], variances, strict=True))
    found = np.zeros((len(points), len(points)))
    for a, (i, t) in enumerate(points):
        for b, (j, u) in enumerate(points):
            one = [s for s in np.flatnonzero(table.membership[i]) if s != t]
            two = [s for s in np.flatnonzero(table.membership[j]) if s != u]
            common = len(set(one) & set(two))
            mean = common / max(len(one), 1) / max(len(two), 1) * size / 2
            total = common * 4 / size
            crowd = len(one) * len(two) * (4 / size) ** 2
            swap = float(u in one and t in two) if t != u else float(common)
            swap_mean = swap / max(len(one), 1) / max(len(two), 1) * size / 2
            k = v["size"] * crowd + v["source"] * total + v["source mean"] * mean
            if t == u:
                k += v["target size"] * crowd + v["pair"] * total + v["pair mean"] * mean
            k += v["both"] * swap * 4 / size + v["both mean"] * swap_mean
            if t == u and table.seeds[i] == table.seeds[j]:
                apart = int((table.membership[i] != table.membership[j]).sum())
                k += v["seed"] * np.exp(-apart / HAMMING) + LARGE_OFFSET
            if i == j:
                k += v["network"]
            found[a, b] = k + (v["noise"] if a == b else 0.0)
    return found, points


def test_features_give_the_kernel_that_is_written_out_in_loops() -> None:
    table = table_of(np.zeros((6, 6)), 6, 2, 0.1)
    model = fit_pooled(table)
    kernel, points = dense_kernel(table, model.variances)
    rows, targets = np.array(points).T
    inside = table.membership[rows]
    from taskviz.affinity import pooled_model as m

    prior = model.variances[: len(SHARED)][m._blocks(6)]
    phi = features(inside, targets)
    seen = m.Observations(inside, targets, table.seeds[rows], rows, np.zeros(len(rows)))
    own = m._own(seen, model.variances[len(SHARED) : -1])
    ours = phi @ np.diag(prior) @ phi.T + own + model.variances[-1] * np.eye(len(rows))
    assert ours == pytest.approx(kernel, abs=1e-12)


def test_mean_and_covariance_are_those_of_the_gaussian_posterior() -> None:
    """Function space against weight space: predictions at new groups, with their deviations."""
    table = table_of(0.05 * np.random.default_rng(1).normal(size=(6, 6)), 8, 2, 0.02)
    model = fit_pooled(table)
    kernel, points = dense_kernel(table, model.variances)
    rows, targets = np.array(points).T
    y = np.empty(len(points))
    for t in range(6):
        own = targets == t
        losses = table.losses[rows, targets]
        ratio = np.empty(len(points))
        levels = []
        for k in np.unique(table.seeds):
            part = own & (table.seeds[rows] == k)
            levels.append(losses[part].mean())
            ratio[part] = losses[part] / levels[-1] - 1
        spread = np.sqrt((ratio[own] ** 2).sum() / (own.sum() - len(levels)))
        assert model.spread[t] == pytest.approx(spread)
        assert model.level[t] == pytest.approx(np.mean(levels))
        y[own] = ratio[own] / spread
    from taskviz.affinity.pooled_model import _blocks

    prior = model.variances[: len(SHARED)][_blocks(6)]
    inverse = np.linalg.inv(kernel)
    group = np.array([True, False, True, True, False, False])
    new = features(np.repeat(group[None], 3, axis=0), np.flatnonzero(group))
    cross = new * prior @ features(table.membership[rows], targets).T
    mean = cross @ inverse @ y
    covariance = new * prior @ new.T - cross @ inverse @ cross.T
    predicted = model.predict(group[None])[0]
    scale = model.level[group] * model.spread[group]
    assert predicted[group] == pytest.approx(model.level[group] + scale * mean, abs=1e-9)
    assert np.isnan(predicted[~group]).all()
    value, deviation = model.contrast([(group, 1.0)])
    assert value == pytest.approx(predicted[group].sum())
    assert deviation == pytest.approx(np.sqrt(scale @ covariance @ scale), rel=1e-6)


def test_effects_that_are_known_are_found() -> None:
    effects = np.zeros((6, 6))
    effects[0] = 0.10  # a hurts everybody
    effects[1, 2] = effects[2, 1] = -0.15  # b and c help each other
    np.fill_diagonal(effects, 0)
    model = fit_pooled(table_of(effects, 24, 5, 0.01))
    values, error = joining(model)
    off = ~np.eye(6, dtype=bool)
    assert np.corrcoef(values[off], -effects[off])[0, 1] > 0.97
    assert values[0, 1:] == pytest.approx(-0.10, abs=0.04)
    assert values[1, 2] > 0.08
    assert (error[off] > 0).all()
    assert (np.diag(values) == 0).all()


def test_pooling_tells_more_from_few_networks_than_each_target_by_itself() -> None:
    """What the model is for: sources that hurt everybody, few networks, much noise."""
    from taskviz.affinity.surrogate_fit import fit_surrogate

    effects = np.repeat(np.array([0.12, 0.06, 0.0, 0.0, -0.06, -0.12])[:, None], 6, axis=1)
    np.fill_diagonal(effects, 0)
    off = ~np.eye(6, dtype=bool)
    ours, theirs = [], []
    for seed in range(6):
        table = table_of(effects, 6, 5, 0.08, seed)
        values, _ = joining(fit_pooled(table))
        ours.append(1 - np.corrcoef(values[off], -effects[off])[0, 1] ** 2)
        linear = fit_surrogate(table).coefficients
        known = off & np.isfinite(linear)
        theirs.append(1 - np.corrcoef(linear[known], effects[known])[0, 1] ** 2)
    # Shares of the effects' variance that stay unexplained.
    assert np.mean(ours) < 0.6 * np.mean(theirs)


def test_repeats_bit_for_bit() -> None:
    table = table_of(np.zeros((6, 6)), 6, 2, 0.1)
    assert (fit_pooled(table).mean == fit_pooled(table).mean).all()


def test_a_table_without_losses_is_refused() -> None:
    inside = np.eye(2, dtype=bool)
    empty = SubsetTable(("a", "b"), inside, np.full((2, 2), np.nan), np.ones(2))
    with pytest.raises(TaskvizError, match="no finite loss"):
        fit_pooled(empty)


def test_a_model_without_uncertainty_says_so() -> None:
    model = fit_pooled(table_of(np.zeros((6, 6)), 4, 2, 0.1), uncertainty=False)
    with pytest.raises(TaskvizError, match="without its uncertainty"):
        model.contrast([(np.ones(6, dtype=bool), 1.0)])
