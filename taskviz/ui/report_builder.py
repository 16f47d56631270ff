"""The report builder: what goes in, sections and their order, notes, style; kept as a draft."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import streamlit as st

from taskviz.report.contents import Contents
from taskviz.report.design import MOST_NOTES, SECTIONS, STYLES, WHOLE, Design
from taskviz.ui import glossary, report_source, state, store
from taskviz.ui.drafts import Draft, change_draft, list_drafts, read_draft
from taskviz.ui.report_source import Made, Offer
from taskviz.ui.text import plural, safe
from taskviz.values import TaskvizError

DRAFT: Final = "draft"
"""URL key of the draft."""
_ERROR: Final = "draft_error"


def draft_of(offer: Offer) -> Draft:
    """The draft in the URL, else a new one that nothing is kept of yet."""
    found = read_draft(store.cache(), state.get(DRAFT))
    if found is not None and found.about == offer.about:
        return found
    return Draft(design=offer.design, about=offer.about)


def keep(offer: Offer, change: Callable[[Draft], Draft]) -> None:
    """Apply a change and keep it: the only place where a draft is written."""
    stored = read_draft(store.cache(), state.get(DRAFT))
    key = state.get(DRAFT) if stored is not None and stored.about == offer.about else None
    try:
        state.put(DRAFT, change_draft(store.cache(), key, change, draft_of(offer)))
    except TaskvizError as error:
        st.session_state[_ERROR] = str(error)


def redesign(offer: Offer, change: Callable[[Design], Design]) -> None:
    """Likewise of the layout alone."""

    keep(offer, lambda draft: replace(draft, design=change(draft.design)))


def draw(offer: Offer, draft: Draft) -> Made | None:
    """Left: everything that can be set. The document that it makes, or None where it cannot be."""
    problem = st.session_state.pop(_ERROR, None)
    if problem:
        st.error(safe(problem))
    _drafts(offer)
    with st.container(border=True):
        _contents(offer, draft)
    with st.container(border=True, gap="xsmall"):
        _sections(offer, draft)
    contents = report_source.contents_of(offer, draft)
    try:
        made = report_source.document(contents, draft.design)
    except TaskvizError as error:
        st.error(safe(error))
        return None
    with st.container(border=True):
        _notes(offer, draft, made)
    with st.container(border=True):
        _style(offer, draft, contents)
    return made


def _drafts(offer: Offer) -> None:
    found = list_drafts(store.cache(), offer.about)
    current = state.get(DRAFT)
    others = [key for key in found if key != current]
    if not others:
        return

    def words(key: str) -> str:
        if not key:
            return "This one" if current in found else "A new one"
        draft = found[key]
        title = draft.design.title or f"{plural(len(draft.design.notes), 'note')}"
        return f"{title} · {time.strftime('%d %b %H:%M:%S', time.localtime(draft.changed))}"

    chosen = st.selectbox(
        "Draft", ["", *others], format_func=words, key=f"drafts_{current}", help=HELP_DRAFT
    )
    if chosen:
        state.put(DRAFT, chosen)
        st.rerun()


HELP_DRAFT: Final = (
    "What you choose and write is kept at once: a refresh loses nothing, and the link in the "
    "address bar opens the same draft."
)


def _contents(offer: Offer, draft: Draft) -> None:
    st.markdown("**What goes in**")
    st.markdown(f":material/check: Collection {safe(offer.facts.name)}")
    if offer.whole is not None:
        whole = offer.whole
        st.caption(
            f"{plural(len(whole.affinities), 'matrix')}, {plural(len(whole.plans), 'plan')}, "
            f"{plural(len(whole.results), 'result')}, {plural(len(whole.scenarios), 'scenario')}: "
            "as they are in the file that was opened.".replace("matrixs", "matrices")
        )
        return
    if offer.matrices:
        _many(
            offer,
            "Affinity matrices",
            "matrix",
            "matrices",
            list(offer.matrices),
            report_source.picked_matrices(offer, draft),
        )
    else:
        st.caption(":material/remove: No affinity was computed yet.")
    if offer.plan is not None:
        st.markdown(f":material/check: Plan of {plural(len(offer.plan.groups), 'group')}")
    else:
        st.caption(":material/remove: No groups were chosen yet.")
    if offer.results:
        st.markdown(f":material/check: Results of {plural(len(offer.results), 'contender')}")
    else:
        st.caption(":material/remove: Nothing was trained yet.")
    if offer.scenarios:
        pinned = [key for key in draft.scenarios if key in offer.scenarios]
        _many(offer, "Pinned scenarios", "scenario", "scenarios", list(offer.scenarios), pinned)
    else:
        st.caption("Scenarios that you save on the Groups page can be pinned here.")
    if offer.runs:
        pinned = [key for key in draft.runs if key in offer.runs]
        _many(offer, "Pinned runs", "run", "runs", list(offer.runs), pinned)


def _many(
    offer: Offer, label: str, term: str, what: str, offered: list[str], chosen: list[str]
) -> None:
    key = f"report_{what}_{state.get(DRAFT)}"

    def take() -> None:
        picked: dict[str, Any] = {what: tuple(st.session_state[key])}
        keep(offer, lambda draft: replace(draft, **picked))

    st.multiselect(
        label,
        offered,
        default=chosen,
        format_func=lambda each: offer.labels.get(each, each),
        key=key,
        help=glossary.meaning(term),
        on_change=take,
    )


def _sections(offer: Offer, draft: Draft) -> None:
    st.markdown("**Sections**")
    st.caption(
        "The summary is the first page. Tick what follows it, and move it up or down; a section "
        "that has nothing to show yet is left out of the file."
    )
    order = draft.design.sections
    for place, name in enumerate((*order, *(each for each in SECTIONS if each not in order))):
        wanted = name in order
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.checkbox(
                SECTIONS[name],
                value=wanted,
                key=f"section_{name}_{wanted}_{state.get(DRAFT)}",
                on_change=redesign,
                args=(offer, _switch(name, not wanted)),
                width="stretch",
            )
            for words, by, icon in (("up", -1, "arrow_upward"), ("down", 1, "arrow_downward")):
                end = place == 0 if by < 0 else place == len(order) - 1
                st.button(
                    "",
                    icon=f":material/{icon}:",
                    key=f"{words}_{name}",
                    type="tertiary",
                    help=f"Move {SECTIONS[name]} {words}",
                    disabled=not wanted or end,
                    on_click=redesign,
                    args=(offer, _move(name, by)),
                )


def _switch(name: str, wanted: bool) -> Callable[[Design], Design]:
    return lambda design: design.with_section(name, wanted=wanted)


def _move(name: str, by: int) -> Callable[[Design], Design]:
    return lambda design: design.moved(name, by)


def _notes(offer: Offer, draft: Draft, made: Made) -> None:
    places = made.document.places
    written = draft.design.notes
    st.markdown("**Notes**")
    place = st.selectbox(
        "Write beside",
        list(places),
        format_func=lambda each: places[each] + (" ✎" if each in written else ""),
        key="note_place",
        persist_state="session",
    )
    place = place or WHOLE
    key = f"note_{place}_{state.get(DRAFT)}"

    def take() -> None:
        text = str(st.session_state[key] or "")
        redesign(offer, lambda design: design.with_note(place, text))

    st.text_area(
        "Note (Markdown)",
        value=written.get(place, ""),
        key=key,
        placeholder="What should your team know?",
        max_chars=MOST_NOTES,
        on_change=take,
        help="Headings, lists, tables, links, **bold**. Raw HTML is shown as text.",
    )
    lost = [each for each in written if each not in places]
    if lost:
        st.caption(
            f"{plural(len(lost), 'note')} beside what is not in the report now: kept in the draft."
        )


def _style(offer: Offer, draft: Draft, contents: Contents) -> None:
    design, kept = draft.design, state.get(DRAFT)
    st.markdown("**Look**")
    _one(
        offer,
        "title",
        lambda key, take: st.text_input(
            "Heading",
            value=design.title,
            key=key,
            on_change=take,
            max_chars=200,
            placeholder=f"Which tasks of {contents.facts.name} to train together",
        ),
        f"report_title_{kept}",
    )
    _one(
        offer,
        "style",
        lambda key, take: st.segmented_control(
            "Style", STYLES, default=design.style, required=True, key=key, on_change=take
        ),
        f"report_style_{kept}",
    )
    named = list(contents.named_plans())
    if len(named) < 2:
        st.caption("Two plans can be compared once a second one is pinned or trained.")
        return
    pair = design.compare or ("", "")
    with st.container(horizontal=True):
        for place, label in enumerate(("Compare", "with")):
            key = f"compare_{place}_{kept}"

            def take(place: int = place, key: str = key) -> None:
                chosen = str(st.session_state[key] or "")
                redesign(offer, lambda known: _with_compared(known, place, chosen, named))

            current = pair[place] if pair[place] in named else ""
            offered = ["", *named]
            st.selectbox(
                label,
                offered,
                index=offered.index(current),
                format_func=lambda name: name or "not chosen",
                key=key,
                on_change=take,
                width=170,
            )


def _with_compared(design: Design, place: int, chosen: str, named: list[str]) -> Design:
    if not chosen:
        return replace(design, compare=None)
    pair = list(design.compare or (named[0], named[1]))
    pair[place] = chosen
    return replace(design, compare=(pair[0], pair[1]))


def _one(
    offer: Offer, name: str, widget: Callable[[str, Callable[[], None]], Any], key: str
) -> None:
    def take() -> None:
        value: dict[str, Any] = {name: st.session_state[key] or ""}
        redesign(offer, lambda design: replace(design, **value))

    widget(key, take)
