"""Where units of work run. Handed in from above, so that no method knows which.

Names are handed on lazily, so that a page which only lists jobs does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskviz.engines.choose import configured_engines, make_engine, use_engine
    from taskviz.engines.context import RunContext
    from taskviz.engines.device import describe_device, device_use, pick_device
    from taskviz.engines.host import DeviceUse, host_use, only_host
    from taskviz.engines.local import Engine, LocalEngine

_HOMES = {
    "DeviceUse": "host",
    "Engine": "local",
    "LocalEngine": "local",
    "RunContext": "context",
    "configured_engines": "choose",
    "describe_device": "device",
    "device_use": "device",
    "host_use": "host",
    "make_engine": "choose",
    "only_host": "host",
    "pick_device": "device",
    "use_engine": "choose",
}

__all__ = [
    "DeviceUse",
    "Engine",
    "LocalEngine",
    "RunContext",
    "configured_engines",
    "describe_device",
    "device_use",
    "host_use",
    "make_engine",
    "only_host",
    "pick_device",
    "use_engine",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"taskviz.engines.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'taskviz.engines' has no attribute {name!r}")
