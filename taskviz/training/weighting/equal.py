"""Every task counts the same."""

from typing import ClassVar

from taskviz.training.weighting.base import Step, Weighting


class Equal(Weighting):
    """The sum of the losses: every weight is 1.

    A sum and not a mean, so that a head's update does not depend on how many tasks share the
    trunk; it is what uncertainty weighting and GradNorm start from (their weights sum to T).
    """

    name: ClassVar[str] = "equal"
    title: ClassVar[str] = "Equal weights"
    source: ClassVar[str] = "Caruana, Multitask Learning, 1997"

    def backward(self, step: Step) -> None:
        """See :meth:`Weighting.backward`."""
        # autograd writes the parameters' .grad; torch has no types for it
        step.scaled(step.losses.sum()).backward()  # type: ignore[no-untyped-call]
