"""What colleagues say of a scenario, with name and time; kept in the cache, one artefact each."""

import time
from typing import Final

from filelock import FileLock, Timeout

from taskviz.access import actor
from taskviz.cache import Cache, key_of
from taskviz.report.contents import Comment
from taskviz.values import TaskvizError
from taskviz.values.storage import dumps, read_json, write_text

KIND: Final = "comment"
MOST_AUTHOR, MOST_TEXT, MOST_COMMENTS = 60, 2000, 200
LOCK_SECONDS: Final = 20


def add_comment(cache: Cache, scenario: str, author: str, words: str) -> Comment:
    """Store a comment on a scenario.

    Args:
        scenario: its key.
        author: a name.
        words: plain text.

    Raises:
        TaskvizError: no name or text, too much of it, too many comments, or a full disk.
    """
    actor().must_edit("comment on scenarios")
    author, words = " ".join(author.split()), words.strip()
    if not author or not words:
        raise TaskvizError("A comment needs a name and a text: type both first.")
    if len(author) > MOST_AUTHOR or len(words) > MOST_TEXT:
        raise TaskvizError(
            f"A comment has a name of at most {MOST_AUTHOR} letters and a text of at most "
            f"{MOST_TEXT:,}: shorten it."
        )
    locks = cache.root / "locks"
    try:
        locks.mkdir(parents=True, exist_ok=True)
        # Two at a time must not both be the last that is allowed.
        with FileLock(locks / f"comments-{key_of(of=scenario)[:32]}.lock", timeout=LOCK_SECONDS):
            before = comments_of(cache, scenario)
            if len(before) >= MOST_COMMENTS:
                raise TaskvizError(
                    f"There are {MOST_COMMENTS} comments on this scenario already: save a new "
                    "scenario to go on."
                )
            comment = Comment(author, words, time.time())
            plain = {"scenario": scenario, **comment.to_json()}
            cache.put(
                KIND,
                key_of(comment=plain, number=len(before)),
                lambda folder: write_text(folder / "comment.json", dumps(plain)),
                {"scenario": scenario},
            )
    except Timeout:
        raise TaskvizError("Somebody else is writing a comment here: try it again.") from None
    except OSError as error:
        raise TaskvizError(
            f"The comment cannot be kept ({error.strerror or error}): free some space in the cache."
        ) from None
    return comment


def comments_of(cache: Cache, scenario: str) -> list[Comment]:
    """Comments on a scenario, oldest first; damaged ones are passed over."""
    found = []
    for entry in cache.entries(KIND):
        if entry.parts.get("scenario") != scenario:
            continue
        try:
            found.append(Comment.from_json(read_json(entry.folder / "comment.json", "comment")))
        except (TaskvizError, OSError, ValueError):
            continue
    return sorted(found, key=lambda comment: comment.created)
