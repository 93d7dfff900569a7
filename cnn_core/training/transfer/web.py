"""A page that runs a trained network in any browser, from any server of static files. Light: no Keras.

Its own files and the scripts that it shares with the app lie in `cnn_core/browser`, and go along as they are; what is
said of one network is in `manifest.json`, as the app's live answers have it (`manifest`): one arm, one step, the whole
network as `model.tflite`.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from cnn_core import browser
from cnn_core.arithmetic.written import in_bytes
from cnn_core.networks.backbones import Backbone
from cnn_core.store.records import Run
from cnn_core.training.transfer.manifest import Part, Steps, manifest
from cnn_core.training.transfer.results import Transfer
from cnn_core.training.transfer.spec import ARM_TITLES

FOLDER = "web/"  # in a bundle
NETWORK = "model.tflite"
_PAGE = browser.HERE / "page"
_SHARED = ("camera.js", "network.js", "picture.js", "resample.js")  # with the app
_NO_PICTURES = "is not there: this download was made without pictures, so that nothing is compared"
_PICTURES = """\
some of the pictures that it was tested with: the page compares its answers to
                           ConvScope's on them. Whoever can open the page can see them;
                           without this folder the page works, and compares nothing"""


def page(
    run: Run, arm: str, record: Backbone, network: bytes, parity: list[dict[str, Any]], pictures: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Return the page of a network, file by file.

    Args:
        run: A finished run.
        arm: One of its arms.
        record: Its backbone.
        network: As LiteRT flatbuffer for one picture at a time, tested.
        parity: Of its self-test (`formats.export_formats`).
        pictures: Those that `parity` names, by their `url`; without any the page compares nothing.
    """
    found = Transfer.from_json(run.result)
    part = Part.of(NETWORK, network)
    # Another network on the same server, such as localhost, is another address: what was cached is not taken for it.
    part = Part(f"{NETWORK}?{part.sha256[:12]}", part.sha256, part.size)
    known = [picture for picture in parity if picture["url"] in pictures]
    described = manifest(found, record, {arm: Steps(("model",))}, {"model": part}, known)
    files = {
        "index.html": (_PAGE / "index.html").read_bytes(),
        **{f"scripts/{name}": (browser.HERE / name).read_bytes() for name in _SHARED},
        **{f"scripts/page/{name}": (_PAGE / name).read_bytes() for name in ("page.js", "answers.js", "style.css")},
        **{f"litert/{name}": browser.litert(name) for name in _runtime()},
        NETWORK: network,
        "labels.json": _json(found.classes),
        "manifest.json": _json(described),
        **pictures,
        "LICENCES.txt": _licences(arm, record).encode(),
    }
    about = {
        "title": _title(found.classes),
        "run": run.id,
        "arm": ARM_TITLES[arm].lower(),
        "size": in_bytes(sum(map(len, files.values()))),
        "pictures": _PICTURES if pictures else _NO_PICTURES,
        "threshold": _percent(described["threshold"][arm]),
    }
    return files | {"README.txt": (_PAGE / "README.txt").read_text(encoding="utf-8").format(**about).encode()}


def page_bytes(network: int) -> int:
    """Return about how much the page of a network of so many bytes adds to a zip."""
    return network + sum(browser.packed(name).stat().st_size for name in _runtime())


def _runtime() -> list[str]:
    """Return the files of LiteRT.js that go along: all but the build for graphics cards, which it does not use."""
    return [name for name in browser.record()["files"] if "jspi" not in name]


def _title(classes: tuple[str, ...]) -> str:
    """Return the classes as a question.

    Example:
        >>> _title(("brick", "grass", "gravel"))
        'brick, grass or gravel?'
    """
    return f"{', '.join(classes[:-1])} or {classes[-1]}?"


def _percent(share: float) -> str:
    """Return a probability as the page writes it.

    Example:
        >>> _percent(0.62), _percent(0.9996)
        ('62%', '99.9%')
    """
    return f"{math.floor(1000 * share) / 10:g}%" if 0.99 < share < 1 else f"{share:.0%}"


def _json(values: Any) -> bytes:
    return json.dumps(values, ensure_ascii=False, indent=1).encode()


def _licences(arm: str, record: Backbone) -> str:
    begun = (
        "random weights: no pretrained ones are in it"
        if arm == "scratch"
        else f"{record.title} with its ImageNet weights ({record.paper}), licence: {record.licence}"
    )
    version = browser.record()["version"]
    return f"""Who made what

index.html, scripts/: ConvScope, Copyright 2026 the ConvScope authors, Apache License 2.0 (below).

litert/: LiteRT.js {version} of Google (npm packages @litertjs/core and @litertjs/wasm-utils,
https://github.com/google-ai-edge/LiteRT), Apache License 2.0 (below).

model.tflite: trained in ConvScope by its reader, begun from {begun}.

pictures/, where it is there: they remain their owners'.


{(browser.LITERT / "LICENSE").read_text(encoding="utf-8")}"""
