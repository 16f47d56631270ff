"""What a gallery shows of a built-in collection, and how to load it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from taskviz.data.contents import Contents, assemble
from taskviz.values import Layout, Modality, Origin, TaskCollection, TaskvizError


@dataclass(frozen=True)
class BuiltIn:
    """A collection that comes with an installed package.

    Args:
        name: what :func:`taskviz.load_collection` takes.
        title: for people.
        n: samples; of all data sets together where the layout is separate.
        task_count: T.
        description: one line.
        licence: of the data, as far as it is known.
        read: inputs, targets and tasks.
    """

    name: str
    title: str
    modality: Modality
    layout: Layout
    n: int
    task_count: int
    description: str
    licence: str
    read: Callable[[], Contents]

    def load(self, split_seed: int) -> TaskCollection:
        """The collection under a split of this seed."""
        origin = Origin(self.name, self.description, self.licence, split_seed=split_seed)
        return assemble(self.name, self.read(), split_seed, origin)

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON, without the loader."""
        return {
            "name": self.name,
            "title": self.title,
            "modality": self.modality,
            "layout": self.layout,
            "n": self.n,
            "tasks": self.task_count,
            "description": self.description,
            "licence": self.licence,
        }


def packaged_file(package: str, *parts: str) -> Path:
    """A data file of an installed package, found without importing it.

    Importing takes longer than reading the file, and some packages pin versions that are not ours.

    Raises:
        TaskvizError: the package or its file is not there.
    """
    spec = find_spec(package)
    if spec is None:
        raise TaskvizError(
            f"These data come with the package {package}, which is not installed: "
            "install the packages that requirements.txt names."
        )
    for folder in spec.submodule_search_locations or ():
        path = Path(folder).joinpath(*parts)
        if path.is_file():
            return path
    raise TaskvizError(
        f"The installed package {package} has no file {'/'.join(parts)}: "
        "install the version that requirements.txt names."
    )


def damaged(path: Path, package: str, error: Exception) -> TaskvizError:
    """What to say of a packaged file that cannot be read."""
    return TaskvizError(
        f"Cannot read {path.name} of the installed {package} package ({error}): "
        "install the package again."
    )
