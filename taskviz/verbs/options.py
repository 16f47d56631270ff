"""Options that a user named, checked and filled up before they become arguments.

A name that is no option of the method is refused here, so that no text of a user can reach another
argument of a verb.
"""

from collections.abc import Mapping
from typing import Any

from taskviz.values import option_values, parse_options


def affinity_options(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of an estimator.

    Raises:
        TaskvizError: unknown method or option, or a value that does not fit.
    """
    from taskviz.affinity import estimator_class

    return option_values(
        parse_options(estimator_class(method).Options, given, f"method {method!r}")
    )


def grouping_options(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a grouper; errors as :func:`affinity_options`."""
    from taskviz.grouping import grouper_class

    return option_values(parse_options(grouper_class(method).Options, given, f"grouper {method!r}"))


def training_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a training; errors as :func:`affinity_options`."""
    from taskviz.training.options import TrainingOptions

    return option_values(parse_options(TrainingOptions, given, "training"))


def network_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a network; errors as :func:`affinity_options`."""
    from taskviz.networks import NetworkOptions

    return option_values(parse_options(NetworkOptions, given, "the networks"))
