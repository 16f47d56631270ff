"""Methods by their published names; each is imported only when it is asked for."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from taskviz.values.errors import unknown_choice


def registered_class(what: str, name: str, places: Mapping[str, str]) -> Any:
    """The class behind a published name.

    Args:
        what: what is looked for, for the message.
        name: the published name.
        places: name → ``module:Class``.

    Raises:
        TaskvizError: unknown name; the valid ones are listed.
    """
    if name not in places:
        raise unknown_choice(what, name, places)
    module, attribute = places[name].split(":")
    return getattr(import_module(module), attribute)
