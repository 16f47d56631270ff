"""Which engine this process uses, where nobody hands one in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from taskviz.engines.local import Engine, LocalEngine
from taskviz.engines.names import ENGINES
from taskviz.values import unknown_choice

ADDRESS = "TASKVIZ_RAY_ADDRESS"
"""Environment variable: a Ray cluster that jobs may be sent to."""
_chosen: ContextVar[Engine | None] = ContextVar("taskviz_engine", default=None)


def make_engine(name: str, address: str | None = None) -> Engine:
    """An engine by name.

    Args:
        name: ``local`` or ``ray``.
        address: of the cluster; by default the environment variable ``TASKVIZ_RAY_ADDRESS``, else
            ``auto``: the cluster of this machine.

    Raises:
        TaskvizError: an unknown name.
    """
    if name == "local":
        return LocalEngine()
    if name != "ray":
        raise unknown_choice("engine", name, ENGINES)
    from taskviz.engines.ray import RayEngine

    return RayEngine(address or os.environ.get(ADDRESS) or "auto")


def configured_engines() -> tuple[str, ...]:
    """Engines that a page may offer: Ray only where its address is configured."""
    return ENGINES if os.environ.get(ADDRESS) else ENGINES[:1]


@contextmanager
def use_engine(engine: Engine) -> Iterator[None]:
    """Within it every :class:`~taskviz.engines.context.RunContext` takes this engine."""
    token = _chosen.set(engine)
    try:
        yield
    finally:
        _chosen.reset(token)


def engine_in_use() -> Engine:
    """The engine of :func:`use_engine`; the local one outside of it."""
    return _chosen.get() or LocalEngine()
