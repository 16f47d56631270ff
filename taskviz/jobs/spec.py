"""What every kind of job has: a spec of plain data that is checked before it becomes work."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from taskviz.access import actor
from taskviz.cache import Cache
from taskviz.engines.names import ENGINES
from taskviz.progress import Progress
from taskviz.values import TaskvizError, unknown_choice
from taskviz.values.checks import check_number, check_whole

if TYPE_CHECKING:
    from taskviz.data import CollectionRef

Spec = Mapping[str, Any]


@dataclass(frozen=True)
class JobSpec(ABC):
    """Common to all kinds.

    Args:
        collection: a ``CollectionRef`` as plain data.
        options: of the method; filled up with their defaults.
        seed: every random draw derives from it.
        device: ``auto``, ``cpu``, ``cuda:0``, …
        engine: ``local``, or ``ray``: its units run on the cluster at ``TASKVIZ_RAY_ADDRESS``.
    """

    collection: Spec
    options: Spec
    seed: int = 0
    device: str = "auto"
    engine: str = "local"

    kind: ClassVar[str]
    needs_collection: ClassVar[bool] = True
    """False: ``collection`` may be empty, where scores were imported."""

    @classmethod
    def parse(cls, given: Spec) -> Self:
        """Check a spec and fill it up.

        Raises:
            TaskvizError: an unknown or missing entry, or one that is not what it should be.
        """
        known = {f.name for f in fields(cls)}
        for name in given:
            if name not in known:
                raise unknown_choice("entry", str(name), known, f"the job {cls.kind!r}")
        needed = cls.needs_collection or given.get("collection")
        if needed and not isinstance(given.get("collection"), Mapping):
            raise TaskvizError(f"A job {cls.kind!r} needs a collection: a reference to its data.")
        for name in ("options", "grouping"):
            if name in known and not isinstance(given.get(name, {}), Mapping):
                raise TaskvizError(f"Entry {name!r} of a job {cls.kind!r} must be named values.")
        ref = _collection_ref(given["collection"]).to_json() if needed else {}
        spec = cls(**{"options": {}, **given, "collection": ref})
        whole(spec.seed, "seed", 0, 2**63 - 1)
        if spec.engine not in ENGINES:
            raise unknown_choice("engine", str(spec.engine), ENGINES)
        return spec.checked()

    @abstractmethod
    def checked(self) -> Self:
        """The same with its own entries checked and its options filled up."""

    @property
    @abstractmethod
    def title(self) -> str:
        """One line for people."""

    @abstractmethod
    def run(self, device: str, progress: Progress, cache: Cache) -> dict[str, Any]:
        """Do it; returns the keys of what was stored."""

    def to_json(self) -> dict[str, Any]:
        """Plain data for the job store."""
        return asdict(self)

    @property
    def ref(self) -> "CollectionRef":
        """The reference to the data."""
        return _collection_ref(self.collection)


def _collection_ref(given: Spec) -> "CollectionRef":
    from taskviz.data import BUILT_INS, CollectionRef
    from taskviz.data.uploads import PREFIX

    ref = CollectionRef.from_json(given)
    path = Path(ref.reference).expanduser()
    own = ref.reference not in BUILT_INS and not ref.reference.startswith(PREFIX)
    if own:
        actor().must_open(path)
    try:
        is_path = own and path.exists()
    except (OSError, ValueError):
        is_path = False
    # A worker starts elsewhere: a path has to stand on its own.
    return replace(ref, reference=str(path.absolute())) if is_path else ref


def name_of(ref: "CollectionRef") -> str:
    """A collection's name for people."""
    if ref.reference.startswith("upload:"):
        return "an uploaded table"
    return Path(ref.reference).stem or ref.reference


def whole(value: Any, name: str, least: int, most: int) -> None:
    """Check that an entry is a whole number within limits.

    Raises:
        TaskvizError: it is not.
    """
    check_whole(value, f"Entry {name!r} of a job", least, most)


def number(value: Any, name: str, least: float, most: float) -> float:
    """Check a number within limits; errors as :func:`whole`."""
    return check_number(value, f"Entry {name!r} of a job", least, most)


def listing(value: Any, name: str) -> Sequence[Any]:
    """Check a list; errors as :func:`whole`."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TaskvizError(f"Entry {name!r} of a job is {value!r}: a list is needed.")
    return value
