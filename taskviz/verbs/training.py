"""Step 4: train the groups, beside their baselines."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskviz.cache import Cache, key_of
from taskviz.progress import SILENT, Progress
from taskviz.values import (
    Grouping,
    OptionSet,
    TaskCollection,
    TaskvizError,
    TrainingResult,
    option_values,
    parse_options,
)
from taskviz.values.checks import check_kind, check_whole
from taskviz.verbs.loading import check_collection, check_grouping, check_tasks
from taskviz.verbs.stored import StoredTraining

if TYPE_CHECKING:
    import torch

    from taskviz.training.options import TrainingOptions

KIND = "training"
MOST_SEEDS = 100


def train_groups(
    collection: TaskCollection,
    grouping: Grouping,
    weighting: str = "equal",
    seed: int = 0,
    device: "str | torch.device" = "auto",
    progress: Progress = SILENT,
    cache: Cache | None = None,
    use_cache: bool = True,
    seeds: int | Sequence[int] | None = None,
    **options: Any,
) -> TrainingResult:
    """One network a group, early-stopped on validation; each task served by its best group.

    The same call twice returns the same bits: the second reads what the first stored, and a call
    that was cut short goes on from the last checkpoint of the network that was in training.

    Args:
        weighting: of the task losses or gradients; ``equal``, ``uw``, ``gradnorm``, ``pcgrad``,
            ``nash-mtl`` and all that torchjd offers
            (:func:`taskviz.training.weighting.weighting_names`).
        seed: of initial states and batches; the collection's own split is used.
        seeds: several: a number counts up from ``seed``, a list is taken as it is. Each then draws
            training and validation rows anew (:func:`taskviz.training.units.seed_splits`), and the
            result holds all of them; its predictions are those of the first.
        use_cache: False trains anew and stores nothing.
        options: of :class:`taskviz.training.options.TrainingOptions`, such as ``epochs``; what is
            not given is as suits the modality (:mod:`taskviz.training.defaults`).

    Raises:
        TaskvizError: a task of the grouping is not in the collection, an unknown weighting or
            option, or data that cannot be trained on.
    """
    results = compare_groupings(
        collection,
        {"": grouping},
        weighting,
        seed,
        device,
        progress,
        cache,
        use_cache,
        seeds,
        **options,
    )
    return results[""]


def compare_groupings(
    collection: TaskCollection,
    groupings: Mapping[str, Grouping],
    weighting: str | Mapping[str, str] = "equal",
    seed: int = 0,
    device: "str | torch.device" = "auto",
    progress: Progress = SILENT,
    cache: Cache | None = None,
    use_cache: bool = True,
    seeds: int | Sequence[int] | None = None,
    **options: Any,
) -> dict[str, TrainingResult]:
    """Train several groupings alike: label → result, each network trained once.

    All contenders of a seed see the same split, initial states and batches, and may train for the
    same number of epochs.

    Args:
        weighting: of all contenders, or label → name (``equal`` where a label is not named).

    The other args and errors as :func:`train_groups`; live metrics carry their label as
    ``contender``.
    """
    from taskviz.engines import RunContext, pick_device
    from taskviz.training.compare import compare, tell_results

    check_collection(collection)
    check_kind(groupings, Mapping, "The groupings", "a dictionary from label to Grouping")
    check_kind(
        weighting, (str, Mapping), "The weighting", "a name, or a dictionary from label to it,"
    )
    for label, grouping in groupings.items():
        check_grouping(grouping, f"Grouping {label!r}" if label else "The grouping")
        check_tasks(grouping.tasks, collection, f"grouping {label!r}" if label else "the grouping")
    parsed = _options(collection, options)
    picked = pick_device(device)
    chosen = seed_list(seed, seeds)
    cache = cache or Cache()
    names = {
        label: weighting if isinstance(weighting, str) else weighting.get(label, "equal")
        for label in groupings
    }
    parts = {
        label: _parts(collection, grouping, parsed, names[label], chosen, picked.type)
        for label, grouping in groupings.items()
    }
    found = {
        label: cache.find(KIND, key_of(**parts[label])) if use_cache else None for label in parts
    }
    results = {label: load_result(folder) for label, folder in found.items() if folder is not None}
    tell_results(results, names, progress)
    missing = {label: groupings[label] for label in groupings if label not in results}
    if not missing:
        progress.begin("Training", 1)
        progress.advance(1, "read from the cache")
        return results
    context = RunContext(chosen[0], picked, progress, cache if use_cache else None)
    trained = compare(collection, missing, parsed, weighting=names, seeds=chosen, context=context)
    for label, result in trained.items():
        if use_cache:
            cache.put(KIND, key_of(**parts[label]), result.save, parts[label])
        results[label] = result
    return {label: results[label] for label in groupings}


def check_training(
    collection: TaskCollection, grouping: Grouping, weighting: str = "equal"
) -> None:
    """Raise what would keep a training from starting, before any job is made.

    Raises:
        TaskvizError: a task that the collection does not have, that is in no group, or that has no
            label in the training split; an unknown weighting, or one whose package is missing.
    """
    from taskviz.training.groups import check_grouping as check_trainable
    from taskviz.training.weighting import check_weighting

    check_tasks(grouping.tasks, collection, "the grouping")
    check_trainable(collection, grouping)
    check_weighting(weighting)


def training_key(
    collection: TaskCollection,
    grouping: Grouping,
    weighting: str = "equal",
    seed: int = 0,
    device: "str | torch.device" = "auto",
    seeds: int | Sequence[int] | None = None,
    **options: Any,
) -> str:
    """Key under which :func:`train_groups` with these arguments stores its result."""
    from taskviz.engines import pick_device

    parsed = _options(collection, options)
    picked = pick_device(device).type
    chosen = seed_list(seed, seeds)
    return key_of(**_parts(collection, grouping, parsed, weighting, chosen, picked))


def seed_list(seed: int, seeds: int | Sequence[int] | None = None) -> tuple[int, ...]:
    """The seeds that are meant: ``seed`` alone, so many from ``seed`` on, or those listed.

    Raises:
        TaskvizError: none, the same one twice, or one below 0.
    """
    seed = check_whole(seed, "The seed", 0)
    if seeds is None:
        found = [seed]
    elif isinstance(seeds, int):
        found = [seed + i for i in range(seeds)]
    else:
        check_kind(seeds, Sequence, "The argument 'seeds'", "a number or a list of seeds")
        found = [check_whole(each, "One of the seeds", 0) for each in seeds]
    if not 1 <= len(found) <= MOST_SEEDS or len(set(found)) < len(found) or min(found) < 0:
        raise TaskvizError(
            f"Seeds {seeds if seeds is not None else seed!r} cannot be used: give how many (1 to "
            f"{MOST_SEEDS}), or different whole numbers from 0 on."
        )
    return tuple(int(each) for each in found)


def stored_trainings(
    collection: TaskCollection | None = None, cache: Cache | None = None
) -> list[StoredTraining]:
    """Training results in the cache, newest first: of one collection, or of all."""
    found = []
    for entry in (cache or Cache()).entries(KIND):
        parts = dict(entry.parts)
        if collection is not None and parts.get("collection") != collection.fingerprint:
            continue
        try:
            grouping = Grouping.from_json(parts.pop("grouping"))
        except (TaskvizError, KeyError):
            continue
        found.append(StoredTraining(entry.key, grouping, entry.created, parts))
    return found


def read_training(key: str, cache: Cache | None = None) -> TrainingResult:
    """A stored result by its key, able to predict.

    Raises:
        TaskvizError: there is none under this key, or it was damaged.
    """
    folder = (cache or Cache()).find(KIND, key) if key.isalnum() else None
    if folder is None:
        raise TaskvizError(
            f"No training result is stored under the key {key[:16]!r}: train the groups again."
        )
    return load_result(folder)


def load_result(folder: Path | str) -> TrainingResult:
    """Read what ``TrainingResult.save`` wrote, with its networks ready to predict.

    Raises:
        TaskvizError: the folder does not hold a whole training result.
    """
    from taskviz.training.predict import load_result as load

    return load(folder)


def _options(collection: TaskCollection, given: Mapping[str, Any]) -> "TrainingOptions":
    from taskviz.training.defaults import with_defaults
    from taskviz.training.options import TrainingOptions

    filled = with_defaults(collection.modality, given)
    return parse_options(TrainingOptions, filled, "training")


def _parts(
    collection: TaskCollection,
    grouping: Grouping,
    options: OptionSet,
    weighting: str,
    seeds: tuple[int, ...],
    device_type: str,
) -> dict[str, Any]:
    from taskviz.training.stored import VERSION

    plain = grouping.to_json()
    # How long it took to find the groups says nothing about what training them gives.
    plain.pop("seconds")
    return {
        "what": KIND,
        "collection": collection.fingerprint,
        "version": VERSION,
        "grouping": plain,
        "weighting": weighting,
        "options": option_values(options),
        "seed": seeds[0],
        **({"seeds": list(seeds)} if len(seeds) > 1 else {}),
        "device": device_type,
    }
