"""What people do on the pages: look around, change what can be changed, think."""

import asyncio
import random
from dataclasses import dataclass
from typing import Any

from benchmarks.load.client import Widget, open_session


@dataclass(frozen=True)
class Interaction:
    """One action and its answer.

    Args:
        page: where.
        what: done.
        seconds: from the sending until the page, or the fragment, stood again.
    """

    page: str
    what: str
    seconds: float


@dataclass
class Visit:
    """All that a session did.

    Args:
        done: its actions.
        errors: what the app showed or failed to do.
        polls: how often its fragments asked by themselves.
        received: bytes.
    """

    done: list[Interaction]
    errors: list[str]
    polls: int
    received: int


async def explore(
    url: str, query: str, seconds: float, seed: int, pause: float, pages: tuple[str, ...]
) -> Visit:
    """Open the app and look around for so many seconds, with a pause for thought on average.

    Half of the actions go to another page, half change a slider, list, choice, tick or tab.
    """
    rng, done = random.Random(seed), []
    loop = asyncio.get_running_loop()
    await asyncio.sleep(rng.uniform(0, pause))
    end = loop.time() + seconds
    async with open_session(url, query) as session:
        page = rng.choice(pages)
        done.append(Interaction(page, "open by link", await session.open(page)))
        while loop.time() < end:
            await asyncio.sleep(rng.expovariate(1 / pause))
            changes = [(key, *step) for key, w in session.widgets.items() if (step := move(w, rng))]
            if rng.random() < 0.5 and changes:
                key, value, what = rng.choice(changes)
                done.append(Interaction(page, what, await session.change(key, value)))
            else:
                page = rng.choice([name for name in pages if name != page])
                done.append(Interaction(page, "go there", await session.go(page)))
            if any("connection" in error for error in session.errors):
                break
        errors = list(session.errors)
    return Visit(done, errors, session.polls, session.bytes)


def move(widget: Widget, rng: random.Random) -> tuple[Any, str] | None:
    """Another value of a widget and what it is called; None where there is none.

    Buttons are not pressed: they start jobs, and go where the navigation goes too.
    """
    proto = widget.proto
    if widget.kind == "tabs":
        return (rng.choice(widget.tabs), "tab") if len(widget.tabs) > 1 else None
    if widget.kind == "button" or proto.disabled or proto.form_id:
        return None
    what = f"{widget.kind} {proto.label}"
    if widget.kind == "slider":
        if proto.options or proto.step <= 0:
            return None
        steps = int((proto.max - proto.min) / proto.step)
        values = [proto.min + proto.step * rng.randint(0, steps) for _ in proto.default]
        return sorted(values), what
    if widget.kind == "checkbox":
        return not proto.value if proto.set_value else not proto.default, what
    if widget.kind == "button_group":
        options = [option.content for option in proto.options if option.content]
        return ([rng.choice(options)], what) if options else None
    return (rng.choice(list(proto.options)), what) if proto.options else None


async def all_at_once(
    url: str,
    query: str,
    sessions: int,
    seconds: float,
    pause: float,
    pages: tuple[str, ...],
    seed: int = 0,
) -> list[Visit]:
    """So many sessions side by side."""
    return await asyncio.gather(
        *(explore(url, query, seconds, 1000 * seed + i, pause, pages) for i in range(sessions))
    )


async def load_pages(
    url: str, query: str, loads: int, pages: tuple[str, ...], side_by_side: int = 4
) -> list[tuple[str, float, list[str]]]:
    """Open a page in a tab of its own and close it, so many times: page, seconds, errors."""
    found: list[tuple[str, float, list[str]]] = []
    turns = asyncio.Semaphore(side_by_side)

    async def once(number: int) -> None:
        page = pages[number % len(pages)]
        async with turns, open_session(url, query) as session:
            seconds = await session.open(page)
            found.append((page, seconds, list(session.errors)))

    await asyncio.gather(*(once(i) for i in range(loads)))
    return found
