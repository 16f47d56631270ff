"""Coroutines in a test whose thread may have a loop already: that of a browser of this process."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

V = TypeVar("V")


def run(coroutine: Coroutine[Any, Any, V]) -> V:
    """What it returns; it runs in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
