"""Drafts and comments: kept, shared, capped; nobody's words are lost or run."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from taskviz.cache import Cache
from taskviz.report.design import Design
from taskviz.ui import comments, drafts
from taskviz.ui.comments import add_comment, comments_of
from taskviz.ui.drafts import Draft, change_draft, list_drafts, read_draft
from taskviz.values import TaskvizError


def noted(place: str, text: str):  # type: ignore[no-untyped-def]
    return lambda draft: replace(draft, design=draft.design.with_note(place, text))


def test_a_draft_is_found_by_another_process(tmp_path: Path) -> None:
    begin = Draft(about="yeast", matrices=("k",), runs=("job",))
    key = change_draft(Cache(tmp_path), None, noted("groups", "**why**"), begin)
    found = read_draft(Cache(tmp_path), key)
    assert found is not None
    assert found.design.notes == {"groups": "**why**"}
    assert (found.about, found.matrices, found.runs) == ("yeast", ("k",), ("job",))
    assert list(list_drafts(Cache(tmp_path), "yeast")) == [key]
    assert list_drafts(Cache(tmp_path), "digits") == {}


def test_two_tabs_keep_each_others_notes(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    key = change_draft(cache, None, noted("place 0", "x"), Draft())
    threads = [
        threading.Thread(target=change_draft, args=(cache, key, noted(f"place {i}", "y"), Draft()))
        for i in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read_draft(cache, key)
    assert found is not None
    assert set(found.design.notes) == {f"place {i}" for i in range(9)}


@pytest.mark.parametrize("key", ["../../etc/passwd", "", None, "zz", "a" * 25, "A" * 24])
def test_a_key_of_a_link_is_no_path(tmp_path: Path, key: str | None) -> None:
    assert read_draft(Cache(tmp_path), key) is None
    made = change_draft(Cache(tmp_path), key, noted("groups", "x"), Draft())
    assert made != key
    assert {path.parent.name for path in tmp_path.rglob("*.json")} == {"drafts"}


def test_a_damaged_draft_is_none_and_old_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path)
    key = change_draft(cache, None, noted("groups", "x"), Draft(about="a"))
    (tmp_path / "drafts" / f"{key}.json").write_text('{"design": 3}')
    assert read_draft(cache, key) is None
    monkeypatch.setattr(drafts, "MOST_DRAFTS", 3)
    for i in range(5):
        change_draft(cache, None, noted("groups", str(i)), Draft(about="a"))
    assert len(list((tmp_path / "drafts").glob("*.json"))) == 3


def test_a_note_that_is_too_long_changes_nothing(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    key = change_draft(cache, None, noted("groups", "x"), Draft())
    with pytest.raises(TaskvizError, match="at most"):
        change_draft(cache, key, noted("groups", "x" * 20_001), Draft())
    assert read_draft(cache, key).design == Design(notes={"groups": "x"})  # type: ignore[union-attr]


def test_comments_have_name_and_time_and_come_in_order(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    add_comment(cache, "s1", " Ada  L ", "first <b>")
    add_comment(cache, "s1", "Bob", "first <b>")
    add_comment(cache, "s2", "Eve", "elsewhere")
    found = comments_of(Cache(tmp_path), "s1")
    assert [(c.author, c.text) for c in found] == [("Ada L", "first <b>"), ("Bob", "first <b>")]
    assert 1.7e9 < found[0].created <= found[1].created


def test_comments_are_capped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path)
    for author, words in (("", "x"), ("a", " "), ("a" * 61, "x"), ("a", "x" * 2001)):
        with pytest.raises(TaskvizError):
            add_comment(cache, "s", author, words)
    monkeypatch.setattr(comments, "MOST_COMMENTS", 4)
    refused = []

    def say(number: int) -> None:
        try:
            add_comment(cache, "s", f"n{number}", "x")
        except TaskvizError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=say, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(comments_of(cache, "s")) == 4
    assert len(refused) == 4
    assert "4 comments on this scenario already" in refused[0]
