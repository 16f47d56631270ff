"""Estimators of task affinity, one file each; a new one is a file and a line here."""

from typing import TYPE_CHECKING, Any

from taskviz.values.registry import registered_class

if TYPE_CHECKING:
    from taskviz.affinity.base import Estimator

ESTIMATORS: dict[str, str] = {
    "sca": "taskviz.affinity.sca:SCA",
    "tag": "taskviz.affinity.tag:TAG",
    "hoa": "taskviz.affinity.hoa:HOA",
    "higher-order": "taskviz.affinity.higher_order:HigherOrder",
    "surrogate": "taskviz.affinity.surrogate:Surrogate",
    "pooled-surrogate": "taskviz.affinity.pooled_surrogate:PooledSurrogate",
    "gradient": "taskviz.affinity.gradient:Gradient",
    "forward-selection": "taskviz.affinity.forward_selection:ForwardSelection",
    "discrepancy": "taskviz.affinity.discrepancy:Discrepancy",
    "etap": "taskviz.affinity.etap:ETAP",
    "covariance-cosine": "taskviz.affinity.covariance_cosine:CovarianceCosine",
    "gradient-cosine": "taskviz.affinity.gradient_cosine:GradientCosine",
    "early": "taskviz.affinity.early:Early",
    "exhaustive": "taskviz.affinity.exhaustive:Exhaustive",
    "combined": "taskviz.affinity.combined:Combined",
    "label-correlation": "taskviz.affinity.label_correlation:LabelCorrelation",
    "random": "taskviz.affinity.random:RandomAffinity",
}
"""Published name → class; imported only when it is asked for."""


def estimator_class(name: str) -> "type[Estimator]":
    """The class of an estimator.

    Raises:
        TaskvizError: unknown name; the valid ones are listed.
    """
    found: type[Estimator] = registered_class("affinity method", name, ESTIMATORS)
    return found


def make_estimator(name: str, **options: Any) -> "Estimator":
    """An estimator by its published name."""
    return estimator_class(name)(**options)
