"""A session of the app without a browser: Streamlit's own protocol over a real WebSocket.

It does what a browser does to the app: it keeps the state of the page and of its widgets, sends
what a user changes, asks again for the fragments that poll, and says which messages it holds. It
draws nothing, so that twenty of them load the app and not the machine.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

KINDS = ("slider", "selectbox", "radio", "checkbox", "button_group", "button")
MOST_HELD = 200


@dataclass
class Widget:
    """Something that a user can change: its kind, its message, the fragment that it stands in."""

    kind: str
    proto: Any
    fragment: str = ""
    tabs: list[str] = field(default_factory=list)


class AppError(Exception):
    """The app showed an error, or sent none of what was asked."""


class Session:
    """One open page. Use :func:`open_session`.

    Args:
        socket: open connection.
        query: of the URL, without ``?``.
    """

    def __init__(self, socket: ClientConnection, query: str) -> None:
        self._socket = socket
        self.query, self.page = query, ""
        self.pages: dict[str, str] = {}
        self.widgets: dict[str, Widget] = {}
        self.said: list[str] = []
        self.errors: list[str] = []
        self.polls = 0
        self.bytes = 0
        self._run: tuple[str, ...] = ()
        self._busy = False
        self._wanted: tuple[str, asyncio.Future[None]] | None = None
        self._overtaken = False
        self._polling: dict[str, asyncio.Task[None]] = {}
        self._held: dict[str, bytes] = {}
        self._reader = asyncio.create_task(self._read())

    async def open(self, path: str = "") -> float:
        """Ask for a page by its path in the URL, as a link does; seconds until it is whole."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_name = path
        return await self._ask(message, "")

    async def go(self, path: str) -> float:
        """Follow the navigation to a page; seconds until it is whole."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_script_hash = self.pages[path]
        return await self._ask(message, "")

    async def change(self, widget: str, value: Any) -> float:
        """Change a widget; seconds until the page, or its fragment, stands again."""
        found = self.widgets[widget]
        message = self._here()
        message.rerun_script.fragment_id = found.fragment
        state = message.rerun_script.widget_states.widgets.add(id=widget)
        _set(state, found.kind, value)
        return await self._ask(message, found.fragment)

    def find(self, key: str) -> str:
        """The id of a widget by the key, or the label, that the page gave it."""
        for name, widget in self.widgets.items():
            if name.endswith(f"-{key}") or getattr(widget.proto, "label", None) == key:
                return name
        raise AppError(f"There is no {key!r} among {sorted(self.widgets)}.")

    async def close(self) -> None:
        """Close the tab."""
        self._stop_polling()
        await self._socket.close()
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
            await self._reader

    def _here(self) -> BackMsg:
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_script_hash = self.page
        return message

    async def _ask(self, message: BackMsg, fragment: str) -> float:
        state = message.rerun_script
        state.context_info.timezone = "UTC"
        state.context_info.color_scheme = "light"
        state.cached_message_hashes.extend(self._held)
        whole: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wanted, self._overtaken = (fragment, whole), False
        start = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        try:
            await asyncio.wait_for(whole, 120)
        except TimeoutError:
            self.errors.append("no answer within 120 s")
        self._wanted = None
        return time.perf_counter() - start

    async def _read(self) -> None:
        try:
            async for data in self._socket:
                if isinstance(data, bytes):
                    self.bytes += len(data)
                    self._take(data)
        except ConnectionClosed as error:
            self.errors.append(f"the connection was closed: {error}")
        if self._wanted is not None and not self._wanted[1].done():
            self.errors.append("the connection ended before the answer")
            self._wanted[1].set_result(None)

    def _take(self, data: bytes) -> None:
        message = ForwardMsg.FromString(data)
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            held = self._held.get(message.ref_hash)
            if held is None:
                self.errors.append("the app spoke of a message that it never sent")
                return
            metadata = message.metadata
            message = ForwardMsg.FromString(held)
            message.metadata.CopyFrom(metadata)
            kind = message.WhichOneof("type")
        elif message.metadata.cacheable and message.hash:
            self._held[message.hash] = data
            while len(self._held) > MOST_HELD:
                del self._held[next(iter(self._held))]
        match kind:
            case "new_session":
                self._begin(message)
            case "navigation":
                self.page = message.navigation.page_script_hash
                self.pages = {
                    "" if page.is_default else page.url_pathname: page.page_script_hash
                    for page in message.navigation.app_pages
                }
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "delta":
                self._draw(message.delta)
            case "auto_rerun":
                self._poll(message.auto_rerun.fragment_id, message.auto_rerun.interval)
            case "stop_auto_rerun":
                for fragment in message.stop_auto_rerun.fragment_ids:
                    if task := self._polling.pop(fragment, None):
                        task.cancel()
            case "script_finished":
                self._finish(message.script_finished)
            case "page_not_found":
                self.errors.append("page not found")

    def _begin(self, message: ForwardMsg) -> None:
        self._busy, self._run = True, tuple(message.metadata.run.fragment_ids)
        if not self._run:
            self.page = message.new_session.page_script_hash
            self.widgets, self.said = {}, []
            self._stop_polling()

    def _finish(self, status: int) -> None:
        self._busy = False
        if status == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            self.errors.append("a page cannot be compiled")
        if self._wanted is None:
            return
        fragment, whole = self._wanted
        # A whole run answers a change in a fragment too: the page may have asked for one.
        answers = not self._run or fragment in self._run
        if status == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            # Also said of a run that came to its end when a poll waits behind it: the change is
            # answered when that poll is, and Streamlit does not run it once more.
            self._overtaken |= answers
        elif (answers or self._overtaken) and not whole.done():
            whole.set_result(None)

    def _draw(self, delta: Any) -> None:
        if delta.WhichOneof("type") == "add_block":
            block = delta.add_block
            if block.id and block.WhichOneof("type") == "tab_container":
                self.widgets[block.id] = Widget("tabs", block, delta.fragment_id)
            elif block.WhichOneof("type") == "tab":
                boxes = [w for w in self.widgets.values() if w.kind == "tabs"]
                if boxes:
                    boxes[-1].tabs.append(block.tab.label)
            return
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind in ("markdown", "alert", "heading"):
            self.said.append(getattr(element, kind).body)
        elif kind == "progress":
            self.said.append(element.progress.text)
        if kind == "exception":
            self.errors.append(f"{element.exception.type}: {element.exception.message}"[:300])
        elif kind == "alert" and element.alert.format == Alert.ERROR:
            self.errors.append(f"{element.alert.title} {element.alert.body}"[:300])
        elif kind in KINDS:
            proto = getattr(element, kind)
            self.widgets[proto.id] = Widget(kind, proto, delta.fragment_id)

    def _poll(self, fragment: str, seconds: float) -> None:
        if fragment in self._polling:
            return

        async def ask() -> None:
            while True:
                await asyncio.sleep(seconds)
                if self._busy:
                    continue
                message = self._here()
                message.rerun_script.fragment_id = fragment
                message.rerun_script.is_auto_rerun = True
                message.rerun_script.cached_message_hashes.extend(self._held)
                self.polls += 1
                try:
                    await self._socket.send(message.SerializeToString())
                except ConnectionClosed:
                    return

        self._polling[fragment] = asyncio.create_task(ask())

    def _stop_polling(self) -> None:
        for task in self._polling.values():
            task.cancel()
        self._polling.clear()


def _set(state: WidgetState, kind: str, value: Any) -> None:
    if kind == "slider":
        state.double_array_value.data.extend(value)
    elif kind == "button":
        state.trigger_value = True
    elif kind == "checkbox":
        state.bool_value = bool(value)
    elif kind == "button_group":
        state.string_array_value.data.extend(value)
    else:
        state.string_value = str(value)


@contextlib.asynccontextmanager
async def open_session(url: str, query: str = "") -> AsyncIterator[Session]:
    """A tab that is closed at the end."""
    address = url.replace("http", "ws", 1) + "/_stcore/stream"
    async with connect(
        address, subprotocols=["streamlit"], max_size=None, origin=url, open_timeout=60
    ) as socket:
        session = Session(socket, query)
        try:
            yield session
        finally:
            await session.close()
