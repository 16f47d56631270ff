"""Where units of work run. Handed in from above, so that no method knows which."""

from taskviz.engines.choose import configured_engines, make_engine, use_engine
from taskviz.engines.context import RunContext
from taskviz.engines.device import DeviceUse, describe_device, device_use, pick_device
from taskviz.engines.local import Engine, LocalEngine

__all__ = [
    "DeviceUse",
    "Engine",
    "LocalEngine",
    "RunContext",
    "configured_engines",
    "describe_device",
    "device_use",
    "make_engine",
    "pick_device",
    "use_engine",
]
