"""The whole workspace as an archive: there and back, and whatever is wrong with one."""

import json
import zipfile
from pathlib import Path

import pytest

from taskviz import access
from taskviz.cache import key_of
from taskviz.care.pins import is_pinned, pin
from taskviz.cli.program import main
from taskviz.data.uploads import list_uploads, store_upload
from taskviz.jobs import JobStore
from taskviz.jobs.workspace import export_workspace, import_workspace
from taskviz.progress import Curves
from taskviz.values import TaskvizError

SPEC = {"collection": {"reference": "linnerud"}, "method": "label-correlation", "options": {}}


@pytest.fixture
def full(tmp_path: Path) -> JobStore:
    """A workspace with one of everything."""
    store = JobStore(tmp_path / "full")
    key = key_of(a=1)
    store.cache.put("affinity", key, lambda f: (f / "a.json").write_text("[1]"), {"a": 1})
    store_upload(b"a,b\n1,2\n", "t.csv", store.cache)
    job = store.add("affinity", SPEC, "A title", "cpu", owner="ada@example.org")
    batch = Curves({"split": "valid"}, [{"task": "a"}, {"task": "b"}], [1], [[0.5, 0.25]])
    store.report(
        *(job.id, 1), progress=1, stage="s", message="m", seconds_left=None,
        points=[{"epoch": 0, "value": 1.5}, batch],
    )  # fmt: skip
    store.finish(job.id, 1, "done", result={"affinity": key})
    store.add("affinity", SPEC, "At work", "cpu")
    store.add("no such kind", {}, "Of another taskviz", "cpu")
    pin(store.cache, job.id, key)
    (store.cache.root / "tmp").mkdir(exist_ok=True)
    (store.cache.root / "tmp" / "half").write_text("x")
    return store


def test_checkpoints_stay_and_are_not_called_damaged(
    full: JobStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    key = key_of(b=1)
    loose = full.cache.root / "checkpoints" / key[:2] / key
    loose.mkdir(parents=True)
    (loose / "0000005.0123456789abcdef.safetensors").write_bytes(b"weights")
    broken = full.cache.put("affinity", key, lambda f: (f / "a.json").write_text("[1]"), {})
    moved = export_workspace(tmp_path / "whole.zip", full)
    assert (moved.artefacts, moved.skipped, moved.halfway) == (2, 0, 1)
    (Path(broken) / "a.json").write_text("[2]")
    monkeypatch.setenv("TASKVIZ_CACHE", str(full.cache.root))
    main(["workspace", "export", str(tmp_path / "all.zip")])
    told = capsys.readouterr().out
    assert "1 results, 1 uploads, 3 jobs" in told
    assert "Left out because damaged: 1 results." in told
    assert "Checkpoints stay here" in told


def test_there_and_back(full: JobStore, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    moved = export_workspace(path, full)
    assert (moved.artefacts, moved.uploads, moved.jobs, moved.skipped) == (1, 1, 3, 0)
    other = JobStore(tmp_path / "other")
    back = import_workspace(path, other)
    assert (back.artefacts, back.uploads, back.jobs) == (1, 1, 2)
    assert other.cache.find("affinity", key_of(a=1))
    assert list_uploads(other.cache)[0].name == "t.csv"
    was = {job.title: job for job in full.list()}
    now = {job.title: job for job in other.list()}
    assert set(now) == {"A title", "At work"}, "a job that cannot run here is left out"
    one = now["A title"]
    assert (one.id, one.state, one.owner) == (was["A title"].id, "done", "ada@example.org")
    assert one.result == was["A title"].result
    assert [p for _, p in other.metrics(one.id)] == [p for _, p in full.metrics(one.id)]
    assert now["At work"].state == "interrupted"
    assert is_pinned(other.cache, one.id)
    assert not list((other.cache.root / "tmp").iterdir())
    again = import_workspace(path, other)
    assert (again.jobs, again.skipped) == (0, 1 + 2 + 3)
    assert len(other.list()) == 2


def change(path: Path, name: str, data: bytes | None, new: str = "") -> None:
    """Replace, rename, drop or add a member."""
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    found = next((n for n in members if n.endswith(name)), name)
    old = members.pop(found, b"")
    if data is not None or new:
        members[new or found] = old if data is None else data
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)


BAD_JOB = {"id": "0123456789ab", "kind": "affinity", "title": "t", "state": "done", "created": 1,
           "progress": 1, "attempt": 1, "spec": {}, "result": {}}  # fmt: skip
KEY = "ab" * 32


@pytest.mark.parametrize(
    ("name", "data", "new", "says"),
    [
        ("workspace.json", None, "", "no archive of a workspace"),
        ("workspace.json", b'{"format": 9}', "", "format 9"),
        ("jobs.jsonl", None, "", "no list of jobs"),
        ("jobs.jsonl", b"{", "", "no JSON"),
        ("jobs.jsonl", b"[" * 100_000, "", "no JSON"),
        ("jobs.jsonl", b'{"id": "../../x"}', "", "twelve hexadecimal"),
        ("jobs.jsonl", json.dumps({**BAD_JOB, "state": "x"}).encode(), "", "no state"),
        ("jobs.jsonl", json.dumps({**BAD_JOB, "created": "x"}).encode(), "", "no number"),
        ("jobs.jsonl", json.dumps({**BAD_JOB, "spec": []}).encode(), "", "named values"),
        ("jobs.jsonl", json.dumps({**BAD_JOB, "metrics": [1]}).encode(), "", "a metric"),
        ("a.json", b"[2]", "", "does not fit its checksum"),
        ("a.json", None, "", "damaged"),
        ("x", b"x", f"artefacts/affinity/{KEY[:2]}/{KEY}/x", "no manifest"),
        ("x", b"x", f"artefacts/logs/{KEY[:2]}/{KEY}/x", "no result"),
        ("x", b"x", "artefacts/affinity/x", "no result"),
        ("x", b"x", "../evil", "leads out"),
        ("x", b"x", "artefacts/affinity/../../../../evil", "leads out"),
        ("x", b"x", "/etc/evil", "not relative"),
        ("x", b"x", "uploads/evil.py", "no upload"),
        ("x", b"x", f"uploads/{KEY}.csv", "has changed"),
    ],
)
def test_an_archive_that_is_not_honest_changes_nothing(  # type: ignore[no-untyped-def]
    name, data, new, says, full, tmp_path
) -> None:
    path = tmp_path / "all.zip"
    export_workspace(path, full)
    change(path, name, data, new)
    other = JobStore(tmp_path / "other")
    with pytest.raises(TaskvizError, match=says):
        import_workspace(path, other)
    assert other.list() == []
    files = [p for p in other.root.rglob("*") if p.is_file() and "jobs.sqlite" not in p.name]
    assert files == []


def test_a_bomb_is_refused_before_it_is_unpacked(full: JobStore, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    export_workspace(path, full)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("artefacts/x", b"\0" * 80_000_000)
    with pytest.raises(TaskvizError, match="would grow to"):
        import_workspace(path, JobStore(tmp_path / "other"))


def test_who_may(full: JobStore, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    try:
        access.set_source(lambda: access.Actor("eve", "viewer"))
        with pytest.raises(TaskvizError, match="may not export"):
            export_workspace(path, full)
        access.set_source(lambda: access.Actor("ada", "editor"))
        export_workspace(path, full)
        with pytest.raises(TaskvizError, match="in a terminal"):
            import_workspace(path, full)
    finally:
        access.set_source(lambda: access.OPERATOR)


def test_in_a_terminal(full: JobStore, tmp_path, monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "all.zip"
    monkeypatch.setenv("TASKVIZ_CACHE", str(full.root))
    assert main(["workspace", "export", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["artefacts"] == 1
    assert main(["workspace", "export", str(path)]) == 2
    assert "there already" in capsys.readouterr().err
    assert main(["cache", "limit", "0.5"]) == 0
    assert main(["cache", "limit", "nan"]) == 2
    capsys.readouterr()
    assert main(["cache", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["limit"] == 500_000_000
    assert shown["kinds"]["affinity"]["count"] == 1
    job = next(job for job in full.list() if job.state == "done")
    assert main(["cache", "unpin", job.id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"job": job.id, "pinned": False}
    assert main(["cache", "pin", "../x"]) == 2
    capsys.readouterr()
    assert main(["cache", "tidy", "--json"]) == 0
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path / "new"))
    assert main(["workspace", "import", str(path)]) == 0
    assert len(JobStore(tmp_path / "new").list()) == 2
    (tmp_path / "no.zip").write_bytes(b"no")
    assert main(["workspace", "import", str(tmp_path / "no.zip")]) == 2
