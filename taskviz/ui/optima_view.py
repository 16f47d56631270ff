"""Two maps of optima side by side on one selection, and what a lasso caught."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from taskviz.figures import optima_map
from taskviz.figures.style import chart_config, three_digits
from taskviz.optima.maps import MAPS
from taskviz.optima.optima_map import OptimaMap
from taskviz.ui import caught as caught_text
from taskviz.ui import frame, pair, presses, sample_view, state, tables
from taskviz.ui.text import listed, plural, safe
from taskviz.values import TaskCollection
from taskviz.values.escaping import spreadsheet_safe

SIDES = ("left", "right")
FIRST = {"left": "tsne", "right": "umap"}
_LARGE = "optima_caught"
"""In the session: a selection that is too large for the URL, with the key of its map."""


def headline(study: OptimaMap) -> str:
    """The answer in a sentence or two: do the tasks' optima stand apart?"""
    silhouette = study.silhouette
    if np.isnan(silhouette):
        return "There are too few optima to say whether tasks stand apart."
    if silhouette > 0.25:
        words = "The optima of each task **stand apart** from the others'"
    elif silhouette > 0.05:
        words = "The optima of the tasks **overlap in part**"
    elif silhouette > -0.05:
        words = "The optima of the tasks **mix**: which task it was hardly shows in where it leads"
    else:
        words = "Optima are often **nearer to those of another task** than to those of their own"
    by_sample = study.sample_silhouette
    gather = ""
    if by_sample > max(silhouette + 0.1, 0.05):
        gather = (
            " They gather **by sample** instead: where a step leads depends on the sample more "
            f"than on the task (silhouette of the samples {three_digits(by_sample)})."
        )
    nearest = _nearest_pair(study)
    pair_words = ""
    if nearest is not None:
        first, second, distance = nearest
        pair_words = (
            f" Nearest to each other on average: {listed([first, second])}, at "
            f"{three_digits(distance)} of the mean distance between tasks."
        )
    value = three_digits(silhouette)
    return f"{words} (silhouette {value} in the true distances).{gather}{pair_words}"


def hints(perplexity: float, neighbours: int, points: int) -> str:
    """What the settings mean for so many points; honest about what cannot be read off."""
    said = []
    if perplexity > points / 4:
        said.append(
            f"Perplexity {perplexity:g} is much for {points:,} points: t-SNE then shows little but "
            "the whole"
        )
    elif perplexity < 8:
        said.append(f"Perplexity {perplexity:g} is small: t-SNE then shows clusters in noise too")
    if neighbours > points / 4:
        said.append(f"{neighbours} neighbours of {points:,} blur what is local in UMAP")
    elif neighbours < 6:
        said.append(f"{neighbours} neighbours tear UMAP into pieces that mean little")
    said.append(
        "sizes of clusters and gaps between them mean nothing in t-SNE and UMAP: try other values "
        "and keep only what stays"
    )
    text = ". ".join(part[0].upper() + part[1:] for part in said)
    return f"{text}."


def draw(study: OptimaMap, collection: TaskCollection, key: str) -> None:
    """Both maps and the table below.

    Args:
        key: of the map, so that another map starts with no selection.
    """
    dark, chosen = frame.dark(), pair.boxes(study.names, "optima_pair")
    tasks = [study.names[i] for i in dict.fromkeys(chosen)] if chosen is not None else []
    caught = _caught(key, len(study.tasks))
    texts = _texts(key, collection, study)
    for side, column in zip(SIDES, st.columns(2), strict=True):
        with column:
            kind = st.segmented_control(
                "Map",
                list(MAPS),
                default=FIRST[side],
                format_func=lambda name: MAPS[name][0],
                required=True,
                key=f"map_{side}",
                bind="query-params",
                label_visibility="collapsed",
            )
            chart = f"optima_{side}"
            st.plotly_chart(
                optima_map.optima_scatter(
                    study, kind, caught=caught, tasks=tasks, texts=texts, dark=dark
                ),
                theme=None,
                key=chart,
                on_select=lambda chart=chart: _take(chart, key, len(study.tasks)),
                selection_mode=("lasso", "box", "points"),
                config=chart_config(),
                alt=optima_map.describe_optima_map(study, kind),
            )
            st.caption(quality_words(study, kind))
    _draw_caught(study, collection, caught, key)


def quality_words(study: OptimaMap, kind: str) -> str:
    """How far this map can be trusted."""
    quality = study.quality[kind]
    trust = quality.trustworthiness
    verdict = "good" if trust >= 0.95 else "fair" if trust >= 0.85 else "poor"
    words = (
        f"Trustworthiness {three_digits(trust)} over {quality.nearest} neighbours ({verdict}); its "
        f"distances rank the true ones at {three_digits(quality.rank_correlation)} (Spearman)."
    )
    if kind == "pca":
        words += (
            f" PCA by classical scaling of the L1 distances; two axes hold "
            f"{study.axes_share:.0%} of it."
        )
    return words


def how_measured(study: OptimaMap) -> str:
    """Where the distances come from."""
    ways = {
        "outer products": "exact, layer by layer, without forming a gradient",
        "gradients": f"exact, from gradients in blocks ({study.reason})",
        "projection": f"estimated by a random projection, ± {study.error:.1%} each",
    }
    seed = study.options.get("seed", 0)
    return safe(
        f"{len(study.tasks):,} optima at one initial state (seed {seed}); L1 distances over the "
        f"shared parameters: {ways[study.way]}."
    )


def between_table(study: OptimaMap) -> pd.DataFrame:
    """Mean distance between the optima of two tasks, against the mean over all pairs of tasks."""
    values = study.between_tasks
    off = values[~np.eye(len(values), dtype=bool)]
    scale = np.nanmean(off) if np.isfinite(off).any() else 1.0
    return pd.DataFrame((values / scale).round(3), index=study.names, columns=study.names)


def _nearest_pair(study: OptimaMap) -> tuple[str, str, float] | None:
    values = between_table(study).to_numpy()
    upper = np.where(np.triu(np.ones_like(values, dtype=bool), 1), values, np.nan)
    if not np.isfinite(upper).any():
        return None
    first, second = np.unravel_index(int(np.nanargmin(upper)), upper.shape)
    return study.names[first], study.names[second], float(upper[first, second])


@st.cache_data(max_entries=16, show_spinner=False)
def _texts(key: str, _collection: TaskCollection, _study: OptimaMap) -> list[str]:
    return sample_view.hover_texts(_collection, _study.tasks, _study.rows)


def _caught(key: str, marks: int) -> list[int]:
    kept: tuple[str, list[int]] = st.session_state.get(_LARGE, ("", []))
    return kept[1] if kept[0] == key else caught_text.read(state.get("caught"), marks)


def _take(chart: str, key: str, points: int) -> None:
    """Take over a lasso; a redraw clears the chart's own selection, not ours."""
    selected: list[dict[str, Any]] = st.session_state[chart].selection.points
    numbers = {int(p["customdata"][0]) for p in selected if p.get("customdata")}
    found = sorted(n for n in numbers if n < points)
    if found:
        text = caught_text.written(found)
        state.put("caught", text)
        st.session_state[_LARGE] = ("", []) if text else (key, found)


def _draw_caught(study: OptimaMap, collection: TaskCollection, caught: list[int], key: str) -> None:
    if not caught:
        st.markdown(
            ":gray[:material/lasso_select: Draw a line around some marks to see which samples they "
            "are; both maps show the same selection.]"
        )
        return
    tasks, rows = study.tasks[caught], study.rows[caught]
    counts = np.bincount(tasks, minlength=len(study.names))
    order = np.argsort(-counts, kind="stable")
    parts = [f"{counts[i]} of {safe(study.names[i])}" for i in order if counts[i]]
    more = f" and {len(parts) - 6} more tasks" if len(parts) > 6 else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{plural(len(caught), 'optimum').replace('optimums', 'optima')} caught**, of "
            f"{plural(len(np.unique(rows)), 'sample')}: {', '.join(parts[:6])}{more}.",
            width="stretch",
        )
        if presses.button("Clear", icon=":material/clear:", key="optima_clear"):
            st.session_state.pop(_LARGE, None)
            state.put("caught", None)
            st.rerun()
    if caught_text.written(caught) is None:
        st.caption(
            ":material/link_off: So large a selection does not fit into a link: a colleague's page "
            "opens without it."
        )
    table = sample_view.sample_table(collection, tasks.tolist(), rows.tolist())
    columns: dict[str, Any] = {"sample": st.column_config.NumberColumn(format="%d")}
    if "picture" in table:
        columns["picture"] = st.column_config.ImageColumn("picture", width="small")
    if "series" in table:
        columns["series"] = st.column_config.LineChartColumn("series", width="medium")
    tables.show(
        table,
        hide_index=True,
        column_config=columns,
        row_height=64 if "picture" in table else None,
        height=320,
        key="optima_table",
        alt="The samples that were caught, with task and label",
    )
    plain = table.drop(columns=[c for c in ("picture", "series") if c in table])
    plain = plain.rename(columns=spreadsheet_safe).map(
        lambda value: spreadsheet_safe(value) if isinstance(value, str) else value
    )
    st.download_button(
        "Download the selection",
        plain.to_csv(index=False),
        file_name=f"{collection.name}-optima.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"optima_download_{key[:8]}",
    )
