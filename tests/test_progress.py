import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskviz.progress import SILENT, Progress
from taskviz.values import Cancelled


class Noted(Progress):
    def __init__(self):
        self.done, self.points, self.messages, self.titles = 0.0, [], [], []

    def begin(self, title, units):
        self.titles.append(title)

    def advance(self, units=1.0, message=""):
        self.done += units
        self.messages.append(message)

    def record(self, point):
        self.points.append(point)

    def check(self):
        if self.done >= 2:
            raise Cancelled


def test_nobody_listens():
    SILENT.begin("title", 3)
    SILENT.advance()
    SILENT.record({"value": 1.0})
    SILENT.check()
    SILENT.part(0.5).advance()


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=8), st.floats(0.1, 5))
def test_a_part_fills_its_share_whatever_its_units(units, share):
    whole = Noted()
    part = whole.part(share)
    part.begin("inner", sum(units))
    for each in units:
        part.advance(each)
    assert whole.done == pytest.approx(share)


def test_parts_nest_and_keep_the_title_of_the_whole():
    whole = Noted()
    whole.begin("outer", 2)
    part = whole.part(1)
    part.begin("inner", 4)
    for _ in range(4):
        inner = part.part(1)
        inner.begin("innermost", 10)
        for _ in range(10):
            inner.advance(1, "m")
    assert whole.done == pytest.approx(1)
    assert whole.titles == ["outer"]
    assert set(whole.messages) == {"m"}


def test_a_part_hands_on_metrics_and_cancel():
    whole = Noted()
    part = whole.part(1).part(1)
    part.record({"task": "a", "value": 0.5})
    assert whole.points == [{"task": "a", "value": 0.5}]
    part.check()
    whole.advance(2)
    with pytest.raises(Cancelled):
        part.check()


def test_a_part_without_units_divides_by_nothing():
    whole = Noted()
    part = whole.part(1)
    part.begin("empty", 0)
    assert whole.done == 0
