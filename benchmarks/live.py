# ruff: noqa: T201, TID251
"""Frames a second that a browser answers: `python -m benchmarks.live [--out FILE]`.

A frame of 640 × 480 pixels in headless Chromium, from its pixels to the probabilities: by the shared trunk and a head,
by a fine-tuned network (shared lower blocks, own upper ones), by both at once, and by one file in float32 and in 8
bits; then by WebGPU, where Chromium gives a graphics card. The networks take turns. Beside it what an answer differs
from LiteRT's in Python.
"""

import argparse
import base64
import functools
import http.server
import io
import json
import shutil
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.feel import machine
from cnn_core.browser import litert, record, scripts
from cnn_core.networks import backbones, flatbuffer, forward
from cnn_core.networks.devices import import_keras
from cnn_core.pictures.bundled import BUNDLED
from cnn_core.pictures.images import square
from cnn_core.training.transfer.manifest import Part, head_bytes

TURNS, FRAMES, CLASSES, UNFROZEN = 5, 10, 5, 4
WIDTH, HEIGHT = 640, 480
CLOCK = Path(__file__).with_suffix(".js")
TYPES = {".js": "text/javascript", ".wasm": "application/wasm"}
# A machine without a screen shows its card only so, if at all.
GRAPHICS = ("--enable-unsafe-webgpu", "--enable-features=Vulkan", "--ignore-gpu-blocklist")


@dataclass(frozen=True)
class Row:
    """What came of a network; milliseconds are medians of all frames."""

    network: str
    device: str
    frames_per_second: float
    milliseconds: float
    resampling: float
    megabytes: float
    open_milliseconds: float
    largest_difference: float


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | TYPES

    def log_message(self, *_: Any) -> None:
        """Say nothing of a request."""


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """Serve a folder, as any static server does, until the block ends."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def frame() -> np.ndarray:
    """Return a picture of the size that a camera gives, uint8 `(480, 640, 3)`."""
    pixels = Image.fromarray(BUNDLED["chelsea"].load().pixels)
    return np.asarray(pixels.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))


def written(folder: Path, seen: np.ndarray) -> tuple[dict[str, dict[str, Any]], dict[str, np.ndarray]]:
    """Write the site; return the manifests, and what each arm answers in Python, by LiteRT in float32."""
    import_keras()
    import keras

    for name, text in scripts().items():
        _into(folder / "scripts" / name, text.encode())
    for name in record()["files"]:
        _into(folder / "litert" / name, litert(name))
    _into(folder / "live.js", CLOCK.read_bytes())
    _into(folder / "index.html", b"<!doctype html><title>live</title><body></body>")

    network, rng = backbones.backbone(backbones.DEFAULT), np.random.default_rng(0)
    base = backbones.build(network.name)
    kernel, bias = rng.normal(0, 1, (base.output_shape[-1], CLASSES)).astype(np.float32), np.zeros(CLASSES, np.float32)
    dense = keras.layers.Dense(CLASSES, activation="softmax", name="probabilities")
    whole = keras.Model(base.input, dense(keras.layers.GlobalAveragePooling2D()(base.output)))
    dense.set_weights([kernel, bias])
    blocks = len(network.block_starts) - UNFROZEN
    upper = keras.Model(whole.get_layer(network.block_starts[blocks]).input, whole.output)
    files = {
        "trunk": forward.shared_part(network)[1],
        "head": head_bytes(kernel, bias),
        "lower": forward.shared_part(network, blocks)[1],
        "upper": flatbuffer.convert(upper),
        "top": forward.shared_part(network, blocks, above=True)[1],
        "whole": flatbuffer.convert(whole),
        "int8": flatbuffer.convert(whole, int8=True),
    }
    for name, data in files.items():
        _into(folder / "parts" / name, data)
    frozen, tuned = {"steps": ["trunk"], "head": "head"}, {"steps": ["lower", "upper"]}
    ways: dict[str, dict[str, Any]] = {
        "trunk + head": {"frozen": frozen},
        f"fine-tuned: lower {blocks} blocks + upper {UNFROZEN}": {"fine_tuned": tuned},
        "both": {"frozen": frozen, "fine_tuned": tuned},
        "both, the trunk in two parts": {"frozen": frozen | {"steps": ["lower", "top"]}, "fine_tuned": tuned},
        "one file, float32": {"whole": {"steps": ["whole"]}},
        "one file, 8 bits": {"whole": {"steps": ["int8"]}},
    }
    manifests = {}
    for title, arms in ways.items():
        used = {name for arm in arms.values() for name in (*arm["steps"], arm.get("head", ""))} - {""}
        parts = {name: Part.of(f"parts/{name}", files[name]) for name in used}
        manifests[title] = {
            "size": network.input_size,
            "crop": network.crop_fraction,
            "classes": [str(number) for number in range(CLASSES)],
            "preprocessing": "inside",
            "arms": arms,
            "parts": {n: {"url": part.url, "sha256": part.sha256, "bytes": part.size} for n, part in parts.items()},
        }
    said = flatbuffer.Flatbuffer(files["whole"])(seen[None])[0]
    return manifests, dict.fromkeys(("frozen", "fine_tuned", "whole"), said)


def _into(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def measure(url: str, wanted: dict[str, Any], webgpu: bool) -> dict[str, Any] | str:
    """Measure in a Chromium of its own; a sentence if it gives no graphics card."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        sys.exit("No Chromium found. Install one (Debian: apt-get install chromium).")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", *(GRAPHICS if webgpu else ("--disable-gpu",))]
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        page = browser.new_page()
        page.goto(url)
        card = ""
        if webgpu:
            given = page.evaluate("async () => (await import('/live.js')).graphics()")
            if not given["real"]:  # software had not ended after five minutes
                return f"WebGPU: Chromium gives no graphics card here ({given['name'] or 'no adapter'}); not measured."
            card = given["name"]
        measured: dict[str, Any] = page.evaluate(
            "async (wanted) => (await import('/live.js')).measured(wanted)", wanted | {"webgpu": webgpu}
        )
        browser.close()
    return measured | {"card": card}


def rows(measured: dict[str, Any], manifests: dict[str, Any], expected: dict[str, np.ndarray]) -> list[Row]:
    """Return medians, in the order in which the networks were opened."""
    found = []
    for title, timed in measured["networks"].items():
        each = [resample + answer for resample, answer in zip(timed["resample"], timed["answer"], strict=True)]
        apart = max(float(np.abs(np.array(said) - expected[arm]).max()) for arm, said in timed["said"].items())
        size = sum(part["bytes"] for part in manifests[title]["parts"].values()) / 1e6
        device = f"WebGPU ({measured['card']})" if measured["accelerator"] == "webgpu" else "WebAssembly, one thread"
        middle, resampling = statistics.median(each), statistics.median(timed["resample"])
        found.append(Row(title, device, 1000 / middle, middle, resampling, size, timed["open"], apart))
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS, help="of each network (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=FRAMES, help="a turn (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all figures there too")
    arguments = parser.parse_args()
    about, shot, found, remarks = machine(), frame(), [], []
    buffer = io.BytesIO()
    Image.fromarray(shot).save(buffer, "PNG")
    network = backbones.backbone(backbones.DEFAULT)
    with tempfile.TemporaryDirectory() as temporary:
        manifests, expected = written(Path(temporary), square(shot, network.input_size, network.crop_fraction))
        picture = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
        wanted = {"manifests": manifests, "picture": picture, "turns": arguments.turns, "frames": arguments.frames}
        with site(Path(temporary)) as url:
            for webgpu in (False, True):
                measured = measure(url, wanted, webgpu)
                if isinstance(measured, str):
                    remarks.append(measured)
                    continue
                remarks.append(f"{measured['accelerator']}: the runtime was there after {measured['runtime']:.0f} ms.")
                found += rows(measured, manifests, expected)
    print("; ".join(about.values()))
    print("\n| network | runs on | frames/s | ms | of which resampling | MB | opened in ms | largest difference |")
    print("|---|---|---|---|---|---|---|---|")
    for row in found:
        print(
            f"| {row.network} | {row.device} | {row.frames_per_second:.1f} | {row.milliseconds:.0f} | "
            f"{row.resampling:.1f} | {row.megabytes:.1f} | {row.open_milliseconds:.0f} | {row.largest_difference:.0e} |"
        )
    print("\n" + "\n".join(remarks))
    if arguments.out:
        arguments.out.write_text(json.dumps({"machine": about, "rows": [asdict(row) for row in found]}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
