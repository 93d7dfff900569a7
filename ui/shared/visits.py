"""Who is visiting: a random name in a cookie, so that a reload or another tab finds the runs of the same reader again.

It is no account. Whoever clears the cookies begins a new visit; a private link (Laboratory, Runs) carries runs over.
"""

import re
import secrets
from http.cookies import CookieError, SimpleCookie
from typing import Any

COOKIE = "convscope_visit"
YEAR = 365 * 24 * 3600
_NAME = re.compile("[0-9a-f]{32}")


def is_visit(name: object) -> bool:
    """Tell whether this is a name that we gave.

    Example:
        >>> is_visit("0123456789abcdef" * 2), is_visit("../../etc")
        (True, False)
    """
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


class VisitCookie:
    """ASGI middleware that names a visitor who has no name yet, with the first page."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on; a page for a stranger comes with a cookie."""
        if scope["type"] != "http" or scope["method"] != "GET" or _visit_of(scope):
            await self._app(scope, receive, send)
            return

        async def named(message: Any) -> None:
            if message["type"] == "http.response.start" and _is_page(message["headers"]):
                secure = "; Secure" if scope.get("scheme") == "https" else ""
                cookie = f"{COOKIE}={secrets.token_hex(16)}; Path=/; Max-Age={YEAR}; HttpOnly; SameSite=Lax{secure}"
                message = message | {"headers": [*message["headers"], (b"set-cookie", cookie.encode())]}
            await send(message)

        await self._app(scope, receive, named)


def _visit_of(scope: Any) -> str:
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                morsel = SimpleCookie(value.decode("latin-1")).get(COOKIE)
            except CookieError:  # another application's cookie on the same host
                continue
            if morsel and is_visit(morsel.value):
                return morsel.value
    return ""


def _is_page(headers: Any) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in headers)
