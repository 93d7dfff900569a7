"""What a browser makes of the headers: every page works under them, and a page of others shows the app only if it may.

Every other browser test holds the policy too: `conftest.visits` fails where a page did anything against it.
"""

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Frame, Page, Route, expect
from playwright.sync_api import Error as PlaywrightError

from cnn_core.arithmetic.escaping import html

from .conftest import LIMIT, Server, settled, until_right, violations

PAGES = ("", "transfer", "laboratory", "convolution", "pooling", "channels", "architectures", "receipts", "lessons")
LISTEN = """
window.refused = [];
document.addEventListener('securitypolicyviolation', (event) => {
  window.refused.push(`${event.effectiveDirective} ${event.blockedURI}`);
});
"""


@pytest.mark.parametrize("name", PAGES)
def test_page_works_under_the_policy(name: str, server: Server, chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.add_init_script(LISTEN)
    said = violations(page)
    answer = page.goto(f"{server.url}/{name}")
    assert answer and "script-src 'self'" in answer.headers["content-security-policy"]
    settled(page)
    expect(page.locator("[data-testid=stSpinner]")).to_have_count(0)
    page.locator("h1").first.wait_for()
    assert (page.evaluate("window.refused"), said) == ([], [])
    context.close()


def test_violation_would_be_noticed(server: Server, chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.add_init_script(LISTEN)
    said = violations(page)
    page.goto(server.url)
    settled(page)
    page.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://evil.example/x.png'}))")
    page.evaluate("document.body.setAttribute('onclick', 'window.hurt = true'); document.body.click()")
    page.wait_for_function("window.refused.length >= 2")
    assert page.evaluate("window.refused") == ["img-src https://evil.example/x.png", "script-src-attr inline"]
    assert page.evaluate("window.hurt") is None
    assert until_right(page, lambda: [] if len(said) == 2 else said or ["nothing is said"]) == []
    context.close()


# What the live camera needs: WebAssembly, in the page and in a worker, and the camera itself --------------------------

ADD = [  # the text format has it as (module (func (export "add") (param i32 i32) (result i32) ...))
    *(0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00),  # magic number and version
    *(0x01, 0x07, 0x01, 0x60, 0x02, 0x7F, 0x7F, 0x01, 0x7F),  # types: (i32, i32) -> i32
    *(0x03, 0x02, 0x01, 0x00),  # functions: one, of that type
    *(0x07, 0x07, 0x01, 0x03, 0x61, 0x64, 0x64, 0x00, 0x00),  # exports: "add"
    *(0x0A, 0x09, 0x01, 0x07, 0x00, 0x20, 0x00, 0x20, 0x01, 0x6A, 0x0B),  # code: local.get 0, local.get 1, i32.add
]
COMPUTE = """
const compute = async (bytes) => {
  const made = await WebAssembly.instantiate(new Uint8Array(bytes));
  return made.instance.exports.add(40, 2);
};
"""
IN_PAGE = f"async (bytes) => {{ {COMPUTE} return compute(bytes); }}"
IN_WORKER = f"""
(bytes) => new Promise((answered, failed) => {{
  const text = `{COMPUTE} onmessage = async (asked) => {{
    try {{ postMessage(await compute(asked.data)); }} catch (error) {{ postMessage(String(error)); }}
  }};`;
  const worker = new Worker(URL.createObjectURL(new Blob([text], {{type: 'text/javascript'}})));
  worker.onerror = () => failed(new Error('the worker did not start'));
  worker.onmessage = (said) => answered(said.data);
  worker.postMessage(bytes);
}})
"""
SEE = """
async () => {
  const stream = await navigator.mediaDevices.getUserMedia({video: {width: 640, height: 480}});
  const video = Object.assign(document.createElement('video'), {srcObject: stream, muted: true});
  document.body.append(video);
  await video.play();
  const canvas = Object.assign(document.createElement('canvas'), {width: 64, height: 48});
  canvas.getContext('2d').drawImage(video, 0, 0, 64, 48);
  const shot = await new Promise((made) => canvas.toBlob(made));
  const shown = Object.assign(new Image(), {src: URL.createObjectURL(shot)});
  await shown.decode();
  const pixels = new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, 64, 48).data.buffer));
  stream.getTracks().forEach((track) => track.stop());
  video.remove();
  return {width: shown.width, colours: pixels.size};
}
"""


def test_webassembly_and_the_camera_work_under_the_policy(server: Server, chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.add_init_script(LISTEN)
    said = violations(page)
    page.goto(server.url)
    settled(page)
    assert page.evaluate(IN_PAGE, ADD) == 42
    assert page.evaluate(IN_WORKER, ADD) == 42
    seen = page.evaluate(SEE)
    assert seen["width"] == 64 and seen["colours"] > 2, "Chromium's camera shows a green picture with a clock"
    assert (page.evaluate("window.refused"), said) == ([], [])
    context.close()


def test_without_a_word_in_the_policy_no_webassembly_would_run(server: Server, chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()

    def poorer(route: Route) -> None:
        answer = route.fetch()
        policy = answer.headers["content-security-policy"].replace("'wasm-unsafe-eval'", "")
        route.fulfill(response=answer, headers=answer.headers | {"content-security-policy": policy})

    page.route(server.url + "/", poorer)
    page.goto(server.url + "/")
    with pytest.raises(PlaywrightError, match="WebAssembly"):
        page.evaluate(IN_PAGE, ADD)
    assert "WebAssembly" in page.evaluate(IN_WORKER, ADD)
    context.close()


# In a page of others --------------------------------------------------------------------------------------------------


@pytest.fixture
def foreign() -> Iterator[Callable[..., str]]:
    """Serve a page of somebody else, on a site of its own, that shows an address; return where it is."""
    shown, across, high = "", 1200, 800

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            frame = f'<iframe src="{html(shown)}" width="{across}" height="{high}" style="border: 0"></iframe>'
            self.wfile.write(f"<h1>School</h1>{frame}".encode())

        def log_message(self, *_: Any) -> None:
            pass

    def show(address: str, width: int = 1200, height: int = 800) -> str:
        nonlocal shown, across, high
        shown, across, high = address, width, height
        return f"http://127.0.0.1:{serving.server_address[1]}"

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield show
        serving.shutdown()


def framed(page: Page, address: str) -> Frame:
    """Open a page with a frame; return the frame."""
    page.goto(address)
    page.locator("iframe").wait_for(state="attached")
    page.wait_for_load_state("load")
    return page.frames[1]


def test_foreign_page_cannot_show_the_app(server: Server, chromium: Browser, foreign: Callable[[str], str]) -> None:
    context = chromium.new_context()
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    frame = framed(page, foreign(server.url))
    assert frame.locator("[data-testid=stApp]").count() == 0
    refused = "frame-ancestors 'self'"
    assert until_right(page, lambda: [] if any(refused in text for text in said) else said or ["nothing"], 10) == []
    context.close()


@pytest.mark.slow  # an app of its own; that the header names the origin is held by tests/pages/test_headers.py
def test_school_that_may_shows_the_app_and_a_picture_can_be_given(
    tmp_path: Path, chromium: Browser, foreign: Callable[[str], str], photos: Path
) -> None:
    address = foreign("")
    other = Server(tmp_path, CONVSCOPE_EMBED=address)
    other.start()
    try:
        context = chromium.new_context()
        page = context.new_page()
        page.set_default_timeout(LIMIT)
        said = violations(page)
        frame = framed(page, foreign(other.url))
        frame.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        frame.locator(".st-key-home_picture_0 input[type=file]").set_input_files(photos / "brick" / "00.png")
        expect(frame.locator(".st-key-visitor .visitor")).to_contain_text("00.png")
        cookies: dict[str, Any] = {cookie["name"]: cookie for cookie in context.cookies()}
        for name in ("convscope_visit", "_streamlit_xsrf"):
            assert cookies[name]["secure"] and cookies[name]["sameSite"] == "None"
            assert cookies[name].get("partitionKey", "").startswith("http://127.0.0.1"), "apart for each school"
        page.reload()
        again = page.frames[1]
        expect(again.locator(".st-key-visitor .visitor")).to_contain_text("00.png")
        assert said == []
        context.close()
    finally:
        other.close()


# What the server tells nobody -----------------------------------------------------------------------------------------


def test_server_listens_to_this_machine_only(server: Server) -> None:
    assert server.process is not None
    connections = psutil.Process(server.process.pid).net_connections("inet")
    listening = {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}
    assert listening and listening <= {"127.0.0.1", "::1"}


def test_no_secret_is_logged(server: Server, chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/laboratory?laboratory_view=Runs&laboratory_key={'5ec2e7' * 4}&with={'70cce2' * 4}")
    settled(page)
    held = [str(cookie["value"]) for cookie in context.cookies()]
    assert held, "the visit"
    log = (server.folder / "server.log").read_text(errors="replace")
    for secret in (*held, "5ec2e7", "70cce2"):
        assert secret not in log
    context.close()
