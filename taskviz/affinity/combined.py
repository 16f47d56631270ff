"""Surrogate and gradient cosine together, the second as far as held-out subsets want it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.gradient_cosine import GradientCosine
from taskviz.affinity.redraws import Redraws, drawn, redraws_of_table
from taskviz.affinity.seeds import repeat_seeds
from taskviz.affinity.support import mean_and_error, missing_notes
from taskviz.affinity.surrogate import (
    outcome_of,
    predict_group,
    random_subsets,
    take_rows,
)
from taskviz.affinity.surrogate_fit import SurrogateFit, fit_surrogate
from taskviz.engines import RunContext
from taskviz.networks import network_options
from taskviz.training.subsets import SubsetOptions, train_subsets
from taskviz.values import SubsetTable, TaskCollection, option

RIDGES = (0.0, 1.0, 4.0, 16.0, 64.0)
FOLDS = 5


@dataclass(frozen=True)
class CombinedOptions(SubsetOptions):
    """Options of :class:`Combined`."""

    m: int | None = option(
        None, "Random subsets to train, fresh in each seed; by default two a task.", minimum=1
    )
    seeds: int = option(
        5, "Seeds: each has its own split, initial state and subsets.", minimum=1, maximum=1000
    )
    inits: int = option(20, "Initial states of the gradient cosine.", minimum=1, advanced=True)


@dataclass(frozen=True)
class Mixture:
    """What held-out subsets chose.

    Args:
        ridge: λ of the surrogate.
        weight: ω ≥ 0 of the prior; 0 leaves it out.
        error: held-out mean squared relative error at this choice.
        without: the same at the best λ without the prior.
        margin: standard error of the difference between the two, over networks.
    """

    ridge: float
    weight: float
    error: float
    without: float
    margin: float


class Combined(Estimator):
    """The linear surrogate, its coefficients shrunk towards the gradient cosine.

    θ minimises ``Σ (L − L̂)² + λ Σ (θ_s + ω c_s)²``, with c the gradient cosine of each source with
    the target less its mean over the sources: so where the networks say little, a source with a
    high cosine is taken to lower the loss. λ and ω ≥ 0 are chosen by five-fold cross-validation
    over networks; ω is 0 unless it lowers the held-out error by more than that gain's standard
    error. The subsets are those of ``surrogate``: 2T fresh ones in each of five seeds.
    """

    name = "combined"
    title = "Combined"
    source = "ours: linear surrogate with the gradient cosine as prior"
    summary = "The surrogate, helped by the gradient cosine only where held-out groups agree."
    unit = "fall of the target's loss when the source joins, as a share of that loss"
    predicts = "loss"
    version = 2
    Options = CombinedOptions

    def networks_needed(self, tasks: int) -> int:
        """m a seed, fewer where fewer different subsets exist."""
        return int(self.options.seeds * min(self.options.m or 2 * tasks, 2**tasks - 1))

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """Gradient cosine, subset networks, cross-validation, fit."""
        options: CombinedOptions = self.options
        context.progress.begin(f"{self.title} of {collection.name}", 1.0)
        part = replace(context, progress=context.progress.part(0.1))
        cosine = GradientCosine(inits=options.inits, **network_options(options))
        about = cosine.measure(collection, part)
        cosines, draws = about.values, (about.state or {}).get("draws")
        seeds = repeat_seeds(context.seed, options.seeds)
        subsets = random_subsets(collection.names, options.m or 2 * len(collection.tasks), seeds)
        part = replace(context, progress=context.progress.part(0.9))
        run = train_subsets(collection, subsets, options, part)
        prior = prior_from(cosines)
        mixture = choose_mixture(run.valid, prior, context.seed)
        fit = fit_surrogate(run.valid, ridge=mixture.ridge, prior=mixture.weight * prior)
        notes = run.notes + missing_notes(
            fit.support, "subset that would tell the source's effect apart", "raise m or seeds"
        )
        return Outcome(
            -fit.coefficients + 0.0,
            fit.error,
            fit.support,
            networks_trained=len(subsets),
            notes=(_sentence(mixture), *notes),
            table=run.valid,
            state={
                **fit.to_state(),
                "cosines": cosines,
                "mixture": np.array([mixture.ridge, mixture.weight]),
                **({} if draws is None else {"cosine_draws": draws}),
            },
        )

    def redraws(self) -> Redraws | None:
        """Seeds or networks drawn, and the fit with the ridge and the weight that were chosen."""
        ridge, weight = (float(each) for each in self.state_["mixture"])
        cosines, draws = self.state_["cosines"], self.state_.get("cosine_draws")

        def fit(table: SubsetTable, prior: NDArray[np.float64]) -> Outcome:
            found = fit_surrogate(table, ridge=ridge, prior=weight * prior)
            more = {name: self.state_[name] for name in ("cosines", "mixture")}
            outcome = outcome_of(found, table)
            return replace(outcome, state={**(outcome.state or {}), **more})

        again = draws is not None and weight > 0
        also = "Its ridge and the weight of the gradient cosine stay as they were chosen"
        networks = redraws_of_table(
            self.table_,
            lambda table: fit(table, prior_from(cosines)),
            complete=False,
            also=also + ("; the cosine's initial states are drawn as well." if again else "."),
        )
        if networks is None or draws is None or not again:
            return networks

        def measure(rng: np.random.Generator) -> Outcome:
            table = networks.measure(rng).table
            assert table is not None
            return fit(table, prior_from(mean_and_error(draws[drawn(rng, len(draws))])[0]))

        return Redraws(networks.said, measure)

    def predict(self, group: Iterable[str]) -> dict[str, float]:
        """Predicted loss of each task of a group."""
        return predict_group(SurrogateFit.from_state(self.state_), self.affinity_.tasks, group)


def prior_from(cosines: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(T, T)`` coefficients the cosines speak for: minus the cosine less its mean a target."""
    apart = ~np.eye(len(cosines), dtype=bool) & ~np.isnan(cosines)
    filled = np.where(apart, cosines, 0.0)
    mean = filled.sum(axis=0) / np.maximum(apart.sum(axis=0), 1)
    return np.where(apart, mean - filled, 0.0)


def choose_mixture(
    table: SubsetTable,
    prior: NDArray[np.float64],
    seed: int = 0,
    *,
    ridges: Sequence[float] = RIDGES,
    folds: int = FOLDS,
) -> Mixture:
    """λ and ω by cross-validation over networks.

    The fit is linear in ω, so for each λ the best ω ≥ 0 follows from two fits a fold.
    """
    folds = min(folds, len(table))
    order = np.random.default_rng([seed, 0xC0B]).permutation(len(table)) % max(folds, 1)
    if folds < 2:
        return Mixture(max(ridges), 0.0, np.nan, np.nan, np.nan)
    plain, best = None, None
    for ridge in ridges:
        miss, slope = _held_out(table, prior, ridge, order)
        known = np.isfinite(miss) & np.isfinite(slope)
        bent = float((slope[known] ** 2).sum())
        weight = max(0.0, float((miss[known] * slope[known]).sum()) / bent) if bent > 0 else 0.0
        without, using = _by_network(miss), _by_network(miss - weight * slope)
        if plain is None or np.nanmean(without) < np.nanmean(plain[1]):
            plain = (ridge, without)
        if best is None or np.nanmean(using) < np.nanmean(best[2]):
            best = (ridge, weight, using)
    assert plain is not None
    assert best is not None
    gain = plain[1] - best[2]
    gain = gain[~np.isnan(gain)]
    margin = float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else np.inf
    figures = float(np.nanmean(best[2])), float(np.nanmean(plain[1])), margin
    if best[1] > 0 and gain.mean() > margin:
        return Mixture(best[0], best[1], *figures)
    return Mixture(plain[0], 0.0, figures[1], *figures[1:])


def _held_out(
    table: SubsetTable, prior: NDArray[np.float64], ridge: float, fold: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``(m, T)`` relative error of each held-out loss without the prior, and its change by ω."""
    miss, slope = np.full((2, *table.losses.shape), np.nan)
    for number in range(int(fold.max()) + 1):
        out = np.flatnonzero(fold == number)
        kept = take_rows(table, np.flatnonzero(fold != number))
        seeds = None if table.seeds is None else table.seeds[out]
        base = fit_surrogate(kept, ridge=ridge)
        plain = base.predict(table.membership[out], seeds)
        moved = fit_surrogate(kept, ridge=ridge, prior=prior).predict(table.membership[out], seeds)
        miss[out] = (table.losses[out] - plain) / base.level
        slope[out] = (moved - plain) / base.level
    return miss, slope


def _by_network(misses: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(m,)`` mean squared error of each network's tasks; NaN where none was predicted."""
    known = np.isfinite(misses)
    total = np.where(known, misses, 0.0) ** 2
    count = known.sum(axis=1)
    return np.where(count > 0, total.sum(axis=1) / np.maximum(count, 1), np.nan)


def _sentence(mixture: Mixture) -> str:
    if mixture.weight > 0:
        return (
            f"Held-out networks let the gradient cosine in with weight {mixture.weight:.2g}: their "
            f"mean squared relative error fell from {mixture.without:.3g} to {mixture.error:.3g}."
        )
    return (
        "Held-out networks did not improve with the gradient cosine: its weight is 0, and this is "
        f"the linear surrogate with ridge {mixture.ridge:g}."
    )
