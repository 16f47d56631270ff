"""Files of the real layouts, small, as their sources distribute them."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

CHANNELS = (
    "Hours,Capillary refill rate,Diastolic blood pressure,Fraction inspired oxygen,"
    "Glascow coma scale eye opening,Glascow coma scale motor response,Glascow coma scale total,"
    "Glascow coma scale verbal response,Glucose,Heart Rate,Height,Mean blood pressure,"
    "Oxygen saturation,Respiratory rate,Systolic blood pressure,Temperature,Weight,pH"
)


def image(path: Path, seed: int, size=(18, 22), mode="RGB", **options) -> None:
    """One image of noise; its size is width and height."""
    rng = np.random.default_rng(seed)
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(path, **options)


def celeba(root: Path, n: int = 30, attributes: int = 40) -> Path:
    """CelebA with its forty attributes."""
    from taskviz.data.readers.celeba import TAG_ATTRIBUTES

    names = [*TAG_ATTRIBUTES, *(f"Other_{i}" for i in range(attributes - 9))]
    rng = np.random.default_rng(0)
    labels = rng.choice([-1, 1], (n, attributes))
    files = [f"{i + 1:06d}.jpg" for i in range(n)]
    for i, name in enumerate(files):
        image(root / "img_align_celeba" / name, i)
    rows = [
        f"{f} " + " ".join(f"{v:2d}" for v in row) for f, row in zip(files, labels, strict=True)
    ]
    (root / "list_attr_celeba.txt").write_text("\n".join([str(n), " ".join(names), *rows]) + "\n")
    parts = [0] * (n - 10) + [1] * 5 + [2] * 5
    lines = [f"{name} {part}" for name, part in zip(files, parts, strict=True)]
    (root / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    return root


def class_folders(root: Path, n: int = 8) -> Path:
    """Kather's colorectal tiles: a folder a class, TIFF."""
    for number, name in enumerate(("01_TUMOR", "02_STROMA", "03_COMPLEX")):
        for i in range(n):
            image(root / "tiles" / name / f"{i:04d}_{name}.tif", 100 * number + i, (15, 15))
    return root


def cifar10(root: Path, n: int = 12) -> Path:
    """CIFAR-10, binary version, with n images a batch."""
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    for name in names:
        rows = rng.integers(0, 256, (n, 3073), dtype=np.uint8)
        rows[:, 0] = np.arange(n) % 10
        (folder / name).write_bytes(rows.tobytes())
    words = [
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ]
    (folder / "batches.meta.txt").write_text("\n".join(words) + "\n\n")
    return root


def stl10(root: Path, n: int = 20) -> Path:
    """STL-10, binary version."""
    folder = root / "stl10_binary"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(2)
    for part in ("train", "test"):
        pixels = rng.integers(0, 256, (n, 3, 96, 96), dtype=np.uint8)
        # Stored column by column.
        (folder / f"{part}_X.bin").write_bytes(pixels.transpose(0, 1, 3, 2).tobytes())
        (folder / f"{part}_y.bin").write_bytes((np.arange(n) % 10 + 1).astype(np.uint8).tobytes())
        np.save(root / f"{part}.npy", pixels)
    words = ["airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"]
    (folder / "class_names.txt").write_text("\n".join(words) + "\n")
    return root


def svhn(root: Path, n: int = 20) -> Path:
    """SVHN, cropped digits."""
    from scipy.io import savemat

    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    for part in ("train", "test"):
        pixels = rng.integers(0, 256, (32, 32, 3, n), dtype=np.uint8)
        labels = (np.arange(n) % 10 + 1).astype(np.uint8)[:, None]
        savemat(root / f"{part}_32x32.mat", {"X": pixels, "y": labels}, do_compression=True)
    return root


def ts(root: Path, name: str = "Walk", channels: int = 2, n: int = 12, classes=("a", "b")) -> Path:
    """A problem of the UEA archive with series of unequal length."""
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(4)
    for part in ("TRAIN", "TEST"):
        lines = [
            "#A remark",
            f"@problemName {name}",
            "@timeStamps false",
            "@missing false",
            f"@univariate {'true' if channels == 1 else 'false'}",
            f"@dimensions {channels}",
            "@equalLength false",
            f"@classLabel true {' '.join(classes)}",
            "@data",
        ]
        for i in range(n):
            length = int(rng.integers(5, 9))
            rows = [",".join(f"{v:.3f}" for v in rng.normal(size=length)) for _ in range(channels)]
            lines.append(":".join([*rows, classes[i % len(classes)]]))
        (root / f"{name}_{part}.ts").write_text("\n".join(lines) + "\n")
    return root


def mimic3(root: Path, task: str, n: int = 16) -> Path:
    """One task of the MIMIC-III benchmark."""
    rng = np.random.default_rng(5)
    for part in ("train", "test"):
        folder = root / part
        folder.mkdir(parents=True, exist_ok=True)
        head = {
            "in-hospital-mortality": "stay,y_true",
            "decompensation": "stay,period_length,y_true",
            "phenotyping": "stay,period_length," + ",".join(f"Disease {i}" for i in range(25)),
        }[task]
        rows = [head]
        for i in range(n):
            name = f"{i}_episode1_timeseries.csv"
            hours = 48 if task == "in-hospital-mortality" else int(rng.integers(5, 30))
            lines = [CHANNELS]
            for hour in np.sort(rng.uniform(0, hours, 6)):
                lines.append(
                    f"{hour:.3f},0.0,61.0,,4 Spontaneously,6 Obeys Commands,15,5 Oriented,"
                    f"{100 + 10 * rng.normal():.1f},{80 + rng.normal():.1f},,,97.0,18.0,,36.8,,7.4"
                )
            (folder / name).write_text("\n".join(lines) + "\n")
            label = i % 2
            if task == "in-hospital-mortality":
                rows.append(f"{name},{label}")
            elif task == "decompensation":
                rows += [f"{name},{hours - 1}.0,{label}", f"{name},{hours}.0,{label}"]
            else:
                marks = ",".join(str(int(rng.random() < 0.4)) for _ in range(25))
                rows.append(f"{name},{hours}.5,{marks}")
        (folder / "listfile.csv").write_text("\n".join(rows) + "\n")
    return root


def smiles(path: Path, n: int = 24) -> Path:
    """A table of molecules with three measured columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = ["id,smiles,logS,toxic,band"]
    for i in range(n):
        text = "C" * (i % 7 + 1) + ("O" if i % 2 else "N") + ("C(=O)C" if i % 3 else "c1ccccc1")
        gap = "" if i == 3 else f"{-0.5 * i:.2f}"
        rows.append(f"{i + 500},{text},{gap},{'yes' if i % 2 else 'no'},{i % 3}")
    path.write_text("\n".join(rows) + "\n")
    return path


SDF = """gdb_{i}
  -OEChem-03231823243D

  3  2  0     0  0  0  0  0  0999 V2000
    0.0000    0.1000    0.0000 O   0  0  0  0  0  0  0  0  0  0  0  0
    0.9000    0.5000    0.1000 H   0  0  0  0  0  0  0  0  0  0  0  0
   -0.9000    0.5000    0.1000 H   0  0  0  0  0  0  0  0  0  0  0  0
  1  2  1  0  0  0  0
  1  3  1  0  0  0  0
M  END
$$$$
"""


def qm9(root: Path, n: int = 30, skipped=(4, 9)) -> Path:
    """QM9's three raw files with n molecules of water, two of them uncharacterised."""
    folder = root / "raw"
    folder.mkdir(parents=True)
    (folder / "gdb9.sdf").write_text("".join(SDF.format(i=i + 1) for i in range(n)))
    names = "mol_id,A,B,C,mu,alpha,homo,lumo,gap,r2,zpve,u0,u298,h298,g298,cv,u0_atom,u298_atom,"
    rows = [names + "h298_atom,g298_atom"]
    rng = np.random.default_rng(6)
    for i in range(n):
        rows.append(f"gdb_{i + 1}," + ",".join(f"{v:.5f}" for v in rng.normal(size=19)))
    (folder / "gdb9.sdf.csv").write_text("\n".join(rows) + "\n")
    lines = ["head"] * 9 + [f"  {i + 1}   smiles" for i in skipped] + ["foot", ""]
    (folder / "uncharacterized.txt").write_text("\n".join(lines))
    return root


def nodes(root: Path, n: int = 40) -> Path:
    """An edge list with a table of nodes: two features, two labels."""
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    rows = ["node,height,weight,label_a,label_b"]
    for i in range(n):
        rows.append(f"n{i},{rng.normal():.3f},{rng.normal():.3f},{i % 2},{'xyz'[i % 3]}")
    (root / "nodes.csv").write_text("\n".join(rows) + "\n")
    edges = ["source,target", *(f"n{i},n{(i + 1) % n}" for i in range(n))]
    (root / "edges.csv").write_text("\n".join(edges) + "\n")
    return root


def communities(root: Path, n: int = 60) -> Path:
    """The layout of SNAP: an edge list with remarks and a line a community."""
    root.mkdir(parents=True, exist_ok=True)
    lines = ["# Undirected graph", "# FromNodeId\tToNodeId"]
    lines += [f"{i}\t{j}" for i in range(n) for j in range(i + 1, n) if i % 3 == j % 3]
    lines += [f"{i}\t{(i + 1) % n}" for i in range(n)]
    (root / "com-net.ungraph.txt").write_text("\n".join(lines) + "\n")
    groups = ["\t".join(str(i) for i in range(n) if i % 3 == c) for c in range(3)] + ["1\t2"]
    (root / "com-net.all.cmty.txt").write_text("\n".join(groups) + "\n")
    return root


def wfdb_records(root: Path, n: int = 22, rate: int = 125, seconds: int = 8) -> Path:
    """Records with two leads, as PhysioNet's wfdb package writes them, and labels."""
    import wfdb

    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(8)
    rows = ["record,kidney,hypertension"]
    for i in range(n):
        length = rate * seconds - 10 * (i % 3)
        signal = rng.normal(size=(length, 2)).cumsum(axis=0)
        wfdb.wrsamp(
            f"p{i:03d}", fs=rate, units=["mV", "mV"], sig_name=["II", "V"], p_signal=signal,
            fmt=["16", "16"], write_dir=str(root),
        )  # fmt: skip
        rows.append(f"p{i:03d},{i % 2},{(i // 2) % 2}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    return root


def zipped(folder: Path, to: Path) -> Path:
    """A .zip of a folder."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return to


def zip_of(**members: bytes) -> bytes:
    """A .zip with these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()
