"""A visitor gets a name with the first page, once, and keeps their runs by it."""

import asyncio
from http.cookies import SimpleCookie
from typing import Any

import pytest

from cnn_core.store import keys
from cnn_core.store.runs import Store
from cnn_core.store.secret import server_secret, signed
from ui.shared.session import keeps_visits, visit
from ui.shared.visits import COOKIE, VisitCookie, is_visit, visit_of

NAME = "0123456789abcdef" * 2


def cookies_of(
    store: Store, kind: bytes = b"text/html; charset=utf-8", method: str = "GET", **headers: str
) -> list[str]:
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
    asyncio.run(VisitCookie(app, lambda: store)(scope, None, send))
    assert sent[1] == {"type": "http.response.body", "body": b"x"}
    return [value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie"]


def named(cookie: str, store: Store) -> str:
    """The visit in a cookie that was set."""
    return visit_of(SimpleCookie(cookie)[COOKIE].value, server_secret(store))


def test_stranger_is_named_with_the_page_and_nobody_else(store: Store) -> None:
    (cookie,) = cookies_of(store)
    morsel = SimpleCookie(cookie)[COOKIE]
    assert is_visit(named(cookie, store)), "the name is signed with the server's secret"
    assert morsel["httponly"] and morsel["samesite"] == "Lax" and not morsel["secure"]
    assert cookies_of(store) != [cookie], "every stranger gets another name"
    assert "Secure" in cookies_of(store, scheme="https")[0]
    assert cookies_of(store, cookie=f"other=1; {COOKIE}={morsel.value}") == [], "who has a name keeps it"
    assert cookies_of(store, b"application/json") == cookies_of(store, method="POST") == []


@pytest.mark.parametrize(
    "foreign", ["../../etc", "", NAME, f"{NAME}.{'0' * 64}", signed(NAME, b"another server's"), signed("../x", b"")]
)
def test_name_that_we_did_not_give_counts_for_nothing(store: Store, foreign: str) -> None:
    (cookie,) = cookies_of(store, cookie=f"{COOKIE}={foreign}")
    assert named(cookie, store) not in ("", NAME)


@pytest.mark.parametrize("broken", ["a=b", "\x7f=ü; ;;="])
def test_cookies_of_others_do_no_harm(store: Store, broken: str) -> None:
    assert len(cookies_of(store, cookie=broken)) == 1


def test_unsigned_name_of_before_is_taken_over_once_with_its_runs(store: Store) -> None:
    store.lists.add(keys.visit(NAME), "f00", own=True)
    (cookie,) = cookies_of(store, cookie=f"{COOKIE}={NAME}")
    assert named(cookie, store) == NAME
    (again,) = cookies_of(store, cookie=f"{COOKIE}={NAME}")
    assert named(again, store) not in ("", NAME), "whoever knows the name later cannot take it"


def test_visit_is_the_cookies_only_if_it_is_signed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    cookies = {COOKIE: signed(NAME, server_secret(store))}
    monkeypatch.setattr("streamlit.context.__class__.cookies", property(lambda _: cookies))
    assert visit() == NAME and keeps_visits()
    cookies[COOKIE] = NAME
    assert is_visit(visit()) and visit() != NAME and not keeps_visits()


def test_opening_a_link_lists_the_run_and_reading_does_not(page: Any, store: Store) -> None:
    run = store.create("lenet", {}, title="a stranger's")
    app = page("laboratory")
    assert store.lists.entries(keys.visit(app.session_state.visit)) == {}
    app = page("laboratory", laboratory_view="Runs", laboratory_runs=run.id)
    assert store.lists.entries(keys.visit(app.session_state.visit)) == {run.id: False}, "opened, not its own"
