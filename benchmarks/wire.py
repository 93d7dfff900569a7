# ruff: noqa: TID251
"""A reader without a browser: Streamlit's own protocol, to a server of this machine.

    async with Reader(Server's url, "convolution") as reader:
        waited = await reader.turn(control, value)

What a browser sends and keeps is sent and kept: the cookies of the page, the XSRF token, the page's query string, the
values of turned controls, the hashes of large messages that need not come again, the reruns that a fragment asks for,
the pictures that a page names. The files of Streamlit's own front end are not fetched: a browser has them.

Source:
    Streamlit 1.67: proto/BackMsg.proto, proto/ForwardMsg.proto, web/server/starlette.
"""

import asyncio
import contextlib
import http.client
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import UploadedFileInfo
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PATIENCE = 60.0  # seconds for an action; longer is an error
KEPT_RUNS = 50  # for which a browser keeps a large message (global.maxCachedMessageAge)
BROKEN = "Something here is broken"  # how the app begins where it has caught its own fault
_TURNED = ("slider", "selectbox", "button_group", "radio", "checkbox", "number_input")
_DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
_COOKIE = re.compile(r"\s*([^=;\s]+)=([^;]*)")


class WireError(Exception):
    """A server that does not do what a page needs; the text says what was received."""


@dataclass
class Drawn:
    """An element of the page.

    Attributes:
        element: As it came.
        fragment: The fragment that draws it; empty for the page's script.
        run: The script run that drew it last.
    """

    element: Element
    fragment: str
    run: str

    @property
    def kind(self) -> str:
        """Its name in `Element`."""
        return str(self.element.WhichOneof("type"))

    @property
    def proto(self) -> Any:
        """The control itself, with `id`, `label` and the rest."""
        return getattr(self.element, self.kind)


@dataclass
class Seen:
    """What a reader has met that a person would see, or would miss.

    Attributes:
        errors: None is allowed: exceptions on the page, refused files, closed sockets.
        refusals: Sentences in red, in which the app says what it does not do.
        asked: The last action waited for something with a spinner: an answer of the engine, or a file.
    """

    errors: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    asked: bool = False


class Reader:
    """A session: one page open in one browser.

    Args:
        url: Of the server, which must be of this machine.
        path: Of the first page, with its query string if it has one.
        cookies: Those that the browser has already.

    Attributes:
        seen: What went wrong.
        drawn: The elements of the page, by their place.
        session_id: As the server calls it.
        cookies: By name.

    Raises:
        ValueError: If the server is another machine.
    """

    def __init__(self, url: str, path: str = "", cookies: Mapping[str, str] | None = None) -> None:
        self._base = urlsplit(url)
        if self._base.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError(f"The load goes to localhost only; received {url}.")
        page = urlsplit(path)
        self.page, self.query = page.path.strip("/"), page.query
        self.seen, self.session_id = Seen(), ""
        self.drawn: dict[tuple[int, ...], Drawn] = {}
        self.pages: dict[str, str] = {}  # name in addresses → hash
        self._page_hash, self.cookies = "", dict(cookies or {})
        self._states: dict[str, WidgetState] = {}
        self._known: dict[str, tuple[int, ForwardMsg]] = {}  # large messages by hash, with the number of the last run
        self._runs, self._run, self._fetched = 0, "", set[str]()
        self._awaited, self._ended = "", asyncio.Event()  # the fragment whose end is waited for, or the whole page's
        self._urls: dict[str, asyncio.Future[Any]] = {}
        self._again: dict[str, asyncio.Task[None]] = {}  # reruns that a fragment asks for, by its id
        self._socket: ClientConnection | None = None
        self._listening: asyncio.Task[None] | None = None
        self._http: http.client.HTTPConnection | None = None
        self._alone = asyncio.Lock()  # one request at a time on the connection above

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # Coming and going -----------------------------------------------------------------------------------------------

    async def open(self) -> float:
        """Open the page as a browser does; return the seconds until its script has run.

        Raises:
            WireError: If there is no page.
        """
        began = time.perf_counter()
        for path in (self.page, "_stcore/health", "_stcore/host-config"):
            await self._request("GET", f"/{path}")
        origin = f"{self._base.scheme}://{self._base.netloc}"
        subprotocols = [Subprotocol("streamlit")]
        if token := self.cookies.get("_streamlit_xsrf"):
            subprotocols.append(Subprotocol(token))
        self._socket = await connect(
            f"ws://{self._base.netloc}/_stcore/stream",
            origin=origin,  # type: ignore[arg-type]
            subprotocols=subprotocols,
            additional_headers={"Cookie": self._cookie()},
            max_size=None,
            compression=None,
            open_timeout=PATIENCE,
        )
        self._listening = asyncio.create_task(self._listen())
        await self._rerun(page_name=self.page)
        return time.perf_counter() - began

    async def close(self) -> None:
        """Close the page."""
        for task in [*self._again.values(), *filter(None, [self._listening])]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._again.clear()
        if self._socket:
            await self._socket.close()
        if self._http:
            self._http.close()

    # What a person does ---------------------------------------------------------------------------------------------

    def controls(self, *kinds: str) -> list[Drawn]:
        """Return what can be turned on the page now, or the elements of these kinds that are not disabled."""
        found = [one for one in self.drawn.values() if one.kind in (kinds or _TURNED) and not one.proto.disabled]
        return found if kinds else [one for one in found if not one.proto.form_id]

    def named(self, kind: str, label: str) -> Drawn:
        """Return the control whose label has this word.

        Raises:
            WireError: If there is none.
        """
        found = self.controls(kind)
        for one in found:
            if label in one.proto.label:
                return one
        raise WireError(f"There is no {kind} {label!r} on {self.page or 'the first page'}; there are {len(found)}.")

    async def turn(self, control: Drawn, value: WidgetState) -> float:
        """Give a control another value; return the seconds until the script has run."""
        value.id = control.proto.id
        self._states[value.id] = value
        self._write_link(control, value)
        return await self._rerun(fragment=control.fragment)

    def kept(self, control: Drawn) -> WidgetState | None:
        """Return the value that this reader has given a control; None if it stands as it was drawn."""
        return self._states.get(control.proto.id)

    async def press(self, button: Drawn) -> float:
        """Press a button; return the seconds until the script has run."""
        pressed = WidgetState(id=button.proto.id, trigger_value=True)
        return await self._rerun(fragment=button.fragment, also=[pressed])

    async def go(self, page: str) -> float:
        """Go to another page by the navigation; return the seconds until its script has run.

        Raises:
            WireError: If there is no such page.
        """
        if page not in self.pages:
            raise WireError(f"There is no page {page!r}; there are {', '.join(self.pages)}.")
        self.page, self.query, self._page_hash = page, "", self.pages[page]
        self._states.clear()
        return await self._rerun()

    async def upload(self, uploader: Drawn, files: Sequence[tuple[str, bytes]]) -> float:
        """Drop files on an uploader; return the seconds from the first byte until the script has run."""
        began, name = time.perf_counter(), uuid.uuid4().hex
        self._urls[name] = asyncio.get_running_loop().create_future()
        message = BackMsg()
        message.file_urls_request.request_id = name
        message.file_urls_request.session_id = self.session_id
        message.file_urls_request.file_names.extend(file for file, _ in files)
        await self._send(message)
        answer = await asyncio.wait_for(self._urls[name], PATIENCE)
        del self._urls[name]
        state = WidgetState(id=uploader.proto.id)
        for (file, data), urls in zip(files, answer.file_urls, strict=True):
            boundary = uuid.uuid4().hex
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{urls.file_id}"; filename="{file}"\r\n'
            body = f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + data + f"\r\n--{boundary}--\r\n".encode()
            kind = f"multipart/form-data; boundary={boundary}"
            await self._request("PUT", urls.upload_url, body, {"Content-Type": kind})
            info = UploadedFileInfo(name=file, size=len(data), file_id=urls.file_id, file_urls=urls)
            state.file_uploader_state_value.uploaded_file_info.append(info)
        await self.turn(uploader, state)
        return time.perf_counter() - began

    # What a browser does --------------------------------------------------------------------------------------------

    async def _rerun(self, *, fragment: str = "", page_name: str = "", also: Sequence[WidgetState] = ()) -> float:
        self.seen.asked, self._awaited = False, fragment
        self._ended.clear()
        began = time.perf_counter()
        await self._send(self._state(fragment, page_name, also))
        try:
            await asyncio.wait_for(self._ended.wait(), PATIENCE)
        except TimeoutError:
            self.seen.errors.append(f"{self.page}: no end of the script within {PATIENCE:g} s")
        waited = time.perf_counter() - began
        await self._fetch()
        return waited

    def _state(self, fragment: str, page_name: str, also: Sequence[WidgetState], *, alone: bool = False) -> BackMsg:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash, state.page_name = self.query, self._page_hash, page_name
        state.fragment_id, state.is_auto_rerun = fragment, alone
        state.widget_states.widgets.extend([*self._states.values(), *also])
        state.cached_message_hashes.extend(self._known)
        context = state.context_info
        context.timezone, context.locale, context.color_scheme = "UTC", "en-GB", "light"
        context.url = f"{self._base.scheme}://{self._base.netloc}/{self.page}"
        return message

    async def _send(self, message: BackMsg) -> None:
        assert self._socket is not None
        try:
            await self._socket.send(message.SerializeToString())
        except ConnectionClosed as error:
            raise WireError(f"The server closed the connection: {error}") from error

    async def _listen(self) -> None:
        assert self._socket is not None
        try:
            async for data in self._socket:
                message = ForwardMsg()
                message.ParseFromString(data)
                self._take(message)
        except ConnectionClosed:
            pass
        self.seen.errors.append(f"{self.page}: the server closed the connection")
        self._ended.set()

    def _take(self, message: ForwardMsg) -> None:
        """Do with a message what the front end does with it."""
        if message.ref_hash:
            if message.ref_hash not in self._known:
                self.seen.errors.append(f"{self.page}: the server named a message that this reader does not have")
                return
            _, kept = self._known[message.ref_hash]
            whole = ForwardMsg()
            whole.CopyFrom(kept)
            whole.metadata.CopyFrom(message.metadata)
            self._known[message.ref_hash] = (self._runs, kept)
            message = whole
        elif message.metadata.cacheable:
            self._known[message.hash] = (self._runs, message)
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._begin(message)
        elif kind == "delta":
            self._draw(message)
        elif kind == "script_finished":
            self._end(message)
        elif kind == "navigation":
            self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
            self._page_hash = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "file_urls_response":
            waiting = self._urls.get(message.file_urls_response.response_id)
            if waiting and not waiting.done():
                waiting.set_result(message.file_urls_response)
        elif kind == "auto_rerun":
            self._repeat(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for each in message.stop_auto_rerun.fragment_ids:
                self._no_more(each)
        elif kind == "page_not_found":
            self.seen.errors.append(f"there is no page {self.page!r}")
        elif kind == "session_event" and message.session_event.WhichOneof("type") == "script_compilation_exception":
            self.seen.errors.append(f"{self.page}: {message.session_event.script_compilation_exception.message}")

    def _begin(self, message: ForwardMsg) -> None:
        new, run = message.new_session, message.metadata.run
        self.session_id = new.initialize.session_id or self.session_id
        self._page_hash = new.page_script_hash or self._page_hash
        self._run = run.script_run_id
        if not run.fragment_ids:
            for fragment in [*self._again]:
                self._no_more(fragment)

    def _draw(self, message: ForwardMsg) -> None:
        delta, path = message.delta, tuple(message.metadata.delta_path)
        if delta.WhichOneof("type") == "new_transient":
            self.seen.asked |= bool(delta.new_transient.elements)  # a spinner: it takes no place
            return
        if delta.WhichOneof("type") == "add_block":
            self.drawn.pop(path, None)
            return
        element = Drawn(delta.new_element, delta.fragment_id, self._run)
        self.drawn[path] = element
        if element.kind == "exception" and not element.proto.is_warning:
            self.seen.errors.append(f"{self.page}?{self.query}: {element.proto.type}: {element.proto.message}")
        elif element.kind == "alert" and element.proto.format == element.proto.ERROR:
            broken = BROKEN in element.proto.body
            (self.seen.errors if broken else self.seen.refusals).append(element.proto.body)

    def _end(self, message: ForwardMsg) -> None:
        """Forget what the run that has ended did not draw again; those of a rerun that goes on at once stay."""
        if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            self.seen.errors.append(f"{self.page}: the script does not compile")
        elif message.script_finished not in _DONE:
            return
        run, fragments = message.metadata.run.script_run_id, set(message.metadata.run.fragment_ids)
        stale = {
            path for path, one in self.drawn.items() if one.run != run and (not fragments or one.fragment in fragments)
        }
        for path in stale:
            del self.drawn[path]
        if not fragments:
            there = {one.proto.id for one in self.drawn.values() if hasattr(one.proto, "id")}
            self._states = {name: state for name, state in self._states.items() if name in there}
            self._runs += 1
            self._known = {name: kept for name, kept in self._known.items() if self._runs - kept[0] <= KEPT_RUNS}
        if not fragments or self._awaited in fragments:
            self._ended.set()

    def _repeat(self, fragment: str, interval: float) -> None:
        self._no_more(fragment)

        async def repeat() -> None:
            with contextlib.suppress(WireError):  # the listener has said so
                while True:
                    await asyncio.sleep(interval)
                    await self._send(self._state(fragment, "", (), alone=True))

        self._again[fragment] = asyncio.create_task(repeat())

    def _no_more(self, fragment: str) -> None:
        if task := self._again.pop(fragment, None):
            task.cancel()

    def _write_link(self, control: Drawn, value: WidgetState) -> None:
        """Put a bound control's value into the query string, as the front end does."""
        name = getattr(control.proto, "query_param_key", "")
        if not name:
            return
        chosen = getattr(value, str(value.WhichOneof("value")))
        words = list(chosen.data) if hasattr(chosen, "data") else [chosen]
        query = parse_qs(self.query, keep_blank_values=True)
        query[name] = [_in_link(word) for word in words]
        self.query = urlencode(query, doseq=True)

    async def _fetch(self) -> None:
        """Fetch the pictures that the page names and that this browser does not have."""
        named = {image.url for one in self.drawn.values() if one.kind == "imgs" for image in one.proto.imgs}
        for url in {url for url in named if url.startswith("/media/")} - self._fetched:
            self._fetched.add(url)
            await self._request("GET", url)

    async def _request(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        async with self._alone:
            status = await asyncio.to_thread(self._exchange, method, path, body, headers or {})
        if status >= 400:
            self.seen.errors.append(f"{self.page}: {method} {path.rpartition('/')[0]}/… was answered {status}")

    def _exchange(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> int:
        for attempt in range(2):
            if self._http is None:
                assert self._base.hostname is not None
                self._http = http.client.HTTPConnection(self._base.hostname, self._base.port, timeout=PATIENCE)
            try:
                also = {"Cookie": self._cookie(), "X-Xsrftoken": self.cookies.get("_streamlit_xsrf", "")}
                self._http.request(method, path, body or None, headers | also)
                answer = self._http.getresponse()
                answer.read()
                break
            except (http.client.HTTPException, OSError) as error:  # a connection that had been idle for long
                self._http.close()
                self._http = None
                if attempt:
                    raise WireError(f"{method} {path} was not answered: {error}") from error
        for line in answer.headers.get_all("Set-Cookie", []):
            if found := _COOKIE.match(line):
                self.cookies[found[1]] = found[2]
        return answer.status

    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


def _in_link(value: object) -> str:
    """A value as the front end writes it: `true`, `3`, `0.5`, words as they are."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)
