"""Jobs about plans: they work on stored scores and need no data."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from taskviz.cache import Cache
from taskviz.jobs.spec import JobSpec, Spec, whole
from taskviz.progress import Progress
from taskviz.values import Grouping, TaskvizError

if TYPE_CHECKING:
    from taskviz.grouping.group_costs import CostModel


@dataclass(frozen=True)
class StabilitySpec(JobSpec):
    """Redraw scores within their noise and group again; result ``{"stability": key}``.

    Args:
        scores: key of the matrix, or of imported scores.
        grouping: the plan as plain data.
        draws: how often.
        noise: standard deviation of an entry, for a matrix without standard errors.
        costs: prices as plain data, where the plan's budget is not in networks.
    """

    scores: str = ""
    grouping: Spec | None = None
    draws: int = 100
    noise: float | None = None
    costs: Spec | None = None

    kind: ClassVar[str] = "stability"
    needs_collection: ClassVar[bool] = False

    def checked(self) -> Self:
        """See :meth:`JobSpec.checked`."""
        from taskviz.verbs.stability import made_by

        if not self.scores or not isinstance(self.scores, str):
            raise TaskvizError("A job 'stability' needs the key of the scores to be redrawn.")
        if not self.grouping or not self.grouping.get("groups"):
            raise TaskvizError("A job 'stability' needs a grouping: the plan to be judged.")
        if self.options:
            raise TaskvizError("A job 'stability' has no options: the plan brings its method's.")
        whole(self.draws, "draws", 2, 10_000)
        grouping = Grouping.from_json(self.grouping)
        made_by(grouping)
        return replace(
            self,
            grouping=grouping.to_json(),
            noise=_noise(self.noise),
            costs=None if self.costs is None else _costs(self.costs).to_json(),
        )

    @property
    def title(self) -> str:
        """See :attr:`JobSpec.title`."""
        count = len(Grouping.from_json(self.grouping or {}).groups)
        return f"Stability of a plan of {count} group{'s' * (count != 1)}"

    def run(self, device: str, progress: Progress, cache: Cache) -> dict[str, Any]:
        """See :meth:`JobSpec.run`."""
        from taskviz.verbs import stability_key, stored_scores, study_stability

        scores = stored_scores(self.scores, cache)
        grouping = Grouping.from_json(self.grouping or {})
        settings: dict[str, Any] = {
            "draws": self.draws,
            "noise": self.noise,
            "seed": self.seed,
            "costs": None if self.costs is None else _costs(self.costs),
        }
        study_stability(scores, grouping, progress=progress, cache=cache, **settings)
        return {"stability": stability_key(scores, grouping, cache=cache, **settings)}


def _costs(given: Spec) -> "CostModel":
    from taskviz.grouping.group_costs import CostModel

    return CostModel.from_json(given)


def _noise(given: Any) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < math.inf:
        raise TaskvizError(f"Entry 'noise' of a job is {given!r}: a number above 0 is needed.")
    return float(given)
