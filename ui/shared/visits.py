"""Who is visiting: a signed random name in a cookie; a reload or another tab finds the same reader's work by it.

It is no account. Whoever clears the cookies begins a new visit; a private link (Study, All my runs) carries runs over.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any

from cnn_core.store import keys, troubles
from cnn_core.store.runs import Store
from cnn_core.store.secret import server_secret, signed, unsigned

log = logging.getLogger(__name__)

COOKIE = "convscope_visit"
YEAR = 365 * 24 * 3600
_NAME = re.compile("[0-9a-f]{32}|[0-9a-f]{40}")
_UNSIGNED = re.compile("[0-9a-f]{32}")  # names were shorter while they stood alone in the cookie


def new_visit() -> str:
    """Return a name for a stranger."""
    return secrets.token_hex(20)


def is_visit(name: object) -> bool:
    """Tell whether this has the form of a name that we give.

    Example:
        >>> is_visit("0123456789abcdef" * 2), is_visit("../../etc")
        (True, False)
    """
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def visit_of(cookie: str, secret: bytes) -> str:
    """Return the name in a cookie; empty if it is none that we have signed."""
    name = unsigned(cookie, secret)
    return name if is_visit(name) else ""


class VisitCookie:
    """ASGI middleware that names a visitor who has no name yet, with the first page.

    Args:
        app: The app behind it.
        store: Opens the store, where the secret is; asked at the first page.
        embedded: Whether pages of others may show the app; browsers want such a cookie to come over HTTPS.
    """

    def __init__(self, app: Any, store: Callable[[], Store], *, embedded: bool = False) -> None:
        self._app, self._store, self._embedded = app, store, embedded
        self._secret = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on; a page for a stranger comes with a cookie."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return

        async def named(message: Any) -> None:
            if message["type"] == "http.response.start" and _is_page(message["headers"]):
                value = await asyncio.to_thread(self._wanted, _cookie_of(scope))  # the store may be far away
                if value:
                    cookie = f"{COOKIE}={value}; Path=/; Max-Age={YEAR}; HttpOnly; {self._site(scope)}"
                    message = message | {"headers": [*message["headers"], (b"set-cookie", cookie.encode())]}
            await send(message)

        await self._app(scope, receive, named)

    def _site(self, scope: Any) -> str:
        """From where a browser may bring the cookie; `Headers` keeps one for pages of others apart."""
        if self._embedded:
            return "SameSite=None; Secure"
        return "SameSite=Lax; Secure" if scope.get("scheme") == "https" else "SameSite=Lax"

    def _wanted(self, cookie: str) -> str:
        """Return what the cookie is to hold; empty if it holds that, or if the store cannot say: the page says why."""
        try:
            return self._named(cookie)
        except Exception as error:
            if not (words := troubles.sentence(error)):
                raise
            log.warning("A visitor got no name: %s", words)
            return ""

    def _named(self, cookie: str) -> str:
        store = self._store()
        self._secret = self._secret or server_secret(store)
        if visit_of(cookie, self._secret):
            return ""
        return signed(cookie if _may_keep(store, cookie) else new_visit(), self._secret)


def _may_keep(store: Store, cookie: str) -> bool:
    """Tell whether this is an unsigned name of before that has runs; it is taken once, then its signature counts."""
    if not _UNSIGNED.fullmatch(cookie) or cookie in store.lists.entries(keys.ADOPTED):
        return False
    if not store.lists.entries(keys.visit(cookie)):
        return False
    store.lists.add(keys.ADOPTED, cookie)
    return True


def _cookie_of(scope: Any) -> str:
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                morsel = SimpleCookie(value.decode("latin-1")).get(COOKIE)
            except CookieError:  # another application's cookie on the same host
                continue
            if morsel:
                return morsel.value
    return ""


def _is_page(headers: Any) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in headers)
