"""A webhook, told by a real worker to a real local server; off unless it is set."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from taskviz.cache import Cache
from taskviz.jobs import JobStore, start_job
from taskviz.jobs.webhook import FILE, announce, host_of, send, set_webhook, webhook
from taskviz.values import TaskvizError


@dataclass
class Ear:
    """A server that writes down what it is told."""

    url: str
    heard: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@pytest.fixture
def ear() -> Iterator[Ear]:
    """One on a port of its own; /elsewhere sends to /moved, /broken fails."""
    made = Ear("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.paths.append(self.path)
            if self.path == "/elsewhere":
                self.send_response(307)
                self.send_header("Location", "/moved")
            else:
                made.heard.append(json.loads(body))
                self.send_response(500 if self.path == "/broken" else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()


def run(cache: Cache, spec: dict[str, object]) -> str:
    """A job to its end; its state."""
    store = JobStore(cache)
    job = start_job("affinity", {"collection": {"reference": "linnerud"}, **spec}, store=store)
    end = time.monotonic() + 180
    while store.get(job.id).live and time.monotonic() < end:
        time.sleep(0.1)
    return store.get(job.id).state


def until(what: list[object]) -> None:
    """Wait until something was heard."""
    end = time.monotonic() + 60
    while not what and time.monotonic() < end:
        time.sleep(0.05)


def test_a_worker_tells_title_state_and_link_and_nothing_else(tmp_path: Path, ear: Ear) -> None:
    cache = Cache(tmp_path)
    set_webhook(cache, f"{ear.url}/hook", "http://localhost:8501")
    assert run(cache, {"method": "label-correlation", "options": {}, "seed": 0}) == "done"
    until(ear.heard)  # type: ignore[arg-type]
    assert ear.paths == ["/hook"]
    (message,) = ear.heard
    assert set(message) == {"title", "state", "link"}
    assert message["state"] == "done"
    assert message["link"] == "http://localhost:8501/jobs"
    assert "linnerud" in message["title"]
    assert "Weight" not in json.dumps(message), "no task is named"


def test_nothing_is_sent_while_nothing_is_set(tmp_path: Path, ear: Ear) -> None:
    cache = Cache(tmp_path)
    set_webhook(cache, ear.url)
    set_webhook(cache, "")
    assert webhook(cache) == ""
    job = JobStore(cache).add("affinity", {}, "t", "cpu")
    assert not announce(cache, job)
    assert ear.heard == []


def test_a_redirect_is_not_followed_and_a_failure_is_told(tmp_path: Path, ear: Ear) -> None:
    for path in ("/elsewhere", "/broken"):
        with pytest.raises(TaskvizError, match="did not take the message"):
            send(ear.url + path, {"title": "t", "state": "done", "link": ""})
    assert "/moved" not in ear.paths
    with pytest.raises(TaskvizError, match="did not take the message"):
        send("http://127.0.0.1:9", {"title": "t", "state": "done", "link": ""})


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "example.org",
        "http://",
        "https:///x",
        "http://a b",
        "http://a:99999999/",
        "http://x/\r\nEvil: 1",
        "https://example.org/" + "x" * 2000,
    ],
)
def test_only_http_and_https(tmp_path: Path, url: str) -> None:
    with pytest.raises(TaskvizError, match="begins with http"):
        set_webhook(Cache(tmp_path), url)
    assert webhook(Cache(tmp_path)) == ""


def test_an_address_is_kept_from_others(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    set_webhook(cache, "https://hooks.example.org:8443/secret", "javascript:alert(1)")
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    assert host_of(webhook(cache)) == "https://hooks.example.org:8443"
    assert json.loads((tmp_path / FILE).read_text())["app"] == ""
    (tmp_path / FILE).write_text("{")
    assert webhook(cache) == ""
