"""The Training page before, and after a run that is in the cache."""

import os
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from app_pages_under_test import open_app, words
from streamlit.testing.v1 import AppTest

import taskviz as tv
from taskviz.cache import Cache, key_of
from taskviz.data import CollectionRef
from taskviz.figures import curves
from taskviz.jobs import Job, JobStore
from taskviz.jobs.kinds import JobSpec, parse_spec
from taskviz.ui.scenarios import save_scenario
from taskviz.ui.training_results import with_errors
from taskviz.values import Grouping
from taskviz.verbs import affinity_key, contenders, read_training, training_key


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A plan and a finished run of linnerud in a cache of this module's own."""
    root = tmp_path_factory.mktemp("training-page")
    before = os.environ["TASKVIZ_CACHE"]
    os.environ["TASKVIZ_CACHE"] = str(root)
    st.cache_resource.clear()
    cache = Cache(root)
    collection = tv.load_collection("linnerud")
    tv.compute_affinity(collection, "random")
    matrix = affinity_key(collection, "random")
    plan = Grouping.of([collection.names[:2], collection.names[2:]])
    other = Grouping.of([collection.names])
    key = key_of(plan=plan.to_json())
    cache.put("plan", key, lambda folder: plan.save(folder / "plan.json"), {})
    save_scenario(cache, "all in one", "", other, matrix)
    groups = contenders(collection, None, plan, random_draws=1)
    tv.compare_groupings(collection, groups, epochs=2, width=4)
    results = {name: training_key(collection, g, epochs=2, width=4) for name, g in groups.items()}
    store = JobStore(cache)
    spec = {"collection": CollectionRef("linnerud").to_json(), "grouping": plan.to_json()}
    job = store.add("training", spec, "Training of linnerud", "cpu")
    store.finish(job.id, job.attempt, "done", result={"results": results})
    yield {"matrix": matrix, "plan": key, "run": job.id}
    os.environ["TASKVIZ_CACHE"] = before
    st.cache_resource.clear()


def page(links: dict[str, str], *keys: str, **more: str) -> AppTest:
    chosen = {key: links[key] for key in keys}
    return open_app("training", collection="linnerud", **chosen, **more)


def test_what_will_run_is_told_before_it_starts(links: dict[str, str]) -> None:
    app = page(links, "matrix", "plan")
    assert not app.exception
    said = words(app)
    assert "This trains one model for each of **2 groups**" in said
    assert re.search(r"\d+ networks", said)
    assert "each from 3 seeds" in said
    assert "if no model stops early" in said
    assert "for data, weights and optimizer" in said
    weighting = next(box for box in app.selectbox if box.label == "Weighting")
    assert len(weighting.options) > 10
    queue = next(box for box in app.multiselect if "Queue" in box.label)
    assert queue.options == ["all in one"]
    queue.select(queue.options[0]).run()
    assert "Start 2 runs" in [button.label for button in app.button]
    seeds = next(box for box in app.number_input if box.label == "Seeds")
    before = int(re.search(r"(\d+) networks", words(app))[1])
    seeds.set_value(1).run()
    assert int(re.search(r"(\d+) networks", words(app))[1]) * 3 == before


@pytest.mark.parametrize(
    ("tab", "said"),
    [
        ("Result", "models"),
        ("Curves", "**A**"),
        ("Predicted against measured", "1 run of this collection"),
        ("All metrics", "models"),
        ("Downloads", "python -m taskviz predict"),
    ],
)
def test_every_view_of_a_finished_run(links: dict[str, str], tab: str, said: str) -> None:
    app = page(links, "run", result_tab=tab)
    assert not app.exception
    assert said in words(app)


def by_label(app: AppTest, kind: str, label: str) -> Any:
    return next(element for element in app.get(kind) if element.label == label)


def test_a_link_sets_all_that_the_curves_show(links: dict[str, str]) -> None:
    usual = page(links, "run", result_tab="Curves")
    metrics = by_label(usual, "selectbox", "Metric").options
    contenders = by_label(usual, "selectbox", "Contender").options
    look = {
        "live_metric": metrics[-1],
        "live_contender": contenders[-1],
        "live_smoothing": "0.5",
        "live_log": "true",
        "focus": "0",
    }
    app = page(links, "run", result_tab="Curves", **look)
    assert not app.exception
    assert len(metrics) > 1
    assert by_label(app, "selectbox", "Metric").value.replace("_", " ") == metrics[-1]
    assert by_label(app, "selectbox", "Contender").value == contenders[-1]
    assert by_label(app, "slider", "Smoothing").value == 0.5
    assert by_label(app, "toggle", "Log scale").value
    assert "All groups" in [button.label for button in app.button]
    assert "All groups" not in [button.label for button in usual.button]
    # nonsense is the usual view and no traceback
    odd = dict.fromkeys(look, "<b>99</b>")
    app = page(links, "run", result_tab="Curves", earlier="../x", **odd)
    assert not app.exception
    assert by_label(app, "slider", "Smoothing").value == 0
    for label in ("Metric", "Contender"):
        before, now = (by_label(each, "selectbox", label).value for each in (usual, app))
        assert now == before
    assert "All groups" not in [button.label for button in app.button]


def test_a_link_sets_contender_and_estimator(links: dict[str, str]) -> None:
    app = page(links, "run", result_tab="All metrics")
    last = by_label(app, "selectbox", "Contender").options[-1]
    app = page(links, "run", result_tab="All metrics", metric_contender=last)
    assert by_label(app, "selectbox", "Contender").value == last
    app = page(links, "run", result_tab="All metrics", metric_contender="nobody")
    assert not app.exception
    wanted = links["matrix"][:12]
    app = page(links, "run", result_tab="Predicted against measured", estimate=wanted)
    assert by_label(app, "selectbox", "Estimator").value == links["matrix"]
    assert app.query_params["estimate"] in (wanted, [wanted])


def test_a_cell_holds_a_value_with_its_error() -> None:
    table = pd.DataFrame(
        {
            "task": ["a", "b"],
            "group": [0, 1],
            "metric": ["balanced_accuracy", "mae"],
            "chosen": [0.81234, 12.0],
            "gain: chosen": [0.0312, float("nan")],
            "± chosen": [0.0123, float("nan")],
            "± gain: chosen": [0.01, float("nan")],
        }
    )
    assert with_errors(table).to_dict("records") == [
        {
            "task": "a",
            "group": "A",
            "metric": "balanced accuracy",
            "chosen": "0.812 ± 0.012",
            "gain: chosen": "+3.1 ± 1.0 %",
        },
        {"task": "b", "group": "B", "metric": "mae", "chosen": "12.0", "gain: chosen": "–"},
    ]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[JobSpec]:
    """Every job that a page starts, checked as it would be and not run."""
    found: list[JobSpec] = []

    def start(kind: str, spec: dict[str, object], **_: object) -> Job:
        found.append(parse_spec(kind, spec))
        return Job(f"{len(found):012x}", kind, "", spec, "queued")

    monkeypatch.setattr("taskviz.ui.job_panel.start_job", start)
    return found


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()


def test_several_scenarios_become_several_runs(
    links: dict[str, str], started: list[JobSpec]
) -> None:
    app = page(links, "matrix", "plan")
    next(box for box in app.multiselect if "Queue" in box.label).select("all in one").run()
    press(app, "Start 2 runs")
    assert [len(spec.to_json()["grouping"]["groups"]) for spec in started] == [2, 1]
    assert {spec.to_json()["seeds"] for spec in started} == {3}
    assert app.query_params["run"] in (f"{1:012x}", [f"{1:012x}"])


def test_the_papers_comparison_is_one_click(links: dict[str, str], started: list[JobSpec]) -> None:
    press(page(links, "matrix", "plan"), "Two groups by SCA")
    press(page(links, "matrix", "plan"), "The groups above")
    by_sca, by_plan = (spec.to_json() for spec in started)
    assert by_sca["paper"] is by_plan["paper"] is True
    assert not by_sca["grouping"]
    assert len(by_plan["grouping"]["groups"]) == 2


def test_epochs_are_added_as_a_new_run(
    links: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def extend(job: str, epochs: int, store: JobStore) -> Job:
        asked.append((job, epochs))
        return store.get(job)

    monkeypatch.setattr("taskviz.ui.training_results.extend_job", extend)
    app = page(links, "run")
    next(box for box in app.number_input if box.label == "Add epochs").set_value(7).run()
    press(app, "Train on")
    assert asked == [(links["run"], 7)]


@pytest.mark.parametrize(
    ("label", "value", "said"),
    [
        ("Epochs", 0, "Epochs is 0: it must be from 1 to 100000."),
        ("Epochs", -5, "Epochs is -5: it must be from 1 to 100000."),
        ("Epochs", 999999999, "Epochs is 999999999: it must be from 1 to 100000."),
        ("Seeds", 5000, "Seeds is 5000: it must be from 1 to 100."),
        ("Random groupings", -1, "Random groupings is -1: it must be from 0 to 100."),
    ],
)
def test_a_number_that_cannot_be_is_said_and_nothing_starts(
    links: dict[str, str], label: str, value: int, said: str
) -> None:
    app = page(links, "matrix", "plan")
    by_label(app, "number_input", label).set_value(value).run()
    assert not app.exception
    assert said in [error.value for error in app.error]
    assert "each from" not in words(app)
    assert "networks ·" not in words(app)
    starts = ("Start training", "Two groups by SCA", "The groups above")
    assert all(button.disabled for button in app.button if button.label in starts)


def test_no_random_grouping_is_a_choice(links: dict[str, str], started: list[JobSpec]) -> None:
    app = page(links, "matrix", "plan")
    by_label(app, "number_input", "Random groupings").set_value(0).run()
    assert not app.error
    assert "all tasks together and each alone, each from 3 seeds" in words(app)
    press(app, "Start training")
    assert started[0].to_json()["random_draws"] == 0


def test_another_run_begins_with_the_settings_of_the_last(links: dict[str, str]) -> None:
    app = page(links, "matrix", "plan")
    wanted = {"Seeds": 1, "First seed": 4, "Random groupings": 2, "Epochs": 7}
    for label, value in wanted.items():
        by_label(app, "number_input", label).set_value(value)
    box = by_label(app, "selectbox", "Weighting")
    box.select(box.options[3]).run()
    weighting = by_label(app, "selectbox", "Weighting").value
    assert weighting != "equal"
    by_label(app, "toggle", "Train the baselines too").set_value(False).run()
    # As a start does: the form gives way to the run, then comes back.
    app.query_params["run"] = links["run"]
    app.run()
    assert "Seeds" not in [box.label for box in app.number_input]
    press(app, "Set up another run")
    assert {label: by_label(app, "number_input", label).value for label in wanted} == wanted
    assert by_label(app, "selectbox", "Weighting").value == weighting
    assert not by_label(app, "toggle", "Train the baselines too").value


def no_result(links: dict[str, str], state: str, **result: str) -> str:
    """A run that ended without a result, after losses from 1 to 4e18."""
    store = JobStore(Cache(os.environ["TASKVIZ_CACHE"]))
    plan = store.get(links["run"]).spec
    job = store.add("training", plan, "Training of linnerud", "cpu")
    about = {"group": 0, "task": "Weight", "metric": "loss", "seed": 0, "contender": "chosen"}
    points = [
        {**about, "split": split, "step": step, "value": value}
        for step, value in enumerate((1.0, 2.0, 4e18), 1)
        for split in ("train", "valid")
    ]
    report = {"progress": 0.1, "stage": "Training", "message": "", "seconds_left": None}
    store.report(job.id, job.attempt, points=points, **report)
    if state != "running":
        store.finish(job.id, job.attempt, state, result=result, error="The loss exploded.")
    return job.id


def kinds(app: AppTest) -> dict[str, str]:
    return {button.label: button.proto.type for button in app.button}


def test_a_failure_by_its_settings_leads_back_to_them(links: dict[str, str]) -> None:
    app = page({**links, "run": no_result(links, "failed", cause="settings")}, "run")
    assert not app.exception
    assert kinds(app)["Set up another run"] == "primary"
    assert kinds(app)["Try again"] == "secondary"
    other = page({**links, "run": no_result(links, "failed")}, "run")
    assert kinds(other)["Set up another run"] == "secondary"
    assert kinds(other)["Try again"] == "primary"


def test_losses_over_many_decades_begin_on_a_logarithmic_axis(links: dict[str, str]) -> None:
    run = {**links, "run": no_result(links, "failed")}
    app = page(run, "run")
    assert by_label(app, "toggle", "Log scale").value
    by_label(app, "toggle", "Log scale").set_value(False).run()
    app.run()
    assert not by_label(app, "toggle", "Log scale").value
    assert not by_label(page(run, "run", live_log="false"), "toggle", "Log scale").value
    usual = page(links, "run", result_tab="Curves")
    assert not by_label(usual, "toggle", "Log scale").value


def test_only_a_run_that_goes_on_is_best_so_far(
    links: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []
    drawn = curves.training_curves

    def draw(*given: Any, **settings: Any) -> Any:
        told.append(settings)
        return drawn(*given, **settings)

    monkeypatch.setattr(curves, "training_curves", draw)
    page(links, "run", result_tab="Curves")
    store = JobStore(Cache(os.environ["TASKVIZ_CACHE"]))
    found = read_training(store.get(links["run"]).result["results"]["chosen"], store.cache)
    assert [each["kept"] for each in told] == [[n.best_step] for n in found.networks]
    for state, over in (("running", False), ("failed", True), ("cancelled", True)):
        told.clear()
        page({**links, "run": no_result(links, state)}, "run")
        assert [(each["kept"], each["over"]) for each in told] == [(None, over)]


def test_a_running_training_is_not_asked_for(links: dict[str, str]) -> None:
    said = words(page({**links, "run": no_result(links, "running")}, "run"))
    assert "The training is still running." in said
    assert "Train the groups first." not in said


def test_no_words_of_the_form_depend_on_where_it_stands(links: dict[str, str]) -> None:
    said = words(page(links, "matrix", "plan"))
    assert "seeds and options of this page" in said
    assert "at the right" not in said
