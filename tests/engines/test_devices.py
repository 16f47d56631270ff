"""Branches for CUDA and MPS, on a machine that may have neither: the library is told otherwise."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from taskviz.engines import describe_device, device_use, memory, pick_device
from taskviz.engines.memory import free_memory, give_back
from taskviz.jobs import JobStore, launcher, reckon
from taskviz.optima.comparison import _without_cudnn
from taskviz.optima.l1 import accumulator
from taskviz.training.options import TrainingOptions
from taskviz.training.trainer import GroupTrainer, make_optimizer, seeded
from taskviz.values import TaskCollection, TaskvizError

CARD, APPLE = torch.device("cuda:1"), torch.device("mps")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say which accelerators there are."""

    def say(cuda: bool = False, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return say


@pytest.fixture
def apple(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 100)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 30)


def test_auto_takes_the_best_there_is(
    here: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TASKVIZ_DEVICE")
    here(cuda=True, mps=True)
    assert pick_device("auto") == torch.device("cuda")
    here(mps=True)
    assert pick_device("auto") == APPLE
    here()
    assert pick_device("auto") == torch.device("cpu")
    assert pick_device(CARD) is CARD


def test_a_device_that_is_not_here_is_told_with_those_that_are(
    here: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for machine, told in (
        ({}, r"choose auto or cpu\."),
        ({"mps": True}, r"choose auto or cpu or mps\."),
        ({"cuda": True}, r"choose auto or cpu or cuda:0 or cuda:1\."),
    ):
        here(**machine)
        with pytest.raises(TaskvizError, match=told):
            pick_device("abacus")


def test_the_environment_says_what_auto_takes(
    here: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    here(cuda=True)
    monkeypatch.setenv("TASKVIZ_DEVICE", "cpu")
    assert pick_device("auto") == torch.device("cpu")
    monkeypatch.setenv("TASKVIZ_DEVICE", "auto")
    assert pick_device("auto") == torch.device("cuda")
    monkeypatch.setenv("TASKVIZ_DEVICE", "abacus")
    assert pick_device("cpu") == torch.device("cpu")
    with pytest.raises(TaskvizError, match=r"'abacus' \(of TASKVIZ_DEVICE\) cannot be used here"):
        pick_device("auto")
    with pytest.raises(TaskvizError, match="'abacus' cannot be used here"):
        pick_device("abacus")


@pytest.mark.usefixtures("apple")
def test_what_mps_has() -> None:
    assert free_memory("mps") == 70
    use = device_use(APPLE)
    assert (use.name, use.used, use.whole, use.busy) == ("Apple GPU (mps)", 30, 100, None)


def test_a_card_without_a_management_library_does_not_tell_its_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(device: Any) -> int:
        raise ModuleNotFoundError("pynvml")

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3, 10))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "A card")
    monkeypatch.setattr(torch.cuda, "utilization", missing)
    assert describe_device(CARD) == "A card (cuda:1)"
    assert device_use(CARD).busy is None


def test_memory_is_given_back_to_every_accelerator(
    here: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied: list[str] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append("cuda"))
    monkeypatch.setattr(torch.mps, "empty_cache", lambda: emptied.append("mps"))
    here()
    give_back()
    assert emptied == []
    here(cuda=True, mps=True)
    assert list(memory.halving(2, 2, lambda i, j: _only_one(i, j))) == [0, 1]
    assert emptied == ["cuda", "mps"]


def _only_one(first: int, last: int) -> int:
    if last - first > 1:
        raise torch.OutOfMemoryError("CUDA out of memory")
    return first


def test_what_a_job_used_is_asked_of_its_card(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[torch.device] = []
    monkeypatch.setattr(
        torch.cuda, "max_memory_allocated", lambda device: asked.append(device) or 7
    )
    assert reckon.used("cuda:1") == {"bytes": 7.0, "device": "cuda"}
    assert asked == [CARD]
    assert reckon.used("cpu")["bytes"] > 1e6


def test_cuda_without_a_number_is_the_lease_of_the_first_card(
    job_store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskviz.engines.pick_device", lambda wanted: torch.device(wanted))
    monkeypatch.setattr(launcher, "_launch", lambda store, job: job)
    spec = {
        "collection": {"reference": "linnerud"},
        "method": "covariance-cosine",
        "device": "cuda",
    }
    job = launcher.start_job("affinity", spec, store=job_store)
    assert job.device == "cuda:0"
    assert job.spec["device"] == "cuda:0"


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> list[torch.Generator]:
    """Random streams of two cards that do not exist."""
    found = [torch.Generator().manual_seed(card) for card in range(2)]

    def number(device: Any) -> int:
        return device if isinstance(device, int) else torch.device(device).index or 0

    monkeypatch.setattr(torch.cuda, "default_generators", tuple(found))
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda d: found[number(d)].get_state())
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda s, d: found[number(d)].set_state(s))
    return found


def test_the_stream_of_the_card_in_use_is_seeded_and_put_back(
    cards: list[torch.Generator],
) -> None:
    before = [card.get_state() for card in cards]
    drawn = []
    for _ in range(2):
        with seeded(3, CARD):
            drawn.append((torch.rand(4), torch.rand(4, generator=cards[1])))
            assert torch.equal(cards[0].get_state(), before[0]), "another card's is left alone"
        assert all(torch.equal(c.get_state(), b) for c, b in zip(cards, before, strict=True))
    for first, second in zip(*drawn, strict=True):
        assert torch.equal(first, second)
    with seeded(4, CARD):
        assert not torch.equal(torch.rand(4, generator=cards[1]), drawn[0][1])


def test_a_checkpoint_holds_the_stream_of_the_card(
    cards: list[torch.Generator], toy: TaskCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taskviz.data.tensors import to_tensors

    trainer = GroupTrainer(to_tensors(toy), [0, 1], TrainingOptions(width=4))
    trainer.run_epoch()
    assert trainer.state()["device_stream"] is None
    monkeypatch.setattr(trainer, "data", SimpleNamespace(device=CARD))
    state = trainer.state()
    expected = torch.rand(4, generator=cards[1])
    torch.rand(9, generator=cards[1])
    trainer.load_state(state)
    assert torch.equal(torch.rand(4, generator=cards[1]), expected)


@pytest.mark.parametrize(("kind", "fused"), [("cpu", True), ("cuda", True), ("mps", False)])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_one_kernel_for_all_parameters_where_there_is_one(
    kind: str, fused: bool, optimizer: str
) -> None:
    options = TrainingOptions(optimizer=optimizer)  # type: ignore[arg-type]
    made = make_optimizer(torch.nn.Linear(2, 2), [], options, torch.device(kind))
    assert bool(made.defaults["fused"]) == fused


def test_recurrent_layers_go_without_cudnn_on_cuda() -> None:
    before = torch.backends.cudnn.enabled
    with _without_cudnn(CARD):
        assert not torch.backends.cudnn.enabled
    with _without_cudnn(torch.device("cpu")):
        assert torch.backends.cudnn.enabled == before
    assert torch.backends.cudnn.enabled == before


def test_sums_in_double_precision_are_kept_on_the_host_where_the_device_has_none() -> None:
    assert accumulator(2, 3, device=APPLE).device.type == "cpu"
    assert accumulator(2, device=torch.device("meta")).device.type == "meta"


def test_a_running_job_shows_the_memory_of_its_card(
    here: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from taskviz import engines
    from taskviz.ui import usage

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3e9, 10e9))
    here(cuda=True)
    assert usage._accelerator("cuda:1") == "7 of 10 GB on the device"
    assert usage._accelerator("cpu") == ""
    here()
    assert usage._accelerator("cuda:1") == ""
    said: list[str] = []
    monkeypatch.setattr(usage, "only_host", lambda: False)
    monkeypatch.setattr(engines, "pick_device", lambda wanted: CARD, raising=False)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "A <card>")
    monkeypatch.setattr(torch.cuda, "utilization", lambda device: 40)
    monkeypatch.setattr(usage.st, "caption", said.append)
    usage.device_line()
    assert "7 of 10 GB in use · 40\N{NO-BREAK SPACE}%\N{NO-BREAK SPACE}busy" in said[0]
    assert "<card>" not in said[0]
