"""The Dockerfile without an engine: parsed, its rules checked, its entry point and probe run."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from browser.app_process import free_port

ROOT = Path(__file__).resolve().parents[1]


def instructions() -> list[tuple[str, str]]:
    """Word and rest of each instruction; comments and line ends are taken out."""
    lines = [
        line
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    text = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in text.splitlines()]


FOUND = instructions()
LAST = FOUND[max(i for i, (word, _) in enumerate(FOUND) if word == "FROM") :]


def rest(word: str, among: list[tuple[str, str]] = LAST) -> list[str]:
    """What follows each instruction of this word."""
    return [text for found, text in among if found == word]


def copied() -> list[tuple[list[str], str]]:
    """Sources and target of each COPY out of the checkout."""
    found = []
    for text in rest("COPY", FOUND):
        if "--from=" not in text:
            *sources, target = text.split()
            found.append((sources, target))
    return found


def test_the_base_is_pinned_and_the_build_is_an_argument() -> None:
    base = next(t for t in rest("ARG", FOUND) if t.startswith("BASE="))
    assert re.fullmatch(r"BASE=python:3\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", base)
    assert {text.split()[0] for text in rest("FROM", FOUND)} == {"${BASE}"}
    assert "TORCH=cpu" in rest("ARG", FOUND)
    install = next(text for text in rest("RUN", FOUND) if "download.pytorch.org" in text)
    assert "/whl/${TORCH}" in install
    pinned = re.search(r"^torch==(\S+)", (ROOT / "requirements.txt").read_text(), re.M)
    found = subprocess.run(
        ["sed", "-n", r"s/^torch==\([^ ]*\).*/\1/p", "requirements.txt"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert pinned is not None
    assert found.stdout.strip() == pinned[1]


def test_it_is_not_root_when_it_runs() -> None:
    words = [word for word, _ in LAST]
    user = rest("USER")[-1]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "a number, which Kubernetes can check"
    after = words[len(words) - words[::-1].index("USER") :]
    assert not {"RUN", "COPY", "ADD"} & set(after)
    owner, group = user.split(":")
    made = next(text for text in rest("RUN") if "install --directory" in text)
    assert f"--owner={owner} --group={group} --mode=0700 /cache" in made
    assert f"--uid {owner}" in made
    assert rest("VOLUME") == ["/cache"]
    assert "TASKVIZ_CACHE=/cache" in rest("ENV")[0]
    assert not any("--chown" in text for text in rest("COPY")), (
        "the program is not its own to write"
    )


def test_no_secret_and_nothing_from_elsewhere() -> None:
    assert not rest("ADD", FOUND)
    for word in ("ENV", "ARG"):
        for text in rest(word, FOUND):
            assert not re.search(r"(?i)secret|token|passw|key", text)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*", "what is not named stays out"
    sent = {rule[1:] for rule in rules if rule.startswith("!")}
    assert sent == {source for sources, _ in copied() for source in sources}
    assert not any("secrets" in name for name in sent)


def test_what_is_copied_is_there() -> None:
    for sources, _ in copied():
        for source in sources:
            assert (ROOT / source).exists(), source


@pytest.mark.skipif(shutil.which("sh") is None, reason="no shell here")
def test_its_commands_are_whole() -> None:
    for text in rest("RUN", FOUND):
        checked = subprocess.run(["sh", "-n", "-c", text], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr


def test_the_entry_point_and_the_probe_run_on_what_is_copied(tmp_path: Path) -> None:
    app = tmp_path / "app"
    for sources, target in copied():
        for source in sources:
            if source == "requirements.txt":
                continue
            place = app / (source if target.endswith("/") or target == source else target)
            place.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, place)
    before = {p: p.stat().st_mtime_ns for p in app.rglob("*")}
    port = free_port()
    command = [*json.loads(rest("ENTRYPOINT")[0]), *json.loads(rest("CMD")[0])]
    assert command[0] == "python"
    # Only this machine, and a port that is free; the rest as in the container.
    command = [sys.executable, *command[1:]]
    command[command.index("--host") + 1] = "127.0.0.1"
    command[command.index("--port") + 1] = str(port)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "TASKVIZ_CACHE": str(tmp_path / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_CACHE_DIR": str(tmp_path / "numba"),
    }
    probe = rest("HEALTHCHECK")[0].split("CMD ", 1)[1]
    assert f"localhost:{rest('EXPOSE')[0]}/health" in probe
    check = [sys.executable, *json.loads(probe.replace(rest("EXPOSE")[0], str(port)))[1:]]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=app, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 120
        while subprocess.run(check, capture_output=True, check=False).returncode:
            assert server.poll() is None, (tmp_path / "log").read_text()[-3000:]
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()[-3000:]
            time.sleep(0.5)
    finally:
        server.terminate()
        server.wait(60)
    assert {p: p.stat().st_mtime_ns for p in app.rglob("*")} == before, (
        "it is read-only for the app"
    )
    log_text = (tmp_path / "cache" / "logs" / "taskviz.jsonl").read_text()
    assert "the app has ended" in log_text, "SIGTERM ends it in order"
    assert subprocess.run(check, capture_output=True, check=False).returncode != 0
