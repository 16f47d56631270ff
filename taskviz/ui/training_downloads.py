"""What a finished training gives to take away."""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from taskviz.jobs import Job
from taskviz.report.model_card import model_card
from taskviz.training.export import FORMATS, export_networks, missing_packages, not_exportable
from taskviz.ui import glossary
from taskviz.ui.text import safe
from taskviz.values import AffinityMatrix, TaskCollection, TaskvizError, TrainingResult
from taskviz.values.escaping import spreadsheet_safe


@st.fragment
def draw(
    collection: TaskCollection,
    results: Mapping[str, TrainingResult],
    job: Job,
    affinity: AffinityMatrix | None,
) -> None:
    """Buttons for one contender: networks, ONNX, model card, tables.

    Args:
        affinity: what the groups of the first contender were made from.
    """
    label = st.selectbox(
        "Contender",
        list(results),
        key="download_contender",
        width=280,
        help=glossary.meaning("contender"),
        bind="query-params",
    ) or next(iter(results))
    result = results[label]
    name = "".join(c if c.isalnum() else "-" for c in f"{collection.name}-{label}").strip("-")
    with st.container(horizontal=True):
        _button("Networks (safetensors)", lambda: zipped(result.save), f"{name}.zip")
        _button(
            "Model card",
            lambda: model_card(
                result,
                collection=collection,
                results=_first(results, label),
                affinity=affinity if label == next(iter(results)) else None,
            ).encode(),
            f"{name}-model-card.md",
        )
        _button("Metrics as CSV", lambda: _csv(result, "metrics"), f"{name}-metrics.csv")
        _button("Curves as CSV", lambda: _csv(result, "history"), f"{name}-curves.csv")
    for form in FORMATS:
        _exported(result, job, label, form, name)
    st.caption(
        f"In a terminal the same run serves new rows: `python -m taskviz predict {job.id} rows.csv`"
    )


def zipped(write: Callable[[Path], object]) -> bytes:
    """The files that ``write`` puts into a folder, as a zip."""
    packed = io.BytesIO()
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write(folder)
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder))
    return packed.getvalue()


def _exported(result: TrainingResult, job: Job, label: str, form: str, name: str) -> None:
    """Made when asked for: it takes seconds a group."""
    title = {"onnx": "ONNX", "pt2": "PyTorch program (pt2)"}[form]
    lacking = missing_packages(form)
    why = not_exportable(result) or (
        f"{title} needs {lacking}: pip install -r requirements-export.txt" if lacking else ""
    )
    asked: set[tuple[str, str, str]] = st.session_state.setdefault("exports_asked", set())
    with st.container(horizontal=True, vertical_alignment="center"):
        if why:
            st.button(f"Prepare {title}", disabled=True, key=f"prepare_{form}")
            st.caption(safe(why))
            return
        if (job.id, label, form) not in asked:
            st.button(
                f"Prepare {title}",
                key=f"prepare_{form}",
                icon=":material/deployed_code:",
                on_click=asked.add,
                args=((job.id, label, form),),
            )
            return
        try:
            data = _made(job.id, label, form, result)
        except TaskvizError as error:
            st.error(safe(error))
            return
        _button(f"{title} files", lambda: data, f"{name}-{form}.zip")


@st.cache_data(max_entries=8, show_spinner="Exporting, and checking against predict…")
def _made(job: str, label: str, form: str, _result: TrainingResult) -> bytes:
    return zipped(lambda folder: export_networks(_result, folder, form))


def _button(title: str, data: Callable[[], bytes], file_name: str) -> None:
    st.download_button(
        title, data, file_name=file_name, icon=":material/download:", on_click="ignore"
    )


def _csv(result: TrainingResult, table: str) -> bytes:
    frame = result.metrics if table == "metrics" else result.history
    named = frame.assign(group=frame["group"] + 1, task=frame["task"].map(spreadsheet_safe))
    return str(named.to_csv(index=False)).encode()


def _first(results: Mapping[str, TrainingResult], label: str) -> dict[str, TrainingResult]:
    """The same with one in the first place: what a comparison speaks of."""
    return {label: results[label], **results}
