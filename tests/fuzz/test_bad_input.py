"""A few hundred bad inputs in each run of the tests; ``python -m benchmarks fuzz`` runs thousands.

``TASKVIZ_FUZZ_CASES`` sets how many of each target are tried here.
"""

import os
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fuzz.campaign import Tally, run_target, table
from benchmarks.fuzz.mutate import WORDS, mutate_bytes, mutate_plain
from benchmarks.fuzz.seeds import COLLECTIONS
from benchmarks.fuzz.targets import TARGETS, attempt
from taskviz.cache import Cache
from taskviz.data import open_collection

CASES = int(os.environ.get("TASKVIZ_FUZZ_CASES", "0"))
DEAR = {"command": 6, "images": 6, "upload": 10, "smiles": 10, "mimic": 8, "wfdb": 10, "qm9": 10}


@pytest.mark.parametrize("name", list(TARGETS))
@pytest.mark.filterwarnings("ignore")
def test_bad_input_is_taken_or_refused_in_one_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path / "cache"))
    case, failures = TARGETS[name](), []
    for i in range(CASES or DEAR.get(name, 25)):
        folder = tmp_path / str(i)
        folder.mkdir()
        # Other cases than the first ones of the campaign.
        rng = np.random.default_rng([zlib.crc32(name.encode()), 1_000_000 + i])
        start = time.monotonic()
        outcome, said = attempt(case, rng, folder)
        if outcome == "failed":
            failures.append((i, said))
        assert time.monotonic() - start < 60, f"case {i} hangs"
    assert failures == []


@pytest.mark.parametrize("name", list(COLLECTIONS))
@pytest.mark.filterwarnings("ignore")
def test_what_is_mutated_was_good(name: str, tmp_path: Path) -> None:
    """Mutations of an input that is refused anyway would try nothing."""
    for file, data in COLLECTIONS[name]().items():
        path = tmp_path / "tree" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    found = open_collection(str(tmp_path / "tree"), Cache(tmp_path / "cache"))
    assert len(found.tasks) > 1
    for block in found.samples:
        assert len(block.inputs[np.arange(2)]) == 2


def test_the_campaign_sees_what_goes_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A fuzzer that cannot fail finds nothing."""

    def careless(rng: np.random.Generator, folder: Path) -> bool:
        raise KeyError("traceback on the page")

    assert attempt(careless, np.random.default_rng(0), tmp_path)[0] == "failed"
    tally = Tally()
    tally.add({"case": 0, "outcome": "taken", "seconds": 11.0, "bytes": 0})
    tally.add({"case": 1, "outcome": "refused", "seconds": 0.1, "bytes": 2_000_000_000})
    tally.add({"case": 2, "outcome": "taken", "seconds": 0.1, "bytes": 5})
    assert tally.outcomes == {"failed": 2, "taken": 1}
    assert "| x | 3 | 1 | 0 | 2 | 11.00 | 2000 |" in table({"x": tally})


def test_a_worker_process_runs_cases() -> None:
    tally = run_target("grouping", 5)
    assert sum(tally.outcomes.values()) == 5
    assert tally.failures == []


def test_mutations_repeat_and_change() -> None:
    data = b"a,b\n1,2\n3,4\n"
    first = [mutate_bytes(data, np.random.default_rng(i)) for i in range(50)]
    assert first == [mutate_bytes(data, np.random.default_rng(i)) for i in range(50)]
    assert sum(found != data for found in first) > 40
    plain = {"a": [1, {"b": 2}], "c": "d"}
    changed = [mutate_plain(plain, np.random.default_rng(i)) for i in range(50)]
    assert sum(repr(found) != repr(plain) for found in changed) > 45
    assert plain == {"a": [1, {"b": 2}], "c": "d"}, "never in place"
    assert len(set(WORDS)) == len(WORDS)
