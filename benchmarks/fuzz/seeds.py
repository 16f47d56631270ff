"""Valid inputs to begin with: trees of files, each a collection or a saved value."""

import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

Tree = dict[str, bytes]
"""Path inside a folder → content."""

ROWS = 48


def _frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 3))
    return pd.DataFrame(
        {
            "height": x[:, 0].round(4),
            "weight": x[:, 1].round(4),
            "colour": np.array(["red", "green", "blue"])[np.arange(ROWS) % 3],
            "label_a": (x[:, 0] + x[:, 1] > 0).astype(int),
            "label_b": np.array(["yes", "no"])[(x[:, 1] > 0).astype(int)],
            "target_c": (x[:, 0] - x[:, 2]).round(4),
        }
    )


def csv_table() -> Tree:
    """A table with numbers, words and three targets."""
    return {"table.csv": _frame().to_csv(index=False).encode()}


def parquet_table() -> Tree:
    """The same as Parquet."""
    out = io.BytesIO()
    _frame().to_parquet(out)
    return {"table.parquet": out.getvalue()}


def arff_table() -> Tree:
    """The same as ARFF."""
    frame = _frame()
    lines = ["@relation trees"]
    for name in frame.columns:
        words = sorted(frame[name].astype(str).unique())
        kind = "numeric" if len(words) > 3 else "{" + ",".join(words) + "}"
        lines.append(f"@attribute {name} {kind}")
    lines += ["@data", *frame.to_csv(index=False, header=False).splitlines()]
    return {"table.arff": "\n".join(lines).encode()}


MANIFEST = """name = "trees"
layout = "joint"
modality = "table"
description = "Made up."
format = "table"
files = "data.csv"

[[tasks]]
name = "a"
kind = "binary"
target = "label_a"

[[tasks]]
name = "c"
kind = "regression"
target = "target_c"

[splits]
fractions = [0.6, 0.2, 0.2]
"""


def manifest_folder() -> Tree:
    """A table in a folder with its manifest."""
    return {
        "collection.toml": MANIFEST.encode(),
        "data.csv": _frame().to_csv(index=False).encode(),
    }


def separate_folder() -> Tree:
    """Two data sets of their own with one manifest."""
    text = 'name = "two"\nlayout = "separate"\nmodality = "table"\n'
    for name in ("one", "two"):
        text += f'\n[[tasks]]\nname = "{name}"\nformat = "table"\n'
        text += f'target = "label_a"\nfiles = "{name}.csv"\n'
    table = _frame()[["height", "weight", "label_a"]].to_csv(index=False).encode()
    return {"collection.toml": text.encode(), "one.csv": table, "two.csv": table}


def npz_arrays() -> Tree:
    """Inputs and two labels as NumPy arrays."""
    frame, out = _frame(), io.BytesIO()
    inputs = frame[["height", "weight"]].to_numpy(dtype=np.float32)
    np.savez(out, inputs=inputs, a=frame["label_a"].to_numpy(), c=frame["target_c"].to_numpy())
    return {"data.npz": out.getvalue()}


def smiles_table() -> Tree:
    """Molecules with two measured columns."""
    rows = ["smiles,logS,toxic"]
    for i in range(ROWS):
        text = "C" * (i % 7 + 1) + "ON"[i % 2] + ("C(=O)C" if i % 3 else "c1ccccc1")
        rows.append(f"{text},{-0.5 * (i % 9):.2f},{'yes' if i % 2 else 'no'}")
    return {"molecules.csv": "\n".join(rows).encode()}


def image_folders() -> Tree:
    """A folder of small images for each class."""
    from PIL import Image

    rng, tree = np.random.default_rng(1), {}
    for number, kind in enumerate(("png", "jpeg", "tiff")):
        for i in range(8):
            out = io.BytesIO()
            pixels = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(out, format=kind)
            tree[f"{number}_class/{i}.{kind[:3].replace('jpe', 'jpg')}"] = out.getvalue()
    return tree


def series_files() -> Tree:
    """Two UEA problems of short series, a task each."""
    rng = np.random.default_rng(2)
    head = "@problemName Walk\n@timeStamps false\n@missing false\n@univariate false\n"
    head += "@dimensions 2\n@equalLength false\n@classLabel true a b\n@data\n"
    text, tree = 'name = "walks"\nlayout = "separate"\nmodality = "series"\n', {}
    for name in ("Walk", "Run"):
        text += f'\n[[tasks]]\nname = "{name}"\nformat = "ts"\n'
        text += f'files = {{train = "{name}_TRAIN.ts", test = "{name}_TEST.ts"}}\n'
        for part in ("TRAIN", "TEST"):
            lines = []
            for i in range(12):
                rows = [",".join(f"{v:.3f}" for v in rng.normal(size=5 + i % 3)) for _ in range(2)]
                lines.append(":".join([*rows, "ab"[i % 2]]))
            tree[f"{name}_{part}.ts"] = (head + "\n".join(lines) + "\n").encode()
    return {"collection.toml": text.encode(), **tree}


def node_files() -> Tree:
    """An edge list and a table of its nodes."""
    rng = np.random.default_rng(3)
    nodes = ["node,height,weight,label_a,label_b"]
    nodes += [
        f"n{i},{rng.normal():.3f},{rng.normal():.3f},{i % 2},{'xyz'[i % 3]}" for i in range(40)
    ]
    edges = ["source,target", *(f"n{i},n{(i + 1) % 40}" for i in range(40))]
    return {"nodes.csv": "\n".join(nodes).encode(), "edges.csv": "\n".join(edges).encode()}


def published(name: str, parts: tuple[str, ...] = (), **sizes: int) -> Callable[[], Tree]:
    """A data set in the layout of its source, as the tests of the readers write it.

    Args:
        name: of the layout.
        parts: folders of a data set that has several.
        sizes: how much of it.
    """

    def make() -> Tree:
        from tests.data.readers import layouts

        write = getattr(layouts, name)
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / name
            for part in parts:
                write(root / part, part, **sizes)
            if not parts:
                write(root, **sizes)
            files = sorted(path for path in root.rglob("*.*") if path.suffix != ".npy")
            return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}

    return make


def zipped(tree: Tree) -> bytes:
    """A tree as a .zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in tree.items():
            archive.writestr(name, data)
    return out.getvalue()


def matrix_csv() -> Tree:
    """An affinity matrix as CSV."""
    names = ["ash", "birch", "cedar"]
    table = pd.DataFrame(np.random.default_rng(4).normal(size=(3, 3)), names, names)
    return {"matrix.csv": table.to_csv().encode()}


def matrix_json() -> Tree:
    """The same as JSON."""
    from taskviz.values import AffinityMatrix

    values = np.random.default_rng(4).normal(size=(3, 3))
    matrix = AffinityMatrix(values, ("ash", "birch", "cedar"), "example")
    return {"matrix.json": json.dumps(matrix.to_json()).encode()}


def subset_csv() -> Tree:
    """Trained subsets with their losses."""
    return {
        "subsets.csv": b"subset,cost,ash,birch,cedar\nash,1,0.4,,\nbirch,1,,0.3,\ncedar,1,,,0.5\n"
        b"ash+birch,1,0.35,0.31,\nbirch+cedar,1,,0.28,0.55\n"
    }


def grouping_json() -> Tree:
    """A saved grouping."""
    from taskviz.values import Grouping

    plan = Grouping.of([["ash", "birch"], ["cedar"]], budget=2, score=1.5, objective="density")
    return {"grouping.json": json.dumps(plan.to_json()).encode()}


COLLECTIONS: dict[str, Callable[[], Tree]] = {
    "csv": csv_table,
    "parquet": parquet_table,
    "arff": arff_table,
    "manifest": manifest_folder,
    "separate": separate_folder,
    "npz": npz_arrays,
    "smiles": smiles_table,
    "images": image_folders,
    "ts": series_files,
    "nodes": node_files,
    "svhn": published("svhn", n=20),
    "cifar": published("cifar10", n=12),
    "stl": published("stl10", n=10),
    "celeba": published("celeba", n=20, attributes=12),
    "mimic": published("mimic3", ("decompensation", "in-hospital-mortality", "phenotyping"), n=12),
    "qm9": published("qm9", n=26),
    "wfdb": published("wfdb_records", n=20, seconds=2),
}
VALUES: dict[str, Callable[[], Tree]] = {
    "matrix-csv": matrix_csv,
    "matrix-json": matrix_json,
    "subsets": subset_csv,
    "grouping": grouping_json,
}
