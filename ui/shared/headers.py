"""Which addresses the server answers to, who may show it inside their own page, and what every response says of it."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from streamlit import config, file_util

LOCAL = ("localhost", "127.0.0.1", "[::1]")  # always answered: nobody else's page can have these names
_NAME = r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
_ORIGIN = re.compile(rf"https?://(?:{_NAME}|\[[0-9a-f:.]+\])(?::\d{{1,5}})?", re.IGNORECASE)
_HOST = re.compile(rf"\*|{_NAME}|\[[0-9a-f:.]+\]", re.IGNORECASE)
_ASKED = re.compile(r"([a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])\.?(:\d{1,5})?", re.IGNORECASE)
_METRICS = "/_stcore/metrics"


@dataclass(frozen=True)
class Hosting:
    """Where the app is served.

    Attributes:
        hosts: Names that it answers to beside LOCAL and the address that a request came to; `*` is any.
        embed: Origins whose pages may show it.
    """

    hosts: tuple[str, ...] = ()
    embed: tuple[str, ...] = ()

    def answers_to(self, host: str, address: str = "") -> bool:
        """Tell whether a request is served.

        Args:
            host: Its Host header.
            address: Of the socket that it came to; a page elsewhere can have any name lead here, but no address.

        Example:
            >>> ours = Hosting(("*.school.example",))
            >>> [ours.answers_to(host) for host in ("a.school.example:8501", "school.example", "LOCALHOST", "x/y")]
            [True, False, True, False]
        """
        found = _ASKED.fullmatch(host)
        if not found:
            return False
        name = found[1].lower()
        if name in LOCAL or name.strip("[]") == address.removeprefix("::ffff:"):  # IPv4 that came by an IPv6 socket
            return True
        return any(
            name.endswith(known[1:]) if known.startswith("*.") else known in (name, "*")
            for known in map(str.lower, self.hosts)
        )


def hosting(environment: Mapping[str, str]) -> Hosting:
    """Read CONVSCOPE_HOSTS and CONVSCOPE_EMBED, both separated by spaces.

    Raises:
        ValueError: If there is something else among them, with what is expected.

    Example:
        >>> hosting({"CONVSCOPE_EMBED": "'self' https://school.example"})
        Hosting(hosts=(), embed=('https://school.example',))
    """
    hosts = environment.get("CONVSCOPE_HOSTS", "").split()
    embed = [origin for origin in environment.get("CONVSCOPE_EMBED", "").split() if origin != "'self'"]
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise ValueError(
                f"CONVSCOPE_HOSTS has {host!r}, which is no host; write names as convscope.school.example, without "
                "scheme, port or path, separated by spaces."
            )
    for origin in embed:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"CONVSCOPE_EMBED has {origin!r}, which is no origin; write those that may show ConvScope as "
                "https://school.example, without path, separated by spaces."
            )
    return Hosting(tuple(hosts), tuple(embed))


class Headers:
    """ASGI middleware, the outermost: refuses foreign hosts, hides the metrics, and adds headers to every response.

    Args:
        app: The app behind it.
        rules: What is allowed.
    """

    def __init__(self, app: Any, rules: Hosting) -> None:
        self._app, self._rules = app, rules
        if rules.embed:  # the cookie without which no file can be given
            config.set_option("server.xsrfCookieSameSite", "none")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        known = self._rules.answers_to(host, (scope.get("server") or ("",))[0] or "")

        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = message | {"headers": self._headers(host if known else LOCAL[0], message.get("headers", ()))}
            await send(message)

        if not known:
            await _refuse(scope, told, 400, _stranger(host))
        elif scope["path"].rstrip("/").endswith(_METRICS):
            await _refuse(scope, told, 404, "There is no such page.")
        else:  # what a socket sends goes straight: there are fifty messages an action, and no headers
            await self._app(scope, receive, told if scope["type"] == "http" else send)

    def _headers(self, host: str, given: Any) -> list[tuple[bytes, bytes]]:
        headers = {name.lower(): value for name, value in given}
        kept = [(name, self._cookie(value) if name.lower() == b"set-cookie" else value) for name, value in given]
        cache = headers.get(b"cache-control", b"")
        if b"public" not in cache or b"set-cookie" in headers:  # somebody's own: no cache that others share
            kept = [(name, value) for name, value in kept if name.lower() != b"cache-control"]
            parts = [b"private", *(part for part in cache.split(b", ") if part not in (b"", b"public", b"private"))]
            kept.append((b"cache-control", b", ".join(parts)))
        ours = {
            "content-security-policy": policy(host, self._rules.embed),
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
        }
        if not self._rules.embed:  # for browsers that do not know frame-ancestors; it can name no origin
            ours["x-frame-options"] = "SAMEORIGIN"
        return [*kept, *((name.encode(), value.encode()) for name, value in ours.items())]

    def _cookie(self, value: bytes) -> bytes:
        """A cookie for pages of others is kept apart for each of them, or browsers take it for a tracker's."""
        return value + b"; Partitioned" if b"samesite=none" in value.lower() else value


def policy(host: str, embed: tuple[str, ...] = ()) -> str:
    """Return the Content-Security-Policy, under which nothing comes from elsewhere.

    Args:
        host: At which the server was asked; older browsers do not take its WebSocket for 'self'.
        embed: Origins whose pages may show the app.

    Source:
        W3C, Content Security Policy Level 3. What Streamlit needs was found by `tests/browser/test_headers.py`.
    """
    rules = {
        "default-src": "'self'",
        "script-src": f"'self' blob: 'wasm-unsafe-eval' {_inline_scripts()}",  # a component is a module at blob:
        "style-src": "'self' 'unsafe-inline'",  # Streamlit writes its styles while it runs
        "font-src": "'self' data:",
        "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:",
        "connect-src": f"'self' data: blob: ws://{host} wss://{host}",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(["'self'", *embed]),
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


@lru_cache(maxsize=1)
def _inline_scripts() -> str:
    """The scripts that stand in Streamlit's page itself, by their checksums."""
    page = (Path(file_util.get_static_dir()) / "index.html").read_text(encoding="utf-8")
    sums = [hashlib.sha256(script.encode()).digest() for _, script in re.findall(r"<(script)>(.*?)</\1>", page, re.S)]
    return " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in sums)


def _stranger(host: str) -> str:
    known = _ASKED.fullmatch(host)
    asked = f"the name {known[1]}" if known else "this name"
    return f"ConvScope does not answer to {asked} here. Whoever runs it adds its name to CONVSCOPE_HOSTS."


async def _refuse(scope: Any, send: Any, status: int, sentence: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode()})
