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
    """The named options of a training, checked; errors as :func:`affinity_options`.

    What is not named stays open: it is as suits the modality, which only the data tell.
    """
    from taskviz.training.options import TrainingOptions

    filled = option_values(parse_options(TrainingOptions, given, "training"))
    return {name: filled[name] for name in (given_name.replace("-", "_") for given_name in given)}


def network_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a network; errors as :func:`affinity_options`."""
    from taskviz.networks import NetworkOptions

    return option_values(parse_options(NetworkOptions, given, "the networks"))


SMALL = {"width": 16, "depth": 1}
"""Networks of the evidence unless others are asked for: hundreds of them train in a minute."""


def subset_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of the evidence's networks; errors as :func:`affinity_options`."""
    from taskviz.training.subsets import SubsetOptions

    return option_values(parse_options(SubsetOptions, {**SMALL, **given}, "the networks"))
