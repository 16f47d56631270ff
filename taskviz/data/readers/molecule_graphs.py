"""Molecules as graphs: atoms are nodes, bonds are edges (rdkit)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.values import Graphs, TaskvizError

if TYPE_CHECKING:
    from rdkit.Chem import Atom, Bond, Mol

ELEMENTS = ("H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br", "I")
ATOM_FEATURES = (
    *ELEMENTS,
    "other element",
    "sp",
    "sp2",
    "sp3",
    "aromatic",
    "in a ring",
    "hydrogens",
    "charge",
    "bonds",
)
BOND_FEATURES = ("single", "double", "triple", "aromatic")
MOST_ATOMS = 1000
_LONGEST = 5000


def parse_smiles(smiles: str) -> "Mol | None":
    """A molecule, or None where the text is no SMILES of one with at least one atom."""
    from rdkit import Chem, rdBase

    if not smiles.strip() or len(smiles) > _LONGEST:
        return None
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles.strip())
    return mol if mol is not None and 0 < mol.GetNumAtoms() <= MOST_ATOMS else None


def molecule_graphs(mols: "Sequence[Mol]") -> Graphs:
    """Graphs with :data:`ATOM_FEATURES` and :data:`BOND_FEATURES`; hydrogens are no nodes."""
    if not mols:
        raise TaskvizError("There is no molecule: give at least one.")
    nodes, edges, bonds = [], [], []
    for mol in mols:
        nodes.append(np.array([_atom(atom) for atom in mol.GetAtoms()], dtype=np.float32))
        ends = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in mol.GetBonds()]
        kinds = np.array([_bond(b) for b in mol.GetBonds()], dtype=np.float32)
        pairs = np.array(ends, dtype=np.int64).reshape(-1, 2).T
        edges.append(np.concatenate([pairs, pairs[::-1]], axis=1))
        bonds.append(np.concatenate([kinds.reshape(-1, len(BOND_FEATURES))] * 2))
    return Graphs.from_lists(nodes, edges, bonds)


def _atom(atom: "Atom") -> list[float]:
    symbol, hybrid = atom.GetSymbol(), str(atom.GetHybridization())
    row = [float(symbol == element) for element in ELEMENTS]
    row.append(float(symbol not in ELEMENTS))
    row += [float(hybrid == kind) for kind in ("SP", "SP2", "SP3")]
    row += [float(atom.GetIsAromatic()), float(atom.IsInRing())]
    row += [float(atom.GetTotalNumHs()), float(atom.GetFormalCharge()), float(atom.GetDegree())]
    return row


def _bond(bond: "Bond") -> list[float]:
    kind = str(bond.GetBondType()).lower()
    return [float(kind == name) for name in BOND_FEATURES]


def descriptors(mols: "Sequence[Mol]") -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Names and ``(n, p)`` values of cheap descriptors of rdkit that every molecule has."""
    from rdkit.Chem import rdMolDescriptors

    named: dict[str, Any] = {
        "MolWt": rdMolDescriptors._CalcMolWt,
        "HeavyAtoms": rdMolDescriptors.CalcNumHeavyAtoms,
        "Heteroatoms": rdMolDescriptors.CalcNumHeteroatoms,
        "RotatableBonds": rdMolDescriptors.CalcNumRotatableBonds,
        "HBondDonors": rdMolDescriptors.CalcNumHBD,
        "HBondAcceptors": rdMolDescriptors.CalcNumHBA,
        "Rings": rdMolDescriptors.CalcNumRings,
        "AromaticRings": rdMolDescriptors.CalcNumAromaticRings,
        "AliphaticRings": rdMolDescriptors.CalcNumAliphaticRings,
        "Heterocycles": rdMolDescriptors.CalcNumHeterocycles,
        "FractionCSP3": rdMolDescriptors.CalcFractionCSP3,
        "TPSA": rdMolDescriptors.CalcTPSA,
        "LabuteASA": rdMolDescriptors.CalcLabuteASA,
        "Kappa1": rdMolDescriptors.CalcKappa1,
        "Kappa2": rdMolDescriptors.CalcKappa2,
        "Kappa3": rdMolDescriptors.CalcKappa3,
        "Chi0v": rdMolDescriptors.CalcChi0v,
        "Chi1v": rdMolDescriptors.CalcChi1v,
        "Chi2v": rdMolDescriptors.CalcChi2v,
        "Chi3v": rdMolDescriptors.CalcChi3v,
    }
    columns = [[float(call(mol)) for mol in mols] for call in named.values()]
    symbols = [[atom.GetSymbol() for atom in mol.GetAtoms()] for mol in mols]
    for element in ELEMENTS[2:]:
        named[f"count_{element}"] = None
        columns.append([float(own.count(element)) for own in symbols])
    return tuple(named), np.array(columns, dtype=np.float64).T


def draw_molecule(graph: Graphs, size: int = 160) -> str | None:
    """An SVG of the first graph as a molecule; None where its features are none of ours.

    Args:
        graph: with :data:`ATOM_FEATURES` and :data:`BOND_FEATURES`.
        size: of the picture, pixels.
    """
    if graph.shape[1:] != (len(ATOM_FEATURES), len(BOND_FEATURES)):
        return None
    from rdkit import Chem, rdBase
    from rdkit.Chem import rdDepictor
    from rdkit.Chem.Draw import rdMolDraw2D

    kinds = [Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE]
    mol = Chem.RWMol()
    atoms = graph.node_features[: graph.node_pointer[1]]
    hydrogens, charge = ATOM_FEATURES.index("hydrogens"), ATOM_FEATURES.index("charge")
    for row in atoms:
        named = np.flatnonzero(row[: len(ELEMENTS)] > 0.5)
        atom = Chem.Atom(ELEMENTS[int(named[0])] if len(named) else "*")
        atom.SetFormalCharge(int(row[charge]))
        atom.SetNumExplicitHs(int(row[hydrogens]))
        atom.SetNoImplicit(True)
        mol.AddAtom(atom)
    for e in range(int(graph.edge_pointer[1])):
        start, end = (int(i) for i in graph.edge_index[:, e])
        if start < end:
            kind = int(graph.edge_features[e].argmax())
            mol.AddBond(start, end, [*kinds, Chem.BondType.AROMATIC][kind])
            if kind == len(kinds):
                for i in (start, end):
                    mol.GetAtomWithIdx(i).SetIsAromatic(True)
    with rdBase.BlockLogs():
        rdDepictor.Compute2DCoords(mol)
        canvas = rdMolDraw2D.MolDraw2DSVG(size, size)
        options = canvas.drawOptions()
        options.prepareMolsBeforeDrawing = False  # type: ignore[assignment]
        canvas.DrawMolecule(mol)
        canvas.FinishDrawing()
    return str(canvas.GetDrawingText())
