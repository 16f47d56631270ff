"""Trainings in real workers: the paper's comparison, a pause, epochs added."""

import pytest

from taskviz.jobs import cancel_job, extend_job, pause_job, resume_job, start_job
from taskviz.training.sentences import summary_sentences
from taskviz.values import TaskvizError
from taskviz.verbs import read_affinity, read_training


def done(store, job, wait_until):
    wait_until(lambda: not store.get(job.id).live, 240)
    found = store.get(job.id)
    assert found.state == "done", (found.error, store.log_tail(job.id))
    return found


def test_the_papers_comparison_is_one_job(job_store, wait_until):
    spec = {
        "collection": {"reference": "linnerud"},
        "paper": True,
        "seeds": 2,
        "options": {"epochs": 3, "width": 4, "patience": 0},
    }
    found = done(job_store, start_job("training", spec, store=job_store), wait_until)
    keys = found.result["results"]
    first, *rest = keys
    assert rest == ["standard MTL", "GradNorm", "UW", "PCGrad", "Nash-MTL", "all-separate"]
    results = {label: read_training(key, job_store.cache) for label, key in keys.items()}
    assert [r.settings["weighting"] for r in results.values()] == [
        "equal", "equal", "gradnorm", "uw", "pcgrad", "nash-mtl", "equal",
    ]  # fmt: skip
    assert all(result.seeds == (0, 1) for result in results.values())
    # SCA and GAT + GMM may find fewer groups than two among three tasks; the label says how many.
    count = len(results[first].grouping.groups)
    assert first == f"SCA, {count} group{'s' * (count > 1)}"
    assert read_affinity(found.result["affinity"], job_store.cache).method == "sca"
    words = " ".join(summary_sentences(results))
    for label in ("standard MTL", "GradNorm", "UW", "PCGrad", "Nash-MTL"):
        assert label in words
    points = [point for _, point in job_store.metrics(found.id)]
    assert {point["seed"] for point in points} == {0, 1}


def test_a_pause_keeps_the_state_and_epochs_are_added(job_store, wait_until):
    spec = {
        "collection": {"reference": "linnerud"},
        "grouping": {"groups": [["Weight", "Waist", "Pulse"]]},
        "baselines": False,
        "options": {"epochs": 6000, "patience": 0, "width": 4},
    }
    job = start_job("training", spec, store=job_store)
    wait_until(lambda: len(job_store.metrics(job.id)) > 40 or not job_store.get(job.id).live)
    pause_job(job.id, job_store)
    wait_until(lambda: not job_store.get(job.id).live)
    paused = job_store.get(job.id)
    assert paused.state == "paused"
    files = (job_store.root / "checkpoints").glob("*/*/*.safetensors")
    paused_at = max(int(file.name[:7]) for file in files)
    assert 0 < paused_at < 6000
    # It says where it goes on, and every epoch so far was told.
    assert f"epoch {paused_at} of at most 6000" in paused.message
    assert max(point["step"] for _, point in job_store.metrics(job.id)) == paused_at
    resume_job(job.id, job_store)
    found = done(job_store, job, wait_until)
    assert found.attempt == 2
    whole = read_training(found.result["results"]["chosen"], job_store.cache)

    added = done(job_store, extend_job(job.id, 20, job_store), wait_until)
    assert added.title.endswith("(+20 epochs)")
    longer = read_training(added.result["results"]["chosen"], job_store.cache)
    assert longer.history["step"].max() == 6020
    assert (
        longer.history[longer.history["step"] <= 6000].reset_index(drop=True).equals(whole.history)
    )
    again = extend_job(added.id, 5, job_store)
    assert again.title.endswith("(+25 epochs)")
    cancel_job(again.id, job_store)
    wait_until(lambda: not job_store.get(again.id).live)
    with pytest.raises(TaskvizError, match="whole number from 1"):
        extend_job(job.id, 0, job_store)
    if job_store.get(again.id).state == "cancelled":
        with pytest.raises(TaskvizError, match="epochs can be added to a training that is done"):
            extend_job(again.id, 1, job_store)
