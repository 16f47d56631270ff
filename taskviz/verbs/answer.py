"""Does grouping matter here, and what is recommended: asked round by round, every answer kept."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from taskviz.cache import Cache, key_of
from taskviz.progress import SILENT, Progress
from taskviz.values import TaskCollection, TaskvizError
from taskviz.values.checks import check_number, check_whole
from taskviz.verbs.loading import check_collection
from taskviz.verbs.options import subset_options

if TYPE_CHECKING:
    import torch

    from taskviz.evidence import Answer, AskOptions, Recommendation

KIND = "answer"
VERSION = 1


class StoredAnswer(NamedTuple):
    """A stored answer: ``key, answer, created`` (seconds since 1970)."""

    key: str
    answer: "Answer"
    created: float


OnRound = Callable[[str, "Answer"], None]
"""Told the key and the answer of each round."""


def _nobody(key: str, answer: "Answer") -> None:
    """Nobody listens."""


def does_grouping_matter(
    collection: TaskCollection,
    *,
    rounds: int = 5,
    seconds: float | None = None,
    stop: bool = False,
    subsets: int | None = None,
    most_models: int = 4,
    random_plans: int = 3,
    overlap: bool = False,
    worth: float = 0.005,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    progress: Progress = SILENT,
    cache: Cache | None = None,
    on_round: OnRound = _nobody,
    **options: Any,
) -> "Answer":
    """Train a designed set of networks over several seeds; *yes*, *no* or *cannot tell*.

    Each round adds a seed of networks that plans are chosen by, on validation data, and a seed of
    networks that the plans are checked by, on test data: see
    :func:`taskviz.evidence.question.rounds`. Networks and answers are kept, so that a later call
    with more rounds goes on where this ended.

    Args:
        rounds: at the most.
        seconds: begin no round after so long; None: no limit.
        stop: end as soon as it is told.
        subsets: random groups a round; None: two a task.
        most_models: largest number of models looked at.
        random_plans: random plans a budget and check seed.
        overlap: let groups share tasks.
        worth: gains below this share of the loss are not worth having.
        on_round: told each answer as it comes, with the key it is stored under.
        options: how networks are trained; by default one hidden layer of 16.

    Raises:
        TaskvizError: too few or too many tasks, an unknown option.
        Cancelled: the user asked to stop; answers so far are stored.
    """
    from taskviz.engines import RunContext, pick_device
    from taskviz.evidence import AskOptions, ask
    from taskviz.training.subsets import SubsetOptions

    check_collection(collection)
    seed = check_whole(seed, "The seed", 0)
    picked, kept = pick_device(device), cache or Cache()
    asked = check_asked(
        AskOptions(rounds, subsets, most_models, random_plans, overlap, worth, stop, seconds)
    )
    training = SubsetOptions(**subset_options(options))

    def key_at(round_number: int) -> tuple[str, dict[str, Any]]:
        parts = _parts(collection, asked, round_number, seed, picked.type, options)
        return key_of(**parts), parts

    def tell(key: str, answer: "Answer") -> None:
        progress.record(
            {
                "metric": "answer",
                "round": answer.rounds,
                "answer": key,
                "value": None if answer.reliability != answer.reliability else answer.reliability,
            }
        )
        on_round(key, answer)

    before: list[Answer] = []
    while len(before) < rounds and kept.find(KIND, key_at(len(before) + 1)[0]) is not None:
        before.append(read_answer(key_at(len(before) + 1)[0], kept))
        tell(key_at(len(before))[0], before[-1])
        if len(before) == rounds or (stop and before[-1].verdict != "cannot tell"):
            progress.begin("Read from the cache", 1)
            progress.advance(1)
            return before[-1]
    found, spared = list(before), 0.0

    def told(answer: "Answer") -> None:
        nonlocal spared
        if answer.rounds <= len(before):
            # Gone through again from the cache, which took no time worth telling.
            spared = before[answer.rounds - 1].seconds - answer.seconds
            return
        answer = replace(answer, seconds=answer.seconds + max(spared, 0.0))
        key, parts = key_at(answer.rounds)
        kept.put(KIND, key, lambda folder: answer.save(folder / "answer.json"), parts)
        found.append(answer)
        tell(key, answer)

    ask(collection, training, asked, RunContext(seed, picked, progress, kept), told)
    return found[-1]


def recommend(collection: TaskCollection, **settings: Any) -> "Recommendation":
    """Method, budget, groups and expected gain with its interval, in two plain sentences.

    Args:
        settings: of :func:`does_grouping_matter`.

    Raises:
        TaskvizError: as :func:`does_grouping_matter`.
    """
    from taskviz.evidence import recommend as from_answer

    return from_answer(does_grouping_matter(collection, **settings))


def first_guess(
    collection: TaskCollection,
    budget: int | None = None,
    *,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    progress: Progress = SILENT,
    cache: Cache | None = None,
) -> "Recommendation":
    """Groups at once by the training-free gradient cosine, with what such groups gained elsewhere.

    Args:
        budget: number of models; by default three.

    Raises:
        TaskvizError: fewer than 2 tasks, or what the estimator refuses.
    """
    from taskviz.evidence import first_guess as guess
    from taskviz.verbs.affinity import compute_affinity

    matrix = compute_affinity(
        collection, "gradient-cosine", seed=seed, device=device, progress=progress, cache=cache
    )
    return guess(matrix, budget)


def read_answer(key: str, cache: Cache | None = None) -> "Answer":
    """A stored answer by its key.

    Raises:
        TaskvizError: there is none under this key, or it was damaged.
    """
    from taskviz.evidence import Answer

    folder = (cache or Cache()).find(KIND, key) if key.isalnum() else None
    if folder is None:
        raise TaskvizError("This answer is not stored any more: ask again.")
    return Answer.read(folder / "answer.json")


def stored_answers(collection: TaskCollection, cache: Cache | None = None) -> list[StoredAnswer]:
    """Answers in the cache of one collection, those of most rounds first, then the newest."""
    from taskviz.evidence import Answer

    found = []
    for entry in (cache or Cache()).entries(KIND):
        if entry.parts.get("collection") != collection.fingerprint:
            continue
        try:
            value = Answer.read(entry.folder / "answer.json")
        except (TaskvizError, OSError):
            continue
        found.append(StoredAnswer(entry.key, value, entry.created))
    return sorted(found, key=lambda stored: -stored.answer.rounds)


def check_asked(asked: "AskOptions") -> "AskOptions":
    """The same, once every entry is known to make sense.

    Raises:
        TaskvizError: names the first that does not.
    """
    if asked.subsets is not None:
        check_whole(asked.subsets, "The setting 'subsets'", 1, 100_000)
    if asked.seconds is not None:
        check_number(asked.seconds, "The setting 'seconds'", 0.001, 1e9)
    return replace(
        asked,
        rounds=check_whole(asked.rounds, "The setting 'rounds'", 1, 1000),
        most_models=check_whole(asked.most_models, "The setting 'most_models'", 2, 40),
        random_plans=check_whole(asked.random_plans, "The setting 'random_plans'", 1, 1000),
        worth=check_number(asked.worth, "The setting 'worth', a share of the loss,", 0, 0.99),
    )


def _parts(
    collection: TaskCollection,
    asked: "AskOptions",
    done: int,
    seed: int,
    device_type: str,
    options: dict[str, Any],
) -> dict[str, Any]:
    # How many rounds were allowed, or how long, changes nothing about what a round found.
    return {
        "what": KIND,
        "collection": collection.fingerprint,
        "version": VERSION,
        "subsets": asked.subsets,
        "most_models": asked.most_models,
        "random_plans": asked.random_plans,
        "overlap": asked.overlap,
        "worth": asked.worth,
        "options": subset_options(options),
        "round": done,
        "seed": seed,
        "device": device_type,
    }
