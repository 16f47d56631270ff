"""Widgets made from a method's options, so that a new option needs no new page code."""

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

import streamlit as st

from taskviz.ui import glossary
from taskviz.ui.number_field import number_field
from taskviz.values import OptionSet


def options_form(
    kind: type[OptionSet],
    prefix: str,
    start: Mapping[str, Any] | None = None,
    folded: str = "More options",
    *,
    fold_all: bool = False,
) -> dict[str, Any]:
    """A widget for each option; the advanced ones folded.

    Args:
        kind: the options dataclass.
        prefix: makes the widget keys unique on the page.
        start: values to begin with, such as those of a link; else the defaults.
        folded: heading of the advanced ones.
        fold_all: where hardly anybody needs an option: all of them are folded.

    Returns:
        Values by option name; a number beyond its limits among them is said where it stands, see
        :mod:`taskviz.ui.number_field`.
    """
    hints = get_type_hints(kind)
    shown = [f for f in fields(kind) if f.metadata.get("screen", True)]
    advanced = [f for f in shown if fold_all or f.metadata.get("advanced")]
    plain = [f for f in shown if f not in advanced]
    values = {f.name: _widget(f, hints[f.name], prefix, start or {}) for f in plain}
    if advanced:
        with st.expander(folded):
            values.update(
                {f.name: _widget(f, hints[f.name], prefix, start or {}) for f in advanced}
            )
    return values


def seed_field(key: str, label: str = "Seed") -> int:
    """A number field for a seed.

    Args:
        key: of the widget.
    """
    return int(number_field(label, 0, key=key, minimum=0, help=glossary.meaning("seed")))


def _widget(spec: Field[Any], hint: Any, prefix: str, start: Mapping[str, Any]) -> Any:
    key = f"{prefix}_{spec.name}"
    default: Any = start.get(spec.name, spec.default)
    label = spec.name if len(spec.name) < 3 else spec.name.replace("_", " ").capitalize()
    text = spec.metadata.get("help")
    named = spec.metadata.get("choices")
    if get_origin(hint) is Literal or named is not None:
        choices = list(get_args(hint) if named is None else named())
        return st.selectbox(
            label,
            choices,
            index=choices.index(default if default in choices else spec.default),
            key=key,
            help=text,
            persist_state="session",
        )
    optional = type(None) in get_args(hint)
    if optional:
        hint = next(a for a in get_args(hint) if a is not type(None))
    if hint is bool:
        return st.toggle(label, default, key=key, help=text, persist_state="session")
    if hint in (int, float):
        return number_field(
            label,
            default,
            key=key,
            minimum=spec.metadata.get("minimum"),
            maximum=spec.metadata.get("maximum"),
            whole=hint is int,
            help=text,
        )
    return st.text_input(label, value=default or "", key=key, help=text, persist_state="session")
