"""What the server gives to browsers besides pages: the runtime for live answers, and the parts of networks.

Addresses are relative to a page, as Streamlit's own are: so they hold under a base path, and behind a proxy.
"""

import gzip
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from streamlit import config

from cnn_core.browser import litert_hash, packed
from cnn_core.store.runs import Store
from cnn_core.training.transfer import manifest

RUNTIME = f"live/litert/{litert_hash()}/"  # for `openRuntime` of cnn_core/browser/network.js
PARTS = "live/parts/"  # the urls of a manifest begin there: its `base`
YEAR = 365 * 24 * 3600
_TYPES = {
    "js": "text/javascript; charset=utf-8",
    "wasm": "application/wasm",
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
}
_FOREVER = f"max-age={YEAR}, immutable"  # another content has another name


def routes(store: Callable[[], Store]) -> list[Route]:
    """Return the routes for `st.App`.

    Args:
        store: Opens the store; asked at the first part.
    """

    def part(request: Request) -> Response:
        of, file = request.path_params["of"], request.path_params["file"]
        try:
            data = manifest.part_bytes(store(), of, file)
        except FileNotFoundError:
            return _missing("There is no such part of a network. Reload the page, which may know its new name.")
        whose = "public" if of == manifest.SHARED else "private"
        # Weights do not compress: a coding keeps Streamlit from trying it, half a second for each reader.
        headers = {"cache-control": f"{whose}, {_FOREVER}", "content-encoding": "identity"}
        return Response(data, media_type=_type(file), headers=headers)

    base = config.get_option("server.baseUrlPath").strip("/")
    start = f"/{base}/" if base else "/"
    return [
        Route(f"{start}live/litert/{{version}}/{{file}}", _runtime),
        Route(f"{start}{PARTS}{{of}}/{{file}}", part),
    ]


def _runtime(request: Request) -> Response:
    """A file of LiteRT.js, as it lies here: it was compressed once."""
    file = request.path_params["file"]
    if request.path_params["version"] != litert_hash():
        return _missing("This server has another version of LiteRT.js. Reload the page, which knows its name.")
    try:
        path = packed(file)
    except KeyError as error:
        return _missing(str(error.args[0]))
    headers = {"cache-control": f"public, {_FOREVER}", "vary": "Accept-Encoding"}
    if not _takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(gzip.decompress(path.read_bytes()), media_type=_type(file), headers=headers)
    return FileResponse(path, media_type=_type(file), headers=headers | {"content-encoding": "gzip"})


def _takes_gzip(accepted: str) -> bool:
    """Tell what an Accept-Encoding header says of gzip.

    Example:
        >>> [_takes_gzip(header) for header in ("gzip, br", "br;q=1.0, gzip;q=0.5", "*", "gzip;q=0", "identity", "")]
        [True, True, True, False, False, False]
    """
    weights = {}
    for entry in accepted.lower().split(","):
        coding, _, weight = entry.partition(";")
        weights[coding.strip()] = weight.replace(" ", "").rstrip(".0") != "q="
    return weights.get("gzip", weights.get("*", False))


def _type(file: str) -> str:
    return _TYPES.get(file.rpartition(".")[2], "application/octet-stream")


def _missing(sentence: str) -> Response:
    return PlainTextResponse(sentence, status_code=404)
