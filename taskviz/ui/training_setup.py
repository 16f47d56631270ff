"""Before a training: what will run, for how long, with which options; and the queue."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from taskviz.engines import describe_device, pick_device
from taskviz.figures.style import duration_words, group_letter, size_words
from taskviz.training.defaults import modality_defaults
from taskviz.training.options import TrainingOptions
from taskviz.training.price import TrainingPrice, training_price
from taskviz.training.weighting import describe_weighting, weighting_names
from taskviz.ui import glossary, job_panel, state, store, user
from taskviz.ui.number_field import checked, number_field, shut
from taskviz.ui.options_form import options_form, seed_field
from taskviz.ui.scenarios import Scenario, list_scenarios
from taskviz.ui.text import plural, safe
from taskviz.values import Grouping, TaskCollection, TaskvizError, parse_options
from taskviz.verbs import contenders


@dataclass(frozen=True)
class Choices:
    """What the form says.

    Args:
        weighting: name.
        options: of the training.
        seed: the first.
        seeds: how many.
        baselines: whether others are trained beside it.
        draws: random groupings among them.
        wrong: a sentence for each number that cannot be.
    """

    weighting: str
    options: dict[str, Any]
    seed: int
    seeds: int
    baselines: bool
    draws: int
    wrong: tuple[str, ...] = ()


def draw(collection: TaskCollection, plan: Grouping) -> None:
    """What will run, what it costs, and the button that starts it."""
    left, right = st.columns([3, 2], gap="large")
    with right, st.container(border=True):
        choices = _form(collection)
    with left:
        _what(plan, choices)
        others = _scenarios(plan)
        if choices.wrong:
            st.caption(f":material/error: {' '.join(choices.wrong)}")
        else:
            _price_line(collection, [plan, *(s.plan for s in others)], choices)
        many = f"Start {1 + len(others)} runs" if others else "Start training"
        if user.edit_button(
            many, type="primary", icon=":material/play_arrow:", **shut(choices.wrong)
        ):
            start = _job(collection, plan, choices)
            queue = [_job(collection, each.plan, choices, each.name) for each in others]
            job_panel.start_all("training", [start, *queue], url_key="run")
        _paper(collection, plan, choices)


def _form(collection: TaskCollection) -> Choices:
    names = weighting_names()
    weighting = st.selectbox(
        "Weighting",
        names,
        format_func=lambda name: describe_weighting(name).title,
        key="weighting",
        help="How the tasks of a group share one update.",
        persist_state="session",
    )
    about = describe_weighting(weighting)
    st.caption(f"{safe(about.source)} · {safe(about.kind)}")
    if about.missing:
        st.warning(safe(about.missing))
    with checked() as wrong:
        options = options_form(TrainingOptions, "train", modality_defaults(collection.modality))
        first, second = st.columns(2)
        seeds = number_field(
            "Seeds",
            3,
            key="train_seeds",
            minimum=1,
            maximum=100,
            place=first,
            help="Everything is trained this often, each time on another split into training and "
            "validation rows. A difference has an interval from 2 seeds on.",
        )
        with second:
            seed = seed_field("train_seed", "First seed")
        baselines = st.toggle(
            "Train the baselines too",
            True,
            key="baselines",
            help="All-together, all-separate and random groups at the same budget. Without them "
            "nobody can tell whether the grouping helped.",
            persist_state="session",
        )
        draws = number_field(
            "Random groupings",
            3,
            key="random_draws",
            minimum=0,
            maximum=100,
            disabled=not baselines,
            help=glossary.meaning("baseline"),
        )
    drawn = int(draws) if baselines else 0
    return Choices(weighting, options, seed, int(seeds), baselines, drawn, tuple(wrong))


def _what(plan: Grouping, choices: Choices) -> None:
    groups = f"**{plural(len(plan.groups), 'group')}**"
    beside = ""
    # Numbers that cannot be are not promised.
    if choices.baselines and not choices.wrong:
        random = f", and {plural(choices.draws, 'random grouping')} at the same budget"
        beside = " and, for comparison, all tasks together and each alone"
        beside += random if choices.draws > 0 else ""
    often = f", each from {choices.seeds} seeds" if choices.seeds > 1 and not choices.wrong else ""
    st.markdown(f"This trains one model for each of {groups}{beside}{often}.")
    for number, group in enumerate(plan.groups):
        names = ", ".join(safe(task) for task in group)
        st.markdown(f"- **{group_letter(number)}** {names}")


def _scenarios(plan: Grouping) -> list[Scenario]:
    """Saved plans of the same matrix that are to be trained as well."""
    source = state.get("matrix")
    if not source:
        return []
    saved = {
        scenario.key: scenario
        for scenario in list_scenarios(store.cache(), source)
        if scenario.plan.groups != plan.groups
    }
    if not saved:
        return []
    chosen = st.multiselect(
        "Queue other scenarios behind it",
        list(saved),
        format_func=lambda key: saved[key].name,
        key="queued_scenarios",
        placeholder="none",
        help="Each becomes a run of its own with the same settings; they take turns. Networks "
        "that two of them share are trained once.",
    )
    return [saved[key] for key in chosen]


def _paper(collection: TaskCollection, plan: Grouping, choices: Choices) -> None:
    """The comparison of the SCA paper, by one click."""
    with st.container(border=True):
        st.markdown("**As the SCA paper compares**")
        st.caption(
            "One network for all tasks under equal weights, GradNorm, uncertainty weighting, "
            "PCGrad and Nash-MTL, against groups with equal weights, and each task alone; "
            "seeds and options of this page."
        )
        entries = {**_job(collection, plan, choices)[1], "paper": True}
        seeds = f"{plural(choices.seeds, 'seed')}"
        with st.container(horizontal=True):
            usual: dict[str, Any] = {"icon": ":material/article:", **shut(choices.wrong)}
            if user.edit_button("Two groups by SCA", key="paper_sca", **usual):
                title = f"SCA paper's comparison on {collection.name}, {seeds}"
                own = {**entries, "grouping": {}, "affinity": None}
                job_panel.start_all("training", [(title, own)], url_key="run")
            if user.edit_button("The groups above", key="paper_plan", **usual):
                count = plural(len(plan.groups), "group")
                title = f"SCA paper's comparison with {count} of {collection.name}, {seeds}"
                job_panel.start_all("training", [(title, entries)], url_key="run")


def _price_line(collection: TaskCollection, plans: Sequence[Grouping], choices: Choices) -> None:
    device = pick_device("auto")
    words = [f":material/memory: {safe(describe_device(device))}"]
    try:
        groups = _all_groups(collection, plans, choices)
        price = _price(state.get("collection") or "", groups, choices, collection)
    except TaskvizError as error:
        st.warning(safe(error))
        return
    words.append(plural(price.networks, "network"))
    likely = store.likely(price.seconds, "training", choices.weighting, price.like)
    if likely:
        words.append(likely)
    elif price.seconds is not None:
        words.append(
            f"{duration_words(price.seconds)} if no model stops early and the machine is idle"
        )
    if price.memory is not None:
        words.append(f"about {size_words(price.memory)} for data, weights and optimizer")
    words.append(f"up to {choices.options['epochs']} epochs a model")
    st.caption(" · ".join(words))


def _all_groups(
    collection: TaskCollection, plans: Sequence[Grouping], choices: Choices
) -> list[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for plan in plans:
        trained = {"chosen": plan}
        if choices.baselines:
            trained = contenders(
                collection, None, plan, random_draws=choices.draws, seed=choices.seed
            )
        for grouping in trained.values():
            found |= {tuple(sorted(group)) for group in grouping.groups}
    return sorted(found)


@st.cache_data(max_entries=128, show_spinner="Trying a few steps on this device…")
def _tried(
    name: str,
    groups: tuple[tuple[str, ...], ...],
    weighting: str,
    options: tuple[tuple[str, Any], ...],
    _collection: TaskCollection,
) -> TrainingPrice:
    parsed = parse_options(TrainingOptions, dict(options), "training")
    return training_price(
        _collection, groups, parsed, weighting=weighting, device=pick_device("auto")
    )


def _price(
    name: str, groups: list[tuple[str, ...]], choices: Choices, collection: TaskCollection
) -> TrainingPrice:
    # By one epoch: whoever changes their number does not wait for another trial.
    options = {**choices.options, "epochs": 1}
    found = _tried(
        name, tuple(groups), choices.weighting, tuple(sorted(options.items())), collection
    )
    often = choices.options["epochs"] * choices.seeds
    seconds = None if found.seconds is None else found.seconds * often
    return replace(found, networks=found.networks * choices.seeds, seconds=seconds)


def _job(
    collection: TaskCollection, plan: Grouping, choices: Choices, name: str = ""
) -> tuple[str, dict[str, Any]]:
    """Title and spec of one run."""
    called = f" ({name})" if name else ""
    count, seeds = plural(len(plan.groups), "group"), plural(choices.seeds, "seed")
    title = f"Training {count} of {collection.name}{called}, {seeds}"
    return title, {
        "grouping": plan.to_json(),
        "affinity": state.get("matrix"),
        "baselines": choices.baselines,
        "random_draws": choices.draws,
        "weighting": choices.weighting,
        "options": choices.options,
        "seed": choices.seed,
        "seeds": choices.seeds,
    }
