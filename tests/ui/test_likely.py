"""A time that past jobs have corrected, as pages tell it."""

import pytest

from taskviz.jobs.past_costs import Calibration
from taskviz.ui import store


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (Calibration(), ""),
        (Calibration(2.0, None, 1), "about 40 s by 1 past job"),
        (Calibration(2.0, 1.456, 3), "about 40 s by 3 past jobs, usually within a factor of 1.5"),
        (Calibration(0.01, None, 1), "under 1 s by 1 past job"),
    ],
)
def test_a_time_is_told_in_words_once(
    known: Calibration, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_calibration", lambda *_: known)
    assert store.likely(20.0, "affinity", "sca", {}) == told
    assert store.likely(None, "affinity", "sca", {}) == ""
