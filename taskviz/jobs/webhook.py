"""A message to an address of the user's own when a job ends: off unless an address is set.

What is sent is the job's title, how it ended and a link to the app; no data, no names of tasks, no
settings.
"""

import json
import logging
import urllib.request
from typing import Any, Final
from urllib.parse import urlsplit

from taskviz.access import actor
from taskviz.cache import Cache
from taskviz.jobs.job import Job
from taskviz.values import TaskvizError
from taskviz.values.storage import dumps, read_json, write_text

FILE: Final = "webhook.json"
SECONDS: Final = 5
MOST_LETTERS: Final = 2000
log = logging.getLogger("taskviz.webhook")


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody elsewhere: the address that was set is the one that is asked."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def set_webhook(cache: Cache, url: str, app: str = "") -> None:
    """Set the address for this cache; "" takes it away.

    Args:
        url: http or https.
        app: where the app answers, for the link in the message.

    Raises:
        TaskvizError: another kind of address, or one that cannot be kept.
    """
    actor().must_edit("set the webhook")
    path = cache.root / FILE
    url = url.strip()
    try:
        if not url:
            path.unlink(missing_ok=True)
            return
        _check(url)
        write_text(path, dumps({"url": url, "app": app if _web(app) else ""}))
        # Such addresses often hold a secret.
        path.chmod(0o600)
    except OSError as error:
        raise TaskvizError(
            f"The webhook cannot be kept ({error.strerror or error}): set TASKVIZ_CACHE to a "
            "folder that can be written."
        ) from None


def webhook(cache: Cache) -> str:
    """The address that is set; "" where there is none."""
    return str(_setting(cache).get("url") or "")


def host_of(url: str) -> str:
    """What may be shown of an address: the rest can be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}" + (f":{parts.port}" if parts.port else "")


def announce(cache: Cache, job: Job) -> bool:
    """Tell the address that is set how a job ended; True where it was told and answered well.

    It never raises and waits for at most some seconds: a message that is lost changes no result.
    """
    try:
        setting = _setting(cache)
        url = str(setting.get("url") or "")
        if not url or job.live:
            return False
        _check(url)
        app = str(setting.get("app") or "").rstrip("/")
        message = {
            "title": job.title,
            "state": job.state,
            "link": f"{app}/jobs" if app else "",
        }
        send(url, message)
    except Exception as error:
        log.warning("the webhook was not told: %s", type(error).__name__)
        return False
    return True


def send(url: str, message: dict[str, str]) -> None:
    """POST a message as JSON.

    Raises:
        TaskvizError: nobody answers there, or not with a status of success.
    """
    _check(url)
    request = urllib.request.Request(
        url,
        data=json.dumps(message).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "taskviz"},
        method="POST",
    )
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=SECONDS):
            pass
    except (OSError, ValueError) as error:
        raise TaskvizError(
            f"{host_of(url)} did not take the message ({str(error)[:200]}): check the address."
        ) from None


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname)
        known = known and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known or len(url) > MOST_LETTERS or any(ord(letter) <= 32 for letter in url):
        raise TaskvizError(
            "A webhook is an address that begins with http:// or https:// and names a host, such "
            "as https://hooks.example.org/abc."
        )


def _web(url: str) -> bool:
    try:
        _check(url)
    except TaskvizError:
        return False
    return True


def _setting(cache: Cache) -> dict[str, Any]:
    path = cache.root / FILE
    if not path.exists():
        return {}
    try:
        return read_json(path, "webhook")
    except TaskvizError:
        return {}
