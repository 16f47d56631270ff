"""Jobs that show why: maps of optima, the landscape around them, affinities over a training."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from taskviz.cache import Cache
from taskviz.jobs.spec import JobSpec, name_of
from taskviz.progress import Progress
from taskviz.values import option_values
from taskviz.values.options import parse_options


@dataclass(frozen=True)
class OptimaSpec(JobSpec):
    """Draw maps of task-specific sample-wise optima; result ``{"map": key}``."""

    kind: ClassVar[str] = "optima"

    def checked(self) -> Self:
        """See :meth:`JobSpec.checked`."""
        from taskviz.optima.optima_map import OptimaOptions

        options = parse_options(OptimaOptions, self.options, "a map of optima")
        return replace(self, options=option_values(options))

    @property
    def title(self) -> str:
        """See :attr:`JobSpec.title`."""
        return f"Map of optima of {name_of(self.ref)}"

    def run(self, device: str, progress: Progress, cache: Cache) -> dict[str, Any]:
        """See :meth:`JobSpec.run`."""
        from taskviz.data import open_collection
        from taskviz.verbs import map_optima, optima_map_key

        collection = open_collection(self.ref, cache)
        own = {"seed": self.seed, "device": device, **self.options}
        map_optima(collection, progress=progress, cache=cache, **own)
        return {"map": optima_map_key(collection, **own)}


@dataclass(frozen=True)
class LandscapeSpec(JobSpec):
    """Measure densities, smoothness and bounds; result ``{"landscape": key}``."""

    kind: ClassVar[str] = "landscape"

    def checked(self) -> Self:
        """See :meth:`JobSpec.checked`."""
        from taskviz.optima.landscape import LandscapeOptions

        options = parse_options(LandscapeOptions, self.options, "the landscape")
        return replace(self, options=option_values(options))

    @property
    def title(self) -> str:
        """See :attr:`JobSpec.title`."""
        return f"Landscape of {name_of(self.ref)}"

    def run(self, device: str, progress: Progress, cache: Cache) -> dict[str, Any]:
        """See :meth:`JobSpec.run`."""
        from taskviz.data import open_collection
        from taskviz.verbs import landscape_key, study_landscape

        collection = open_collection(self.ref, cache)
        own = {"seed": self.seed, "device": device, **self.options}
        study_landscape(collection, progress=progress, cache=cache, **own)
        return {"landscape": landscape_key(collection, **own)}


@dataclass(frozen=True)
class DynamicsSpec(JobSpec):
    """Recompute affinities over a joint training; result ``{"dynamics": key}``."""

    kind: ClassVar[str] = "dynamics"

    def checked(self) -> Self:
        """See :meth:`JobSpec.checked`."""
        from taskviz.affinity.dynamics import DynamicsOptions

        options = parse_options(DynamicsOptions, self.options, "the study of dynamics")
        return replace(self, options=option_values(options))

    @property
    def title(self) -> str:
        """See :attr:`JobSpec.title`."""
        return f"Affinities over a training on {name_of(self.ref)}"

    def run(self, device: str, progress: Progress, cache: Cache) -> dict[str, Any]:
        """See :meth:`JobSpec.run`."""
        from taskviz.data import open_collection
        from taskviz.verbs import dynamics_key, study_dynamics

        collection = open_collection(self.ref, cache)
        own = {"seed": self.seed, "device": device, **self.options}
        study_dynamics(collection, progress=progress, cache=cache, **own)
        return {"dynamics": dynamics_key(collection, **own)}
