"""Organic molecules of the package chemicals with compiled properties.

The values are compiled from handbooks and data bases, not measured by anyone we know; methods that
estimate a property from the structure or from other properties are left out.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.contents import Block, Contents
from taskviz.data.readers.molecule_graphs import descriptors, molecule_graphs, parse_smiles
from taskviz.values import Task, TaskvizError

if TYPE_CHECKING:
    from rdkit.Chem import Mol

COMPLETE = ("Tb", "Tm", "Tc", "Pc", "Vc", "omega")
WITH_GAPS = (*COMPLETE, "Hfus", "Hfg", "S0g", "T_flash", "logP", "dipole_moment", "RI")
ESTIMATES = frozenset({"JOBACK", "FEDORS", "WILSON_JASPERSON", "ACENTRIC_DEFINITION", "PSI4_2022A"})
"""Methods of chemicals that compute a value instead of looking it up."""


def molecules() -> Contents:
    """1,471 graphs with six properties, all known."""
    mols, values = _compiled(COMPLETE, COMPLETE)
    return Contents("graph", (Block(molecule_graphs(mols), *_targets(values, COMPLETE)),))


def molecules_with_gaps() -> Contents:
    """Graphs with thirteen properties, of which the boiling or critical temperature is known."""
    mols, values = _compiled(WITH_GAPS, ())
    keep = np.flatnonzero(~np.isnan(values[:, [0, 2]]).all(axis=1))
    kept = [mols[i] for i in keep]
    return Contents("graph", (Block(molecule_graphs(kept), *_targets(values[keep], WITH_GAPS)),))


def molecule_table() -> Contents:
    """The molecules of :func:`molecules` as a table of descriptors."""
    mols, values = _compiled(COMPLETE, COMPLETE)
    names, inputs = descriptors(mols)
    block = Block(inputs, *_targets(values, COMPLETE))
    return Contents("table", (block,), feature_names=names)


def _targets(
    values: NDArray[np.float64], names: tuple[str, ...]
) -> tuple[tuple[Task, ...], dict[str, NDArray[np.float64]]]:
    tasks = tuple(Task(name, "regression") for name in names)
    return tasks, {name: values[:, i] for i, name in enumerate(names)}


def _compiled(
    names: tuple[str, ...], needed: tuple[str, ...]
) -> "tuple[list[Mol], NDArray[np.float64]]":
    """Organic molecules of one part, and ``(n, len(names))`` values; NaN where none is compiled.

    Molecules that lack a value of ``needed`` are left out.
    """
    try:
        import chemicals
        from chemicals.identifiers import pubchem_db
    except ImportError:
        raise TaskvizError(
            "These molecules come with the package chemicals, which is not installed: "
            "install the packages that requirements.txt names."
        ) from None
    # The property with most gaps first: what it rules out is neither looked up nor parsed further.
    order = sorted(names, key=lambda name: name != "omega")
    calls = [
        (name, getattr(chemicals, name), getattr(chemicals, f"{name}_methods")) for name in order
    ]
    mols, rows = [], []
    for entry in pubchem_db.CAS_index.values():
        if not entry.smiles or "." in entry.smiles or "C" not in entry.smiles.upper():
            continue
        row = {}
        for name, look_up, methods in calls:
            row[name] = _value(entry.CASs, look_up, methods)
            if name in needed and np.isnan(row[name]):
                break
        else:
            mol = parse_smiles(entry.smiles)
            if mol is not None and mol.GetNumBonds() and _has_carbon(mol):
                mols.append(mol)
                rows.append([row[name] for name in names])
    return mols, np.array(rows)


def _value(
    number: str, look_up: Callable[..., Any], methods: Callable[[str], Sequence[str]]
) -> float:
    method = next((m for m in methods(number) if m not in ESTIMATES), None)
    if method is None:
        return np.nan
    value = look_up(number, method=method)
    # A refractive index comes with the temperature it holds at.
    return float(value[0] if isinstance(value, tuple) else value)


def _has_carbon(mol: "Mol") -> bool:
    return any(atom.GetAtomicNum() == 6 for atom in mol.GetAtoms())
