"""Where units of work run. Handed in from above, so that no method knows which."""

from taskviz.engines.context import RunContext
from taskviz.engines.device import describe_device, pick_device
from taskviz.engines.local import Engine, LocalEngine

__all__ = ["Engine", "LocalEngine", "RunContext", "describe_device", "pick_device"]
