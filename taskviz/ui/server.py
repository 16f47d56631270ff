"""What stands around the app on a server: allowed hosts, the health endpoint, the log."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from taskviz.access import is_local
from taskviz.cache import default_root
from taskviz.jobs.health import health
from taskviz.jobs.store import JobStore
from taskviz.logs import log_to
from taskviz.ui.warm import warm

log = logging.getLogger("taskviz.app")

SWITCH_SECONDS = 0.0005
"""How long a thread may compute before another gets its turn. A page asks for hundreds of small
things of the disk, and each time waits so long for every session that computes (Python's own 5 ms
make seconds of that with twenty sessions)."""

COLLECT_SECONDS = 60.0
"""Between two collections of what only cycles hold: figures and frames of past runs."""


class AllowedHosts:
    """Answers under its own names only, and to pages of its own only.

    A page elsewhere that points its name at this machine (DNS rebinding) names itself in ``Host``;
    one that opens a WebSocket across origins names itself in ``Origin``. Streamlit looks at the
    first for WebSockets only, and asks a server elsewhere for this machine's address at the second.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = dict(reversed(scope["headers"]))
        host = headers.get(b"host", b"").decode("latin-1")
        origin = headers.get(b"origin", b"").decode("latin-1")
        hosts = [str(name).lower() for name in st.config.get_option("server.allowedHosts")]
        if not is_allowed(host, hosts):
            problem = "This name is not one of the app's: start it with --allow-host NAME."
        elif origin and scope["type"] == "websocket" and not is_same(origin, host, hosts):
            problem = "Pages elsewhere may not use the app."
        else:
            await self._app(scope, receive, send)
            return
        log.warning("refused host %r, origin %r", host[:200], origin[:200])
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse(problem, status_code=400)(scope, receive, send)


def is_allowed(host: str, hosts: list[str]) -> bool:
    """True for a ``Host`` whose name is among the allowed ones; none allowed means any."""
    name = _name(f"//{host}")
    if not hosts:
        return True
    return bool(name) and any(
        name == pattern or (pattern.startswith("*.") and name.endswith(pattern[1:]))
        for pattern in hosts
    )


def is_same(origin: str, host: str, hosts: list[str]) -> bool:
    """True for an ``Origin`` that is the app's own, also behind a proxy that changes ``Host``."""
    if urlsplit(origin).netloc.lower() == host.lower():
        return True
    name = _name(origin)
    return bool(hosts and name) and not is_local(name) and is_allowed(name, hosts)


def _name(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return ""
    return "" if parts.username or parts.path.strip("/") else (parts.hostname or "").rstrip(".")


def _health(request: Request) -> JSONResponse:
    well, found = health(JobStore(default_root()))
    return JSONResponse(found, 200 if well else 503, {"Cache-Control": "no-store"})


@asynccontextmanager
async def _lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Log beginning and end. Sessions are closed by Streamlit; workers go on by design."""
    store = JobStore(default_root())
    log_to(store.root)
    log.info("the app has started")
    sys.setswitchinterval(SWITCH_SECONDS)
    beside = [asyncio.create_task(_warm()), asyncio.create_task(_collect())]
    yield {}
    for task in beside:
        task.cancel()
    well, found = await asyncio.to_thread(health, store)
    log.info("the app has ended; its jobs go on: %s", found.get("jobs") if well else "unknown")


async def _warm() -> None:
    """Import what pages need."""
    seconds = await asyncio.to_thread(warm)
    log.info("all pages are imported: %.1f s", seconds)
    # Modules stay until the end: collections need not look through them.
    gc.collect()
    gc.freeze()


async def _collect() -> None:
    """Collect now and then what only cycles hold."""
    while True:
        await asyncio.sleep(COLLECT_SECONDS)
        gc.collect()


def parts() -> dict[str, Any]:
    """Arguments of ``st.App``."""
    return {
        "routes": [Route("/health", _health, methods=["GET", "HEAD"])],
        "middleware": [Middleware(AllowedHosts)],
        "lifespan": _lifespan,
    }
