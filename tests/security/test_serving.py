"""The app listens on this machine only, and says so loudly where it is told otherwise."""

import os
import tomllib
from pathlib import Path

import pytest

from taskviz.cli.program import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Command lines that would have become the server."""
    seen: list[list[str]] = []
    monkeypatch.setattr(os, "execve", lambda path, command, environment: seen.append(command))
    monkeypatch.setattr("subprocess.run", lambda *_, **__: type("Done", (), {"returncode": 0}))
    return seen


def test_localhost_by_default(started: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    main(["app"])
    assert "--server.address=localhost" in started[0]
    hosts = [word for word in started[0] if word.startswith("--server.allowedHosts=")]
    assert [host.partition("=")[2] for host in hosts] == ["localhost", "127.0.0.1", "::1"]
    assert "WARNING" not in capsys.readouterr().err
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["server"]["address"] == "localhost"
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"].get("enableXsrfProtection", True)
    assert config["server"]["allowedHosts"] == ["localhost", "127.0.0.1", "::1"]
    assert config["client"]["showErrorDetails"] == "none"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org"])
def test_a_wider_address_is_told_loudly(
    host: str, started: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["app", "--host", host])
    assert f"--server.address={host}" in started[0]
    said = capsys.readouterr().err
    assert said.startswith(f"WARNING: listening on {host}: everybody who can reach this machine")


def test_names_are_told_loudly_and_never_all_names(
    started: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["app", "--allow-host", "tasks.example.org"]) == 0
    assert "--server.allowedHosts=tasks.example.org" in started[0]
    assert capsys.readouterr().err.startswith("WARNING: answering as tasks.example.org")
    for name in ("*", "*.", "", "a b"):
        assert main(["app", "--allow-host", name]) == 2
    assert len(started) == 1


def test_the_access_file_is_checked_before_anything_listens(
    started: list[list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "access.toml"
    path.write_text("login = true\n")
    assert main(["app", "--access", str(path)]) == 2
    assert "lets nobody in" in capsys.readouterr().err
    path.write_text('login = true\n[roles]\nviewers = ["*@example.org"]\n')
    assert main(["app", "--access", str(path), "--host", "0.0.0.0"]) == 0
    assert "can ask to log in" in capsys.readouterr().err
