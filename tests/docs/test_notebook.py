"""The notebook runs from beginning to end, and shows the library alone."""

import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "notebooks" / "first_steps.ipynb"


@pytest.fixture
def notebook() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text(cell: nbformat.NotebookNode) -> str:
    """What a cell printed."""
    return "".join(out.get("text", "") for out in cell.outputs)


def test_it_runs_and_says_what_is_stored_in_it(
    notebook: nbformat.NotebookNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path / "cache"))
    stored = [text(cell) for cell in code(notebook)]
    run = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    run.execute()  # raises where a cell does
    fresh = [text(cell) for cell in code(notebook)]
    # The first steps rest on data and seeds alone; trained losses may differ a little elsewhere.
    assert fresh[0] == stored[0]
    assert "networks trained: 0" in fresh[2]
    assert "networks trained: 24" in fresh[3]
    assert [line.count(" + ") for line in fresh[4].splitlines()[:2]] == [
        line.count(" + ") for line in stored[4].splitlines()[:2]
    ]
    assert "mean test loss" in fresh[5]
    assert "report.html" in fresh[7]


def test_it_uses_the_library_only_and_is_small(notebook: nbformat.NotebookNode) -> None:
    source = "\n".join(cell.source for cell in code(notebook))
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).split(".")[0])
    assert imported == {"taskviz", "numpy", "tempfile", "pathlib"}
    assert NOTEBOOK.stat().st_size < 60_000
    assert all(cell.outputs for cell in code(notebook))
    assert not any(out.output_type == "error" for cell in code(notebook) for out in cell.outputs)
