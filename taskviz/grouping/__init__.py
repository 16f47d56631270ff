"""Grouping methods, one file each; a new one is a file and a line here."""

from typing import TYPE_CHECKING, Any

from taskviz.values.registry import registered_class

if TYPE_CHECKING:
    from taskviz.grouping.base import Grouper

GROUPERS: dict[str, str] = {
    "gat-gmm": "taskviz.grouping.gat_gmm:GatGmm",
    "spectral": "taskviz.grouping.spectral:Spectral",
    "lloyd": "taskviz.grouping.lloyd:Lloyd",
    "sdp": "taskviz.grouping.sdp:Sdp",
    "selection": "taskviz.grouping.selection:Selection",
    "random": "taskviz.grouping.random:RandomGrouping",
    "all-together": "taskviz.grouping.trivial:AllTogether",
    "all-separate": "taskviz.grouping.trivial:AllSeparate",
}
"""Published name → class; imported only when it is asked for."""


def grouper_class(name: str) -> "type[Grouper]":
    """The class of a grouper.

    Raises:
        TaskvizError: unknown name; the valid ones are listed.
    """
    found: type[Grouper] = registered_class("grouping method", name, GROUPERS)
    return found


def make_grouper(name: str, **options: Any) -> "Grouper":
    """A grouper by its published name."""
    return grouper_class(name)(**options)
