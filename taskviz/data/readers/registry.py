"""All layouts that can be read, the most telling ones first."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from taskviz.data.readers import (
    binary_images,
    celeba,
    class_folders,
    mimic3,
    node_tables,
    npz_file,
    qm9,
    smiles,
    table_reader,
    ts_reader,
    wfdb_records,
)
from taskviz.data.readers.base import Reader

_ALL = (
    celeba.READER,
    binary_images.CIFAR10,
    binary_images.STL10,
    binary_images.SVHN,
    mimic3.READER,
    qm9.READER,
    wfdb_records.READER,
    ts_reader.READER,
    node_tables.READER,
    npz_file.READER,
    smiles.READER,
    class_folders.READER,
    table_reader.READER,
)
READERS: Mapping[str, Reader] = MappingProxyType({reader.name: reader for reader in _ALL})


def recognise(folder: Path) -> tuple[Reader, dict[str, str]] | None:
    """The first layout that a folder has, with its files; None where it has none."""
    for reader in _ALL:
        files = reader.recognise(folder)
        if files is not None:
            return reader, files
    return None
