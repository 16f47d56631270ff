"""Schedules, clipping, TF32 and half precision, compilation, and what suits a modality."""

import math
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch

from taskviz.data.tensors import to_tensors
from taskviz.training import precision
from taskviz.training.defaults import modality_defaults, with_defaults
from taskviz.training.group import train_group
from taskviz.training.options import TrainingOptions
from taskviz.training.schedule import FLOOR, rate_factor
from taskviz.training.trainer import GroupTrainer
from taskviz.values import TaskvizError, parse_options

OPTIONS = TrainingOptions(epochs=4, patience=0, width=8, batch_size=16, learning_rate=0.02)


def test_schedules_in_closed_form():
    plain = replace(OPTIONS, epochs=100)
    assert {rate_factor(plain, passed) for passed in (0, 50, 1000)} == {1.0}
    cosine = replace(plain, schedule="cosine")
    assert rate_factor(cosine, 0) == 1
    assert rate_factor(cosine, 50) == pytest.approx((1 + FLOOR) / 2)
    # Epochs that are added keep the last rate, which is not nothing.
    assert rate_factor(cosine, 100) == rate_factor(cosine, 130) == pytest.approx(FLOOR)
    step = replace(plain, schedule="step")
    assert [rate_factor(step, p) for p in (49, 50, 74.9, 75, 200)] == [1, 0.1, 0.1, 0.01, 0.01]
    warm = replace(cosine, warmup=10)
    assert 0 < rate_factor(warm, 0) < 0.01
    assert rate_factor(warm, 5) == pytest.approx(0.5, abs=0.01)
    assert rate_factor(warm, 10) == 1
    assert rate_factor(warm, 55) == pytest.approx((1 + FLOOR) / 2)


def test_the_optimizer_follows_the_schedule(toy):
    trainer = GroupTrainer(
        to_tensors(toy), range(4), replace(OPTIONS, schedule="step", epochs=4, batch_size=1000)
    )
    rates = []
    for _ in range(5):
        trainer.run_epoch()
        rates.append(trainer.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.02, 0.02, 0.002, 0.0002, 0.0002])


def test_clipping_bounds_the_step(toy):
    options = replace(OPTIONS, optimizer="sgd", learning_rate=1.0, clip=0.01, batch_size=1000)
    trainer = GroupTrainer(to_tensors(toy), range(4), options)
    before = trainer.weights()
    trainer.run_epoch()
    after = trainer.weights()
    moved = math.sqrt(sum(float((after[n] - before[n]).square().sum()) for n in before))
    assert moved == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("kind", ["bf16", "fp16"])
@pytest.mark.parametrize("weighting", ["equal", "uw", "gradnorm", "pcgrad", "mgda"])
def test_half_precision_trains_like_full(toy, monkeypatch, kind, weighting):
    """On the CPU, where it is not offered, since the code is the same as on CUDA."""
    data = to_tensors(toy)
    full = train_group(data, range(4), OPTIONS, weighting=weighting)
    monkeypatch.setattr(precision, "DEVICES", ("cpu",))
    options = replace(OPTIONS, precision=kind)
    half = train_group(data, range(4), options, weighting=weighting)

    def last(outcome):
        return sum(
            row["value"]
            for row in outcome.history
            if (row["step"], row["split"], row["metric"]) == (4, "valid", "loss")
        )

    assert half.history != full.history
    assert last(half) == pytest.approx(last(full), rel=0.1)


def test_half_precision_where_it_is_not_used_says_so(toy):
    outcome = train_group(to_tensors(toy), [0, 1], replace(OPTIONS, precision="bf16"))
    assert any("on CUDA only: this was trained in full precision" in n for n in outcome.notes)
    assert outcome.history == train_group(to_tensors(toy), [0, 1], OPTIONS).history


def set_now() -> tuple[str, bool]:
    return torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("tf32", ("high", True)), ("full", ("highest", False)), ("bf16", ("highest", False))],
)
def test_products_are_as_asked_for_while_it_trains(toy, monkeypatch, kind, expected):
    """PyTorch lets convolutions use TF32 unless told otherwise: full is full."""
    monkeypatch.setattr(precision, "DEVICES", ("cpu",))
    seen, run = [], GroupTrainer.run_epoch

    def look(trainer, *given):
        seen.append(set_now())
        return run(trainer, *given)

    monkeypatch.setattr(GroupTrainer, "run_epoch", look)
    before = set_now()
    train_group(to_tensors(toy), [0, 1], replace(OPTIONS, precision=kind))
    assert set(seen) == {expected}
    assert set_now() == before

    def fail(trainer, *given):
        raise TaskvizError("no more")

    monkeypatch.setattr(GroupTrainer, "run_epoch", fail)
    with pytest.raises(TaskvizError):
        train_group(to_tensors(toy), [0, 1], replace(OPTIONS, precision=kind))
    assert set_now() == before


def test_tf32_where_it_is_not_used_says_so(toy, monkeypatch):
    outcome = train_group(to_tensors(toy), [0, 1], replace(OPTIONS, precision="tf32"))
    assert "TF32 is used on CUDA only: this was trained in full precision." in outcome.notes
    assert outcome.history == train_group(to_tensors(toy), [0, 1], OPTIONS).history
    card = torch.device("cuda:1")
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext(device))
    monkeypatch.setattr(torch.cuda, "is_tf32_supported", lambda: False)
    assert "compute capability 8.0" in precision.precision_note("tf32", card)
    monkeypatch.setattr(torch.cuda, "is_tf32_supported", lambda: True)
    assert precision.precision_note("tf32", card) is None


def test_the_trunk_can_be_compiled(toy, monkeypatch):
    plain, compiled = train_group(to_tensors(toy), [0, 1], OPTIONS), torch.compile
    seen = []

    def eager(module):
        seen.append(module)
        return compiled(module, backend="eager")

    monkeypatch.setattr(torch, "compile", eager)
    for weighting in ("equal", "pcgrad"):
        train_group(to_tensors(toy), [0, 1], replace(OPTIONS, compile=True), weighting=weighting)
    same = train_group(to_tensors(toy), [0, 1], replace(OPTIONS, compile=True))
    assert len(seen) == 3
    assert same.history == plain.history
    assert same.network.weights.keys() == plain.network.weights.keys()


def test_a_backend_that_fails_is_one_sentence(toy, monkeypatch):
    compiled = torch.compile

    def broken(graph, inputs):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch, "compile", lambda module: compiled(module, backend=broken))
    with pytest.raises(TaskvizError, match=r"torch.compile cannot be used here.*switch the option"):
        train_group(to_tensors(toy), [0, 1], replace(OPTIONS, compile=True))


def test_defaults_of_a_modality_give_way_to_what_is_asked_for():
    assert modality_defaults("table") == {}
    for modality in ("image", "series", "graph", "nodes"):
        parse_options(TrainingOptions, modality_defaults(modality), "training")
    assert with_defaults("series", {"clip": 0.0, "batch-size": 8}) == {
        "schedule": "cosine", "warmup": 1, "clip": 0.0, "batch_size": 8,
    }  # fmt: skip
