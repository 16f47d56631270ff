"""The verbs in a terminal, one file a command; ``--json`` on each."""

from taskviz.cli.program import main

__all__ = ["main"]
