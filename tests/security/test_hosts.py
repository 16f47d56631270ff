"""Names and origins under which the app answers, and its health endpoint."""

import asyncio
import logging
import threading
from pathlib import Path

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from taskviz.jobs import JobStore
from taskviz.ui import server

LOCAL = ["localhost", "127.0.0.1", "::1"]


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        *(("localhost", True), ("LOCALHOST:8501", True), ("127.0.0.1:80", True)),
        *(("[::1]:8501", True), ("localhost.", True), ("evil.example", False), ("", False)),
        *(("localhost.evil.example", False), ("localhost@evil.example", False)),
        *(("localhost:x", False), ("a.tasks.org", True), ("tasks.org", False)),
        *(("eviltasks.org", False), ("localhost/evil", False)),
    ],
)
def test_hosts(host: str, allowed: bool) -> None:
    assert server.is_allowed(host, [*LOCAL, "*.tasks.org"]) is allowed


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://localhost:8501", "localhost:8501", True),
        ("http://localhost:3000", "localhost:8501", False),
        ("https://tasks.org", "localhost:8501", True),
        ("https://evil.example", "localhost:8501", False),
        ("null", "localhost:8501", False),
    ],
)
def test_origins(origin: str, host: str, same: bool) -> None:
    assert server.is_same(origin, host, [*LOCAL, "tasks.org"]) is same


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """The middleware and the routes of the app, without its pages."""
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        st.config, "get_option", lambda name: LOCAL if name == "server.allowedHosts" else None
    )
    made = server.parts()

    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("in")

    routes = [*made["routes"], WebSocketRoute("/stream", stream)]
    app = Starlette(routes=routes, middleware=made["middleware"])
    return TestClient(app, base_url="http://localhost:8501")


def test_other_names_and_origins_are_refused(client: TestClient) -> None:
    assert client.get("/health").status_code == 200
    refused = client.get("/health", headers={"Host": "evil.example"})
    assert refused.status_code == 400
    assert "allow-host" in refused.text
    for headers, enters in (
        ({"origin": "http://localhost:8501"}, True),
        ({}, True),
        ({"origin": "http://evil.example"}, False),
        ({"host": "evil.example", "origin": "http://evil.example"}, False),
    ):
        if enters:
            with client.websocket_connect("ws://localhost:8501/stream", headers=headers) as socket:
                assert socket.receive_text() == "in"
        else:
            with (
                pytest.raises(WebSocketDisconnect),
                client.websocket_connect("ws://localhost:8501/stream", headers=headers),
            ):
                pass


def test_health(client: TestClient, tmp_path: Path) -> None:
    store = JobStore(tmp_path / "cache")
    store.add("affinity", {}, "secret title", "cpu", owner="ada@example.org")
    found = client.get("/health")
    data = found.json()
    assert data["status"] == data["store"] == "ok"
    assert data["jobs"] == {"running": 0, "queued": 1}
    assert data["disk_free_bytes"] > 0
    assert data["version"]
    assert "secret" not in found.text
    assert "ada" not in found.text
    for end in ("", "-wal", "-shm"):
        (tmp_path / "cache" / f"jobs.sqlite{end}").unlink(missing_ok=True)
    (tmp_path / "cache" / "jobs.sqlite").mkdir()
    sick = client.get("/health")
    assert (sick.status_code, sick.json()["status"]) == (503, "failing")
    assert str(tmp_path) not in sick.text


def test_beginning_and_end_are_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path))

    async def live() -> None:
        async with server._lifespan(None):
            pass

    # A thread of its own: a browser test before may have left its loop in this one.
    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    thread.join()
    text = (tmp_path / "logs" / "taskviz.jsonl").read_text()
    assert "the app has started" in text
    assert "its jobs go on" in text
    logging.getLogger("taskviz").handlers.clear()
