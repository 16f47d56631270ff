"""A small OpenID provider on loopback: discovery, authorize, token, keys; signs real tokens."""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlencode

import uvicorn
from browser.app_process import free_port
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.routing import Route

CLIENT, SECRET = "taskviz", "a secret of the test"
PEOPLE = {
    "ada": {"email": "ada@example.org", "email_verified": True},
    "eve": {"email": "eve@example.org", "email_verified": True},
    "mallory": {"email": "ada@example.org", "email_verified": False},
}


@contextmanager
def provider() -> Iterator[str]:
    """Run the provider; gives its address."""
    key = RSAKey.generate_key(2048, {"kid": "1", "alg": "RS256", "use": "sig"})
    port = free_port()
    issuer = f"http://localhost:{port}"
    waiting: dict[str, dict[str, str]] = {}

    def discover(request: Request) -> JSONResponse:
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    def authorize(request: Request) -> HTMLResponse:
        asked = dict(request.query_params)
        links = "".join(
            f'<a href="/approve?{urlencode({**asked, "who": who})}">{who}</a> ' for who in PEOPLE
        )
        return HTMLResponse(f"<h1>Who are you?</h1>{links}")

    def approve(request: Request) -> RedirectResponse:
        asked = dict(request.query_params)
        code = secrets.token_urlsafe(16)
        waiting[code] = asked
        query = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}")

    async def token(request: Request) -> JSONResponse:
        form = parse_qs((await request.body()).decode())
        asked = waiting.pop(form["code"][0])
        now = int(time.time())
        claims = {
            **PEOPLE[asked["who"]],
            **{"iss": issuer, "aud": CLIENT, "sub": asked["who"], "iat": now, "exp": now + 600},
            "nonce": asked.get("nonce", ""),
        }
        return JSONResponse(
            {
                "access_token": secrets.token_urlsafe(16),
                "token_type": "Bearer",
                "expires_in": 600,
                "id_token": jwt.encode({"alg": "RS256", "kid": "1"}, claims, key),
            }
        )

    def keys(request: Request) -> JSONResponse:
        return JSONResponse({"keys": [json.loads(json.dumps(key.as_dict(private=False)))]})

    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", discover),
            Route("/authorize", authorize),
            Route("/approve", approve),
            Route("/token", token, methods=["POST"]),
            Route("/jwks", keys),
        ]
    )
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield issuer
    server.should_exit = True
    thread.join(20)
