"""The worked examples of the documentation, run as they are printed."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import invalidate_caches
from pathlib import Path
from types import ModuleType

import pytest
from affinity import test_every_estimator as every

import taskviz.affinity
import taskviz.grouping
from taskviz.affinity import ESTIMATORS
from taskviz.grouping import GROUPERS
from taskviz.values import TaskCollection

PAGES = Path(__file__).resolve().parents[2] / "docs" / "extending"


def blocks(page: str) -> list[str]:
    """The Python on a page."""
    return re.findall(r"^```python\n(.*?)^```", (PAGES / page).read_text("utf-8"), re.M | re.S)


@contextmanager
def added(
    package: ModuleType,
    file: str,
    source: str,
    line: str,
    registry: dict[str, str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """A method as if its file lay in its room and its line stood in the registry; its name."""
    (folder / file).write_text(source, encoding="utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    invalidate_caches()
    before = dict(registry)
    try:
        exec(line, {"ESTIMATORS": registry, "GROUPERS": registry})
        (name,) = set(registry) - set(before)
        yield name
    finally:
        registry.clear()
        registry.update(before)


def run_tests(source: str) -> int:
    """Call every test of a block; how many there were."""
    names: dict[str, object] = {}
    exec(source, names)
    tests = [made for name, made in names.items() if name.startswith("test_")]
    for test in tests:
        assert callable(test)
        test()
    return len(tests)


def test_the_estimator(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    toy: TaskCollection,
    toy_factory: Callable[..., TaskCollection],
) -> None:
    source, line, tests = blocks("estimator.md")
    file = "distance_correlation.py"
    assert f"taskviz/affinity/{file}" in (PAGES / "estimator.md").read_text("utf-8")
    with added(taskviz.affinity, file, source, line, ESTIMATORS, tmp_path, monkeypatch) as name:
        assert run_tests(tests) == 3
        every.test_says_what_it_is(name)
        every.test_runs_on_mixed_kinds_with_missing_labels_and_repeats_bit_for_bit(
            name, toy_factory
        )
        every.test_a_restored_estimator_predicts_the_same(name, toy)
        every.test_bad_groups_are_refused(name, toy)
        every.test_two_tasks_are_enough(name, toy)
        every.test_seeds_matter_where_chance_does(name, toy)


def test_the_grouper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, line, tests = blocks("grouper.md")
    file = "average_linkage.py"
    assert f"taskviz/grouping/{file}" in (PAGES / "grouper.md").read_text("utf-8")
    with added(taskviz.grouping, file, source, line, GROUPERS, tmp_path, monkeypatch):
        assert run_tests(tests) == 1
