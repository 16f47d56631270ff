"""Nothing that a user supplies is ever unpickled, evaluated or imported."""

import ast
import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

import taskviz as tv
from taskviz.cache import Cache
from taskviz.data import open_collection
from taskviz.data.uploads import store_upload
from taskviz.jobs.kinds import KINDS, parse_spec
from taskviz.values import TaskvizError, TrainingResult

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [ROOT / "app.py", *(ROOT / "app_pages").rglob("*.py"), *(ROOT / "taskviz").rglob("*.py")]
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
CALLS = {"eval", "exec", "compile", "__import__"}
ATTRIBUTES = {
    ("torch", "load"),
    ("torch", "hub"),
    ("pd", "read_pickle"),
    ("pandas", "read_pickle"),
    ("os", "system"),
    ("os", "popen"),
    ("yaml", "load"),
}
NAMED_IMPORTS = {
    "taskviz/values/registry.py",
    "taskviz/ui/warm.py",
}
"""Files that import by a name, beside each package's own: from a table, never from a user."""

OWN_BYTES = {
    "taskviz/engines/ray.py",
}
"""Files that pickle between our own processes, as Ray does: the bytes never come from a user."""

PACKAGES = {path.relative_to(ROOT).as_posix() for path in SOURCES if path.name == "__init__.py"}


def findings(code: str, name: str) -> list[str]:
    """What a source file does that it must not."""
    found = []
    for node in ast.walk(ast.parse(code)):
        at = f"{name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if name not in OWN_BYTES:
                found += [f"{at} imports {m}" for m in modules if m.split(".")[0] in UNPICKLERS]
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in CALLS:
                found.append(f"{at} calls {called.id}")
            if isinstance(called, ast.Name | ast.Attribute):
                word = called.id if isinstance(called, ast.Name) else called.attr
                named = not all(isinstance(a, ast.Constant) for a in node.args)
                if word == "import_module" and named and name not in NAMED_IMPORTS | PACKAGES:
                    found.append(f"{at} imports by a name")
            for keyword in node.keywords:
                value = getattr(keyword.value, "value", None)
                if keyword.arg == "allow_pickle" and value is not False:
                    found.append(f"{at} allows pickle")
                if keyword.arg == "shell" and value is not False:
                    found.append(f"{at} calls a shell")
                if keyword.arg == "weights_only" and value is not True:
                    found.append(f"{at} loads more than weights")
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and (node.value.id, node.attr) in ATTRIBUTES
        ):
            found.append(f"{at} uses {node.value.id}.{node.attr}")
    return found


def test_no_source_file_unpickles_evaluates_or_calls_a_shell() -> None:
    assert len(SOURCES) > 200
    found = []
    for path in SOURCES:
        name = path.relative_to(ROOT).as_posix()
        found += findings(path.read_text(encoding="utf-8"), name)
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "import torch\ntorch.load('x')",
        "np.load('x', allow_pickle=True)",
        "np.load('x', allow_pickle=flag)",
        "eval('1')",
        "subprocess.run('ls', shell=True)",
        "from importlib import import_module\nimport_module(spec['method'])",
        "pd.read_pickle('x')",
    ],
)
def test_the_search_finds_what_it_looks_for(code: str) -> None:
    assert findings(code, "x.py")


class Payload:
    """Makes a file as soon as it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.marker),))


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """What a malicious file would make."""
    return tmp_path / "it-ran"


def malicious_npz(marker: Path) -> bytes:
    """Inputs and labels, one of them an array of objects."""
    out = io.BytesIO()
    objects = np.empty(30, dtype=object)
    objects[:] = [Payload(marker)] * 30
    np.savez(out, inputs=np.zeros((30, 2)), a=np.arange(30) % 2, b=objects)
    return out.getvalue()


def test_the_payload_works(marker: Path) -> None:
    with pytest.raises(Exception, match=r".*"):
        np.load(io.BytesIO(malicious_npz(marker)), allow_pickle=True)["b"].tolist()[0].x  # noqa: B018
    assert marker.exists()


def refused(path: Path, cache: Cache) -> None:
    """A collection that cannot be opened, in one sentence."""
    with pytest.raises(TaskvizError):
        open_collection(str(path), cache)


def test_an_npz_with_objects_is_refused(tmp_path: Path, marker: Path) -> None:
    cache = Cache(tmp_path / "cache")
    data = malicious_npz(marker)
    for name in ("data.npz", "data.zip", "folder/data.npz"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        refused(path.parent if "/" in name else path, cache)
    with pytest.raises(TaskvizError):
        open_collection(store_upload(data, "data.npz", cache).reference, cache)
    assert not marker.exists()


@pytest.mark.parametrize("suffix", [".pt", ".pkl", ".npz", ".csv", ".parquet", ".zip", ".npy"])
def test_a_pickle_by_any_name_is_refused(suffix: str, tmp_path: Path, marker: Path) -> None:
    cache = Cache(tmp_path / "cache")
    torch_file = io.BytesIO()
    torch.save({"weights": Payload(marker)}, torch_file)
    for data in (pickle.dumps(Payload(marker)), torch_file.getvalue()):
        path = tmp_path / f"model{suffix}"
        path.write_bytes(data)
        refused(path, cache)
        with pytest.raises(TaskvizError):
            open_collection(store_upload(data, path.name, cache).reference, cache)
        with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
            archive.writestr(path.name, data)
        refused(tmp_path / "packed.zip", cache)
    assert not marker.exists()


def test_a_result_with_pickled_weights_is_refused(toy, tmp_path: Path, marker: Path) -> None:  # type: ignore[no-untyped-def]
    plan = tv.group_tasks(
        tv.compute_affinity(toy, method="label-correlation", use_cache=False),
        method="all-together",
        budget=1,
    )
    result = tv.train_groups(toy, plan, epochs=1, device="cpu", use_cache=False)
    folder = tmp_path / "result"
    result.save(folder)
    weights = sorted(folder.glob("*.safetensors"))
    assert weights, "the result keeps its weights as safetensors"
    torch_file = io.BytesIO()
    torch.save({"weights": Payload(marker)}, torch_file)
    for data in (pickle.dumps(Payload(marker)), torch_file.getvalue(), b""):
        weights[0].write_bytes(data)
        with pytest.raises(TaskvizError):
            TrainingResult.read(folder).networks[0].weights.keys()
    assert not marker.exists()


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize(
    "name", ["os:system", "os.system", "taskviz.jobs.worker", "__import__('os')", "../evil.py"]
)
def test_a_job_names_no_code(kind: str, name: str) -> None:
    spec = {"collection": {"reference": "digits"}, "options": {}}
    for entry in ("method", "weighting", "kind", "callable", "target"):
        with pytest.raises(TaskvizError):
            parse_spec(kind, {**spec, entry: name})
    with pytest.raises(TaskvizError):
        parse_spec(name, spec)
