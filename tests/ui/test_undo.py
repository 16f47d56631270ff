import hypothesis.strategies as st
from hypothesis import given

from taskviz.ui.undo import MOST_STEPS, History


def test_undo_and_redo_walk_the_same_states() -> None:
    history = History(0)
    assert not history.undo()
    assert not history.redo()
    for state in (1, 2, 3):
        assert history.push(state)
    assert not history.push(3)
    seen = [history.present]
    while history.undo():
        seen.append(history.present)
    assert seen == [3, 2, 1, 0]
    assert history.redo()
    assert history.present == 1
    history.push(9)
    assert not history.redo()
    assert history.undo()
    assert history.present == 1


@given(st.lists(st.sampled_from(["undo", "redo", 1, 2, 3])))
def test_it_is_a_list_with_a_cursor(steps: list[object]) -> None:
    history: History[object] = History(0)
    line, cursor = [0], 0
    for step in steps:
        if step == "undo":
            assert history.undo() == (cursor > 0)
            cursor = max(cursor - 1, 0)
        elif step == "redo":
            assert history.redo() == (cursor < len(line) - 1)
            cursor = min(cursor + 1, len(line) - 1)
        elif history.push(step):
            line = [*line[: cursor + 1], step]
            cursor += 1
        assert history.present == line[cursor]


def test_it_forgets_what_is_too_old() -> None:
    history = History(0)
    for state in range(1, 2 * MOST_STEPS):
        history.push(state)
    assert len(history.past) == MOST_STEPS
