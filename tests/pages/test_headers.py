"""What every response says, who is answered, and who may show the app: asked of the middleware as a server would."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from streamlit import config

from ui.shared.headers import Headers, Hosting, hosting, policy
from ui.shared.visits import VisitCookie

ROOT = Path(__file__).parents[2]
SCHOOL = "https://school.example"
ALONE = Hosting()


def asked(
    rules: Hosting = ALONE,
    host: str | None = "localhost:8501",
    path: str = "/",
    given: dict[str, str] | None = None,
    kind: str = "http",
    server: Any = ("127.0.0.1", 8501),
) -> tuple[dict[str, Any], dict[str, str], bytes]:
    """Return the first message of an answer, its headers, and its body; the app itself says `hello`."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        headers = [(name.encode(), value.encode()) for name, value in (given or {}).items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"hello"})

    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [] if host is None else [(b"host", host.encode())]
    scope = {"type": kind, "path": path, "method": "GET", "headers": headers, "server": server}
    asyncio.run(Headers(app, rules)(scope, None, send))
    found = [(name.decode(), value.decode()) for name, value in sent[0].get("headers", ())]
    assert len({name for name, _ in found}) == len(found), "none twice"
    return sent[0], dict(found), sent[1]["body"] if len(sent) > 1 else b""


def directives(text: str) -> dict[str, list[str]]:
    """A policy, read."""
    parts = [part.split() for part in text.split(";")]
    return {name: values for name, *values in parts}


@pytest.fixture(autouse=True)
def _same_site() -> Any:
    before = config.get_option("server.xsrfCookieSameSite")
    yield
    config.set_option("server.xsrfCookieSameSite", before)


# Headers --------------------------------------------------------------------------------------------------------------


def test_every_response_says_what_a_browser_may_do_with_it() -> None:
    for path, given in (("/", {"content-type": "text/html"}), ("/media/x.png", {}), ("/_stcore/metrics", {})):
        _, headers, _ = asked(path=path, given=given)
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert directives(headers["content-security-policy"])["frame-ancestors"] == ["'self'"]


def test_policy_lets_nothing_in_from_elsewhere() -> None:
    rules = directives(policy("localhost:8501"))
    assert rules["default-src"] == ["'self'"] and rules["object-src"] == ["'none'"]
    assert not [value for values in rules.values() for value in values if value in ("*", "http:", "https:", "ws:")]
    addresses = {value for values in rules.values() for value in values if "//" in value}
    assert addresses == {"ws://localhost:8501", "wss://localhost:8501"}, "its own socket"
    assert not {"'unsafe-inline'", "'unsafe-eval'", "data:"} & set(rules["script-src"])


def test_the_scripts_of_streamlits_page_are_known_by_their_sums() -> None:
    allowed = [value for value in directives(policy("h"))["script-src"] if value.startswith("'sha256-")]
    page = (Path(sys.modules["streamlit"].__path__[0]) / "static" / "index.html").read_text()
    inline = re.findall(r"<script(?![^>]*src=)[^>]*>", page)
    assert len(allowed) == len(inline) and all(re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", each) for each in allowed)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "private"),
        ({"cache-control": "no-cache"}, "private, no-cache"),
        ({"cache-control": "private, max-age=9"}, "private, max-age=9"),
        ({"cache-control": "public, immutable, max-age=9"}, "public, immutable, max-age=9"),
        ({"cache-control": "public, max-age=9", "set-cookie": "a=b"}, "private, max-age=9"),
    ],
)
def test_only_what_is_everybodys_is_for_shared_caches(given: dict[str, str], expected: str) -> None:
    assert asked(path="/media/x.png", given=given)[1]["cache-control"] == expected


# Hosts ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8501", "127.0.0.1:80", "[::1]:8501", "localhost."])
def test_this_machine_is_always_answered(host: str) -> None:
    for kind in ("http", "websocket"):
        assert asked(host=host, kind=kind)[0]["type"] in ("http.response.start", "websocket.accept")
    assert asked(host=host)[2] == b"hello"


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "10.0.0.9", "a b", "x/../y", "u@localhost", ""]
)
def test_a_stranger_is_refused_in_a_sentence(host: str) -> None:
    start, headers, body = asked(host=host)
    name = f"the name {host}" if re.fullmatch("[a-z0-9.]+", host) else "this name"
    told = f"ConvScope does not answer to {name} here. Whoever runs it adds its name to CONVSCOPE_HOSTS."
    assert (start["status"], body.decode()) == (400, told)
    assert headers["content-type"].startswith("text/plain")
    assert directives(headers["content-security-policy"]) == directives(policy("localhost")), "nothing of what it says"
    assert asked(host=host, kind="websocket")[0] == {"type": "websocket.close", "code": 1008}
    assert asked(host=None)[0]["status"] == 400, "none at all"


def test_named_hosts_are_answered_and_the_address_that_was_asked() -> None:
    rules = hosting({"CONVSCOPE_HOSTS": "convscope.school.example  *.lab.example"})
    for host in ("convscope.school.example:443", "a.lab.example", "A.B.LAB.EXAMPLE"):
        assert asked(rules, host)[2] == b"hello", host
    for host in ("school.example", "lab.example", "xlab.example"):
        assert asked(rules, host)[0]["status"] == 400, host
    assert asked(host="10.0.0.9:8501", server=("10.0.0.9", 8501))[2] == b"hello"
    assert asked(host="10.0.0.8:8501", server=("10.0.0.9", 8501))[0]["status"] == 400
    assert asked(hosting({"CONVSCOPE_HOSTS": "*"}), "any.example")[2] == b"hello"


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/metrics/", "/under/_stcore/metrics"])
def test_metrics_are_nobodys(path: str) -> None:
    start, _, body = asked(path=path)
    assert start["status"] == 404 and body == b"There is no such page."


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CONVSCOPE_HOSTS", "https://school.example", "which is no host; write names as convscope.school.example"),
        ("CONVSCOPE_HOSTS", "school.example:8501", "which is no host"),
        ("CONVSCOPE_EMBED", "school.example", "which is no origin; write those that may show ConvScope as https://"),
        ("CONVSCOPE_EMBED", "https://school.example/moodle", "which is no origin"),
        ("CONVSCOPE_EMBED", "https://a.example; script-src *", "which is no origin"),
        ("CONVSCOPE_EMBED", "*", "which is no origin"),
    ],
)
def test_what_is_no_address_is_refused(name: str, value: str, told: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} has '.*', {re.escape(told)}.*separated by spaces\.$"):
        hosting({name: value})


def test_server_does_not_start_with_a_wrong_setting() -> None:
    code = "import os; os.environ['CONVSCOPE_EMBED'] = 'school'; import app"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "ConvScope: CONVSCOPE_EMBED has 'school', which is no origin" in done.stderr


# In a page of others --------------------------------------------------------------------------------------------------


def test_who_may_show_it_is_named_and_cookies_are_kept_apart() -> None:
    rules = hosting({"CONVSCOPE_EMBED": f"'self' {SCHOOL}:8443 https://*.lab.example"})
    _, headers, _ = asked(rules, given={"set-cookie": "_streamlit_xsrf=1; Path=/; SameSite=None; Secure"})
    ancestors = directives(headers["content-security-policy"])["frame-ancestors"]
    assert ancestors == ["'self'", f"{SCHOOL}:8443", "https://*.lab.example"]
    assert "x-frame-options" not in headers, "it can name no origin"
    assert headers["set-cookie"] == "_streamlit_xsrf=1; Path=/; SameSite=None; Secure; Partitioned"
    assert config.get_option("server.xsrfCookieSameSite") == "none"


def test_cookies_stay_as_they_are_where_nobody_may_show_it() -> None:
    assert asked(given={"set-cookie": "a=b; SameSite=Lax"})[1]["set-cookie"] == "a=b; SameSite=Lax"
    assert config.get_option("server.xsrfCookieSameSite") == "lax"


def test_visit_goes_with_the_frame(store: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    served = Headers(VisitCookie(app, lambda: store, embedded=True), Hosting(embed=(SCHOOL,)))
    scope = {"type": "http", "method": "GET", "path": "/", "scheme": "http", "headers": [(b"host", b"localhost")]}
    asyncio.run(served(scope, None, send))
    (cookie,) = (value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie")
    assert cookie.endswith("; HttpOnly; SameSite=None; Secure; Partitioned")
    assert dict(sent[0]["headers"])[b"cache-control"] == b"private"


# What is configured ---------------------------------------------------------------------------------------------------


def test_server_is_closed_unless_it_is_opened() -> None:
    assert config.get_option("server.address") == "localhost", "no other machine, whoever starts it"
    assert config.get_option("client.showErrorDetails") == "type", "no path of the server on a page"
    assert not config.get_option("server.enableAgentApi") and config.get_option("server.enableCORS")
    ignored = subprocess.run(["git", "check-ignore", "-q", ".streamlit/secrets.toml"], cwd=ROOT)
    assert ignored.returncode == 0


@pytest.mark.parametrize(("more", "address"), [([], "localhost"), (["HOST=0.0.0.0"], "0.0.0.0")])
def test_make_app_serves_this_machine_or_all(more: list[str], address: str) -> None:
    done = subprocess.run(
        ["make", "-n", "-o", ".venv/.app-cpu", "-o", ".venv/.app-gpu", "app", *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOST": "some-shell"},
    )
    assert done.stdout.splitlines()[-1].endswith(f"--server.port 8501 --server.address {address}")
