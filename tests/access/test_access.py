"""Roles, quotas and folders: refused where things are started and stored, whoever calls."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from at_once import all_at_once

from taskviz import access
from taskviz.access import Actor, Policy, read_policy
from taskviz.cache import key_of
from taskviz.care.used import used_by
from taskviz.data import CollectionRef, open_collection
from taskviz.data.uploads import store_upload
from taskviz.jobs import (
    JobStore,
    cancel_job,
    delete_job,
    pause_job,
    resume_job,
    start_job,
)
from taskviz.jobs.process import Identity
from taskviz.jobs.webhook import set_webhook
from taskviz.ui.comments import add_comment
from taskviz.ui.drafts import Draft, change_draft
from taskviz.ui.scenarios import save_scenario
from taskviz.values import TaskvizError
from taskviz.verbs.imports import import_scores
from taskviz.verbs.opened_reports import store_report

SPEC = {"collection": {"reference": "linnerud"}, "method": "label-correlation"}
TABLE = b"x,y,z\n" + b"".join(f"{i * 7 % 13}.5,{i % 2},{i % 3}\n".encode() for i in range(60))
CLAIMS = {"email": "ada@example.org", "email_verified": True, "iss": "https://id", "sub": "7"}
POLICY = Policy(login=True, editors=("ada@example.org",), viewers=("*@example.org",))


@pytest.fixture
def act() -> Iterator[type[Actor]]:
    """Act as somebody for the length of a test."""
    yield lambda **who: access.set_source(lambda: Actor(**who))  # type: ignore[misc]
    access.set_source(lambda: access.OPERATOR)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobStore:
    """A store whose jobs never start: no worker process is made."""
    monkeypatch.setattr("taskviz.jobs.launcher._spawn", lambda *_: Identity.of(1).pid)
    return JobStore(tmp_path / "cache")


@pytest.mark.parametrize(
    ("claims", "role", "name"),
    [
        (CLAIMS, "editor", "ada@example.org"),
        ({**CLAIMS, "email": "ADA@Example.org "}, "editor", "ada@example.org"),
        ({**CLAIMS, "email": "bob@example.org"}, "viewer", "bob@example.org"),
        ({**CLAIMS, "email": "bob@evil.org"}, "nobody", "bob@evil.org"),
        ({**CLAIMS, "email": "x@evil.org@example.org"}, "nobody", "https://id#7"),
        ({**CLAIMS, "email": "ada@sub.example.org"}, "nobody", "ada@sub.example.org"),
        ({**CLAIMS, "email_verified": False}, "nobody", "https://id#7"),
        ({**CLAIMS, "email_verified": "true"}, "nobody", "https://id#7"),
        ({"email": "ada@example.org", "iss": "i", "sub": "s"}, "nobody", "i#s"),
        ({}, "nobody", "#"),
    ],
)
def test_roles_by_address(claims: dict[str, object], role: str, name: str) -> None:
    who = POLICY.person(claims)
    assert (who.role, who.name) == (role, name)
    assert who.folders == ()


def test_roles_by_claim() -> None:
    policy = Policy(claim="groups", editor_values=("ml",), viewer_values=("staff",))
    roles = {}
    for groups in (["ml", "x"], ["staff"], "ml", ["mlx"], [7], None, {"ml": 1}):
        roles[str(groups)] = policy.person({"sub": "1", "groups": groups}).role
    assert list(roles.values()) == [
        *("editor", "viewer", "editor", "nobody", "nobody", "nobody", "nobody")
    ]


def test_the_access_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "access.toml"
    path.write_text(
        'login = true\nhosts = ["t.example.org"]\nfolders = ["/data"]\n'
        '[roles]\neditors = ["Ada@example.org"]\nviewers = ["*@example.org"]\n'
        "[quota]\njobs = 2\ngigabytes = 0.5\n"
    )
    found = read_policy(path)
    assert (found.editors, found.most_jobs, found.most_bytes) == (
        ("ada@example.org",),
        2,
        500_000_000,
    )
    monkeypatch.setenv(access.ENVIRONMENT, str(path))
    assert access.policy() == found
    path.write_text('[roles]\neditors = ["bob@example.org"]\n')
    assert access.policy().editors == ("bob@example.org",), "a change counts at once"
    path.unlink()
    with pytest.raises(TaskvizError, match="nobody comes in"):
        access.policy()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("login = 1", "true or false"),
        ("login = true", "lets nobody in"),
        ("logn = true", "Did you mean 'login'"),
        ("[roles]\neditors = 'ada@example.org'", "a list of texts"),
        ("[roles]\neditors = ['*']", "addresses"),
        ("[roles]\neditors = ['*@*']", "addresses"),
        ("[roles]\neditors = ['a*@example.org']", "addresses"),
        ("[roles]\neditor_values = ['ml']", "no claim"),
        ("folders = ['data']", "absolute paths"),
        ("[quota]\njobs = -1", "a whole number"),
        ("[quota]\ngigabytes = nan", "a number from 0"),
        ("login = ", "no TOML"),
    ],
)
def test_a_wrong_access_file_is_one_sentence(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "access.toml"
    path.write_text(text)
    with pytest.raises(TaskvizError, match=says):
        read_policy(path)


@pytest.mark.parametrize("role", ["viewer", "nobody"])
def test_who_may_not_edit_is_refused_everywhere(role, act, store) -> None:  # type: ignore[no-untyped-def]
    job = start_job("affinity", SPEC, store=store)
    act(name="eve@example.org", role=role)
    cache = store.cache
    before = sorted(p for p in cache.root.rglob("*") if "jobs.sqlite" not in p.name)
    for attempt in (
        lambda: start_job("affinity", SPEC, store=store),
        lambda: cancel_job(job.id, store),
        lambda: resume_job(job.id, store),
        lambda: delete_job(job.id, store),
        lambda: store_upload(TABLE, "t.csv", cache),
        lambda: import_scores(b",a,b\na,1,2\nb,3,4\n", "m.csv", cache),
        lambda: save_scenario(cache, "mine", "", None, "x"),  # type: ignore[arg-type]
        lambda: pause_job(job.id, store),
        lambda: add_comment(cache, "ab" * 32, "Eve", "mine"),
        lambda: change_draft(cache, None, lambda draft: draft, Draft()),
        lambda: store_report(b"<html></html>", "report.html", cache),
        lambda: set_webhook(cache, "https://example.org/hook"),
    ):
        with pytest.raises(TaskvizError, match=r"viewer sees and exports|logged in may"):
            attempt()
    assert [found.id for found in store.list()] == [job.id]
    assert not store.get(job.id).cancelling
    after = sorted(p for p in cache.root.rglob("*") if "jobs.sqlite" not in p.name)
    assert after == before


def test_an_editor_ends_their_own_jobs_only(act, store) -> None:  # type: ignore[no-untyped-def]
    act(name="ada@example.org", role="editor")
    job = start_job("affinity", SPEC, store=store)
    assert store.get(job.id).owner == "ada@example.org"
    act(name="bob@example.org", role="editor")
    for attempt in (cancel_job, resume_job, delete_job):
        with pytest.raises(TaskvizError, match=r"ada@example\.org's: only they"):
            attempt(job.id, store)
    act(name="ada@example.org", role="editor")
    assert cancel_job(job.id, store).cancelling
    access.set_source(lambda: access.OPERATOR)
    assert cancel_job(job.id, store).cancelling, "a terminal may end any"


def test_a_quota_of_jobs_holds_also_for_clicks_at_once(act, store) -> None:  # type: ignore[no-untyped-def]
    act(name="ada@example.org", role="editor", most_jobs=2)
    refused = all_at_once(8, lambda: start_job("affinity", SPEC, store=store))
    assert len(store.list()) == 2
    assert all(isinstance(error, TaskvizError) for error in refused)
    assert [str(error) for error in refused] == [
        "2 of your jobs are at work or waiting and 2 may be: wait for one to end, or stop one."
    ] * 6
    act(name="bob@example.org", role="editor", most_jobs=1)
    start_job("affinity", SPEC, store=store)


def test_a_quota_of_disk_counts_uploads_and_results(act, store) -> None:  # type: ignore[no-untyped-def]
    cache = store.cache
    act(name="ada@example.org", role="editor", most_bytes=1500)
    store_upload(TABLE, "t.csv", cache)
    cache.put("network", key_of(a=1), lambda f: (f / "w").write_bytes(b"0" * 900), {})
    used = used_by(cache, "ada@example.org")
    assert used > len(TABLE) + 900
    with pytest.raises(TaskvizError, match=r"this file .* more, and 1\.5e-06 GB are yours"):
        store_upload(TABLE.replace(b".5", b".6"), "u.csv", cache)
    act(name="ada@example.org", role="editor", most_bytes=used)
    with pytest.raises(TaskvizError, match="uploads and results take"):
        start_job("affinity", SPEC, store=store)
    act(name="bob@example.org", role="editor", most_bytes=1000)
    store_upload(TABLE, "mine.csv", cache)
    assert used_by(cache, "bob@example.org") == 0, "the same content counts once, for the first"
    start_job("affinity", SPEC, store=store)


def test_paths_are_opened_under_the_folders_only(act, store, tmp_path) -> None:  # type: ignore[no-untyped-def]
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "t.csv").write_bytes(TABLE)
    (inside / "link.csv").symlink_to(outside / "t.csv")
    act(name="ada@example.org", role="editor", folders=(inside,))
    targets = ("y", "z")
    assert open_collection(CollectionRef(str(inside / "t.csv"), targets), store.cache).n == 60
    for path in (
        *(outside / "t.csv", inside / "link.csv", inside / ".." / "out" / "t.csv"),
        *(Path("/etc/passwd"), outside / "none.csv"),
    ):
        with pytest.raises(TaskvizError, match="opened under"):
            open_collection(CollectionRef(str(path), targets), store.cache)
        spec = {**SPEC, "collection": {"reference": str(path), "targets": list(targets)}}
        with pytest.raises(TaskvizError, match="opened under"):
            start_job("affinity", spec, store=store)
    act(role="editor", folders=())
    with pytest.raises(TaskvizError, match="opens no files by their path"):
        open_collection(CollectionRef(str(inside / "t.csv"), targets), store.cache)
    with pytest.raises(TaskvizError, match="Unknown collection"):
        open_collection("nonsense", store.cache)
    assert open_collection("linnerud", store.cache).n == 20
    assert store.list() == []


def test_a_store_of_the_version_before_is_taken_over(tmp_path: Path) -> None:
    import sqlite3

    store = JobStore(tmp_path)
    job = store.add("affinity", SPEC, "t", "cpu")
    connection = sqlite3.connect(store.path)
    connection.execute("ALTER TABLE jobs DROP COLUMN owner")
    connection.execute("PRAGMA user_version = 2")
    connection.commit()
    connection.close()
    again = JobStore(tmp_path)
    assert again.get(job.id).owner == ""
    assert again.add("affinity", SPEC, "u", "cpu", owner="a").owner == "a"
