"""Several web processes of one app behind nginx, each reader at one of them."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.serving import ROOT, Server, answered, serving

CONFIGURATION = ROOT / "docs" / "nginx.conf"  # what is measured is what is recommended


@contextlib.contextmanager
def replicated(app: str, count: int) -> Iterator[Server]:
    """Serve an app by processes with one store until the block ends; nginx stands before them if they are several.

    Args:
        app: The file.
        count: How many.
    """
    if count == 1:
        with serving(app) as server:
            yield server
        return
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        sys.exit(
            "No nginx found; several processes need one before them. Install one (Debian: apt-get install nginx-light)."
        )
    os.environ["STREAMLIT_SERVER_COOKIE_SECRET"] = secrets.token_hex(32)  # a form may go to another of them
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(serving(app))
        rest = [stack.enter_context(serving(app, str(first.folder))) for _ in range(count - 1)]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        servers = "".join(f"        server {server.url.split('/')[2]};\n" for server in (first, *rest))
        text = CONFIGURATION.read_text(encoding="utf-8")
        begin, end = text.index("        server 127.0.0.1:8501;"), text.index("    }  # the processes")
        text = text[:begin] + servers + text[end:]
        text = text.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("/var/log/nginx", str(folder))
        (folder / "nginx.conf").write_text(f"daemon off;\npid {folder}/pid;\n{text}", encoding="utf-8")
        proxy = subprocess.Popen([nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")])
        try:
            url = f"http://localhost:{port}/"
            answered(f"{url}_stcore/health", proxy)
            yield replace(first, url=url, others=tuple(server.process for server in rest))
        finally:
            proxy.terminate()
            proxy.wait()
