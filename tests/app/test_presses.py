"""A press is never lost to what the page finds out by itself in the run that brings the press."""

import ast
import os

from app_pages_under_test import ROOT, open_app
from streamlit.testing.v1 import AppTest

from taskviz.jobs import Job, JobStore
from taskviz.jobs.process import Identity
from taskviz.jobs.webhook import webhook
from taskviz.verbs import affinity_key, compute_affinity, load_collection


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def waiting(jobs: JobStore, kind: str) -> Job:
    return jobs.add(kind, {"collection": {"reference": "linnerud"}}, "before", "cpu")


def end(jobs: JobStore, job: Job, **result: str) -> None:
    """Play its worker to the end."""
    job = jobs.attach(job.id, Identity.of(os.getpid()))
    assert jobs.take_lease(job)
    jobs.finish(job.id, job.attempt, "done", result=result)


def test_a_press_beside_the_end_of_a_job(jobs: JobStore) -> None:
    before = waiting(jobs, "affinity")
    app = open_app("landscape", collection="linnerud")
    assert app.session_state["live_jobs"] == {before.id}
    end(jobs, before)
    press(app, "Measure the landscape")
    assert {job.kind for job in jobs.list()} == {"affinity", "landscape"}


def test_a_press_on_the_jobs_page_beside_the_end_of_the_last_job(jobs: JobStore) -> None:
    before = waiting(jobs, "affinity")
    app = open_app("jobs")
    end(jobs, before)
    app.text_input(key="webhook_url").set_value("https://example.org/hook")
    press(app, "Keep")
    assert webhook(jobs.cache) == "https://example.org/hook"


def test_a_press_beside_the_end_of_the_measurement(jobs: JobStore) -> None:
    linnerud = load_collection("linnerud")
    keys = []
    for width in (8, 16):
        compute_affinity(linnerud, "gradient-cosine", cache=jobs.cache, inits=2, width=width)
        keys.append(affinity_key(linnerud, "gradient-cosine", inits=2, width=width))
    before = waiting(jobs, "answer")
    app = open_app("affinity", collection="linnerud", ask=before.id, matrix=keys[1])
    end(jobs, before, affinity=keys[0])
    press(app, "Find groups")
    assert [title.value for title in app.title] == ["Groups"]
    assert app.query_params["matrix"] in (keys[0], [keys[0]])


def test_all_that_draws_itself_again_knows_whether_the_page_is_drawn() -> None:
    """One place times fragments; whoever asks it is told when not to ask for the whole page."""
    files = [*ROOT.glob("app_pages/*.py"), *ROOT.glob("taskviz/ui/**/*.py")]
    timed = [file.name for file in files if "run_every" in file.read_text(encoding="utf-8")]
    assert timed == ["polling.py"]


def test_every_button_keeps_its_press() -> None:
    """Through ``presses``, unless a callback acts on it or it does nothing."""
    bare = []
    for file in [*ROOT.glob("app_pages/*.py"), *ROOT.glob("taskviz/ui/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr not in ("button", "form_submit_button"):
                continue
            ours = isinstance(node.func.value, ast.Name) and node.func.value.id == "presses"
            acts = {word.arg for word in node.keywords} & {"on_click", "disabled"}
            if not ours and not acts and file.name != "presses.py":
                bare.append(f"{file.name}:{node.lineno}")
    assert bare == []
