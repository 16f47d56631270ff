"""The evidence study on losses made up to have a known answer."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evidence import measure as study
from benchmarks.evidence.estimators import FROM_NETWORKS, WITHOUT
from benchmarks.evidence.field import Field
from benchmarks.evidence.markdown import markdown
from benchmarks.evidence.settings import DEVELOPED_ON, HELD_OUT, Setting
from benchmarks.evidence.summary import summary
from benchmarks.evidence.verdicts import calls, verdicts
from taskviz.cache import Cache
from taskviz.evidence.plans import membership_of
from taskviz.evidence.truth import Truth

TASKS = tuple("abcdef")
CODES = np.arange(1, 64)


def field_of(noise: float, effect: float) -> Field:
    """a, b, c hurt d, e, f and the other way round."""
    rng = np.random.default_rng(0)
    inside = membership_of(CODES, 6)
    family = np.arange(6) < 3
    first, second = inside[:, family].sum(axis=1), inside[:, ~family].sum(axis=1)
    strangers = np.where(family, second[:, None], first[:, None])
    parts = []
    for _ in range(2):
        losses = 1 + effect * strangers + noise * rng.normal(size=(10, 63, 6))
        parts.append(np.where(inside, losses, np.nan))
    return Field(Truth(TASKS, tuple(range(10)), CODES, parts[0], parts[1]))


@pytest.mark.parametrize("name", FROM_NETWORKS)
def test_what_is_there_is_found(name: str) -> None:
    field, others = field_of(0.01, 0.1), np.arange(5, 10)
    assert field.ceiling == pytest.approx(1, abs=0.05)
    sums = FROM_NETWORKS[name][1](field, list(range(5)), 0)
    assert np.isfinite(sums[1:]).all()
    plans = field.chosen(sums)
    share = (field.random(others) - field.achieved(plans, others)) / field.reachable
    # HOA averages pairs: a group of four may look as good as one of three.
    assert share > 0.8


def test_verdicts_are_yes_where_grouping_matters_and_not_where_it_does_not() -> None:
    orders = [np.random.default_rng(i).permutation(10) for i in range(12)]
    there, absent = verdicts(field_of(0.01, 0.1), orders), verdicts(field_of(0.05, 0.0), orders)
    assert {one["verdict"] for one in there} == {"yes"}
    assert all(one["later"] > 0 for one in there)
    assert sum(one["verdict"] == "yes" for one in absent) <= 1
    found = calls([{"verdicts": there + absent}])
    assert found["cases"] == 24
    assert found["yes: later beat random"] > 0.9


def test_the_two_parts_of_the_study_share_no_collection() -> None:
    developed = {setting.built_in for setting in DEVELOPED_ON}
    assert not developed & {setting.built_in for setting in HELD_OUT}


def test_a_setting_is_measured_and_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A real one, in few networks: four tasks, four seeds, one epoch."""
    monkeypatch.setattr(study, "NETWORK", replace(study.NETWORK, epochs=1, width=2))
    setting = Setting("tumours", "tumours", (0, 4))
    rows = [study.measure(setting, 0, Cache(tmp_path), draws=2, seeds=4)]
    assert set(rows[0]["captured"]) == set(WITHOUT) | set(FROM_NETWORKS)
    assert np.isfinite(list(rows[0]["gain"].values())).all()
    found = {
        "date": "today",
        "machine": "here",
        "seconds": 1.0,
        "settings": rows,
        "summary": summary(rows),
        "verdicts": calls(rows),
    }
    assert "| tumours, split 0 | 4 | 569 |" in markdown(found, "A title")
