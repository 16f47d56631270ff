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
    assert "WARNING" not in capsys.readouterr().err
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["server"]["address"] == "localhost"
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"].get("enableXsrfProtection", True)
    assert config["client"]["showErrorDetails"] == "none"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org"])
def test_a_wider_address_is_told_loudly(
    host: str, started: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["app", "--host", host])
    assert f"--server.address={host}" in started[0]
    said = capsys.readouterr().err
    assert said.startswith(f"WARNING: listening on {host}: everybody who can reach this machine")
