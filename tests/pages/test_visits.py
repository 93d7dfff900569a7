"""A visitor gets a name with the first page, once, and keeps their runs by it."""

import asyncio
from http.cookies import SimpleCookie
from typing import Any

import pytest

from cnn_core.store import keys
from cnn_core.store.runs import Store
from ui.shared.visits import COOKIE, VisitCookie, is_visit

NAME = "0123456789abcdef" * 2


def cookies_of(kind: bytes = b"text/html; charset=utf-8", method: str = "GET", **headers: str) -> list[str]:
    """What the middleware sets for one request that the app answers with this kind of content."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": b"x"})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "scheme": headers.pop("scheme", "http"),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }
    asyncio.run(VisitCookie(app)(scope, None, send))
    assert sent[1] == {"type": "http.response.body", "body": b"x"}
    return [value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie"]


def test_stranger_is_named_with_the_page_and_nobody_else() -> None:
    (cookie,) = cookies_of()
    morsel = SimpleCookie(cookie)[COOKIE]
    assert is_visit(morsel.value) and morsel["httponly"] and morsel["samesite"] == "Lax" and not morsel["secure"]
    assert cookies_of() != [cookie], "every stranger gets another name"
    assert "Secure" in cookies_of(scheme="https")[0]
    assert cookies_of(cookie=f"other=1; {COOKIE}={NAME}") == [], "who has a name keeps it"
    assert cookies_of(b"application/json") == cookies_of(method="POST") == []


@pytest.mark.parametrize("foreign", [f"{COOKIE}=../../etc", f"{COOKIE}=", "a=b", "\x7f=ü; ;;="])
def test_name_that_we_did_not_give_counts_for_nothing(foreign: str) -> None:
    assert len(cookies_of(cookie=foreign)) == 1


def test_opening_a_link_lists_the_run_and_reading_does_not(page: Any, store: Store) -> None:
    run = store.create("lenet", {}, title="a stranger's")
    app = page("laboratory")
    assert store.lists.entries(keys.visit(app.session_state.visit)) == {}
    app = page("laboratory", laboratory_view="Runs", laboratory_runs=run.id)
    assert store.lists.entries(keys.visit(app.session_state.visit)) == {run.id: False}, "opened, not its own"
