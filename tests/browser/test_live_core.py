"""LiteRT.js as the app serves it, in a real Chromium and under the app's policy: the shipped trunk and a head."""

import base64
import gzip
import hashlib
import io
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from cnn_core.browser import litert, litert_hash, record
from cnn_core.networks import forward
from cnn_core.networks.backbones import DEFAULT, backbone
from cnn_core.pictures.images import restored, square
from cnn_core.store import keys
from cnn_core.training.transfer.manifest import Part, head_bytes
from ui.shared.serving import PARTS, RUNTIME
from ui.widgets.frontend import script

from .conftest import Server

NETWORK = Path(__file__).parents[2] / "cnn_core" / "browser" / "network.js"
CLASSES = ["brick", "gravel", "grass"]
OPEN = """
async ([code, base, webgpu]) => {
  window.live = await import(URL.createObjectURL(new Blob([code], {type: 'text/javascript'})));
  window.runtime = await window.live.openRuntime(base, {webgpu});
  return window.runtime.accelerator;
}
"""
PARITY = """
async (manifest) => {
  const network = await window.live.openNetwork(window.runtime, manifest);
  try { return await window.live.parity(network, manifest); } finally { network.close(); }
}
"""


def coded(pixels: np.ndarray, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def photographs(photos: Path) -> list[tuple[bytes, str, int]]:
    """Files as the store keeps them: coded, MIME type, orientation."""
    rng = np.random.default_rng(0)
    brick, gravel = (np.asarray(Image.open(photos / name / "03.png")) for name in ("brick", "gravel"))
    tall = np.asarray(Image.fromarray(gravel).resize((240, 600)))
    return [
        (coded(brick, "PNG"), "image/png", 1),
        (coded(brick, "JPEG", quality=90), "image/jpeg", 6),
        (coded(tall, "PNG"), "image/png", 1),
        (coded(rng.integers(0, 256, (480, 640, 3), np.uint8), "WEBP", lossless=True), "image/webp", 3),
    ]


@pytest.fixture(scope="module")
def manifest(server: Server, photographs: list[tuple[bytes, str, int]]) -> dict[str, Any]:
    """The shipped trunk and a head with random weights, in the server's store; and what the server says of pictures."""
    network, rng = backbone(DEFAULT), np.random.default_rng(1)
    name, trunk = forward.shared_part(network)
    kernel, bias = rng.normal(0, 1, (1280, 3)).astype(np.float32), np.array([0.1, 0.2, -0.1], np.float32)
    head = head_bytes(kernel, bias)
    parts = {"trunk": (name, trunk), "head": (f"head.{hashlib.sha256(head).hexdigest()[:12]}.bin", head)}
    for file, data in parts.values():
        server.store.write(keys.shared_part(file), data)
    known = []
    for data, mime, orientation in photographs:
        seen = square(restored(data, orientation), network.input_size, network.crop_fraction)
        logits = forward.trunk(network)(seen[None])[0].mean(axis=(0, 1), dtype=np.float64) @ kernel + bias
        shares = np.exp(logits - logits.max())
        known.append(
            {
                "name": mime,
                "url": f"data:{mime};base64,{base64.b64encode(data).decode()}",
                "orientation": orientation,
                "seen": hashlib.sha256(seen.tobytes()).hexdigest(),
                "expected": {"frozen": (shares / shares.sum()).tolist()},
            }
        )
    return {
        "base": PARTS,
        "size": network.input_size,
        "crop": network.crop_fraction,
        "classes": CLASSES,
        "preprocessing": "inside",
        "arms": {"frozen": {"title": "Frozen", "steps": ["trunk"], "head": "head"}},
        "parts": {
            name: {"url": part.url, "sha256": part.sha256, "bytes": part.size}
            for name, part in ((name, Part.of(f"shared/{file}", data)) for name, (file, data) in parts.items())
        },
        "parity": known,
        "tolerance": 1e-3,
    }


@pytest.fixture
def page(server: Server, visitor: Callable[..., Page]) -> Page:
    return visitor(f"{server.url}/receipts")


def test_trunk_agrees_with_the_server(page: Page, manifest: dict[str, Any]) -> None:
    assert page.evaluate(OPEN, [script(NETWORK), RUNTIME, False]) == "wasm"
    found = page.evaluate(PARITY, manifest)
    assert found["pictures"] == len(manifest["parity"]) == found["bits"], "what the network sees is equal to the bit"
    assert found["worst"] == found["largest"]["frozen"] < 1e-5
    assert [max(each["expected"]["frozen"]) < 0.999 for each in manifest["parity"]].count(True) >= 2, (
        "not all saturated"
    )


def test_other_bytes_are_refused(page: Page, manifest: dict[str, Any]) -> None:
    page.evaluate(OPEN, [script(NETWORK), RUNTIME, False])
    other = manifest["parts"]["head"] | {"sha256": "0" * 64}
    refused = page.evaluate(
        "(manifest) => window.live.openNetwork(window.runtime, manifest).catch(({name, message}) => [name, message])",
        manifest | {"parts": manifest["parts"] | {"head": other}},
    )
    assert refused[0] == "LiveTrouble"
    assert "part head is not the one that was meant" in refused[1] and "expected 15372 with 000000000000" in refused[1]


def test_what_is_missing_is_said(page: Page) -> None:
    said = "(given) => ({0})(given).catch(({{name, message}}) => [name, message])"
    trouble = page.evaluate(said.format(OPEN), [script(NETWORK), "live/litert/000000000000/", False])
    assert trouble[0] == "LiveTrouble" and trouble[1].startswith("The runtime for live answers could not be loaded (")
    page.evaluate("delete window.WebAssembly")
    trouble = page.evaluate(said.format(OPEN), [script(NETWORK), RUNTIME, False])
    assert trouble[1].startswith("This browser runs no WebAssembly, which live answers need")


SHOOT = """
async (code) => {
  const camera = await import(URL.createObjectURL(new Blob([code], {type: 'text/javascript'})));
  const video = document.createElement('video');
  const opened = await camera.openCamera({facing: 'user', width: 320}, video);
  const frame = camera.frameOf(video, document.createElement('canvas'));
  opened.stop();
  return {
    asked: [opened.width, opened.height], frame: [frame.width, frame.height], mirrored: opened.mirrored,
    opaque: frame.data.every((value, at) => at % 4 < 3 || value === 255), ended: video.srcObject === null,
    cameras: await camera.cameras(),
  };
}
"""


def test_camera_gives_frames(page: Page) -> None:
    shot = page.evaluate(SHOOT, script(NETWORK.with_name("camera.js")))
    assert shot["asked"] == shot["frame"] == [320, 240]
    assert shot["mirrored"] and shot["opaque"] and shot["ended"] and shot["cameras"] >= 1


def fetch(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, {name.lower(): value for name, value in refused.headers.items()}, refused.read()


def test_runtime_goes_as_it_was_compressed(server: Server) -> None:
    wasm = f"{server.url}/{RUNTIME}litert_wasm_internal.wasm"
    status, headers, body = fetch(wasm, **{"accept-encoding": "gzip, br"})
    assert (status, headers["content-type"], headers["content-encoding"]) == (200, "application/wasm", "gzip")
    assert headers["cache-control"] == "public, max-age=31536000, immutable" and headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(body) == litert("litert_wasm_internal.wasm")
    status, headers, body = fetch(wasm, **{"accept-encoding": "identity"})
    assert "content-encoding" not in headers and body == litert("litert_wasm_internal.wasm")
    status, headers, _ = fetch(f"{server.url}/{RUNTIME}index.js")
    assert headers["content-type"].startswith("text/javascript") and "script-src 'self'" in str(headers)


def test_nothing_else_is_served(server: Server) -> None:
    for path in ("live/litert/0123456789ab/index.js", f"live/litert/{litert_hash()}/LICENSE", f"{PARTS}shared/a.bin"):
        status, headers, body = fetch(f"{server.url}/{path}")
        assert status == 404 and "public" not in headers["cache-control"], path
        assert body, path
    assert "index.js" in record()["files"]


def test_parts_are_kept_by_the_browser_for_long(server: Server, manifest: dict[str, Any]) -> None:
    url = f"{server.url}/{PARTS}{manifest['parts']['head']['url']}"
    status, headers, body = fetch(url, **{"accept-encoding": "gzip"})
    assert status == 200 and hashlib.sha256(body).hexdigest() == manifest["parts"]["head"]["sha256"]
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["content-type"] == "application/octet-stream" and headers["content-encoding"] == "identity"


@pytest.mark.slow
def test_runtime_is_found_under_a_base_path(tmp_path: Path, chromium: Browser) -> None:
    below = Server(tmp_path, STREAMLIT_SERVER_BASE_URL_PATH="/lab/convscope/")
    below.url += "/lab/convscope"
    try:
        below.start()
        page = chromium.new_page()
        page.goto(f"{below.url}/receipts")
        assert page.evaluate(OPEN, [script(NETWORK), RUNTIME, False]) == "wasm"
        page.close()
    finally:
        below.close()
