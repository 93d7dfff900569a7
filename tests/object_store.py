"""An S3 interface on this machine: moto's server, with everything in its memory."""

import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import eventually

HOW = "no {} found; install what tests need: make setup"


def free_port() -> int:
    """A port of this machine's that nobody listens to now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def needed(*packages: str) -> None:
    """Skip a test where a package is missing, but never in CI."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(HOW.format(package))


@contextlib.contextmanager
def object_store(log: Path) -> Iterator[dict[str, str]]:
    """Serve S3 until the block ends; give the environment by which clients find it."""
    needed("moto", "flask_cors", "s3fs")
    url = f"http://127.0.0.1:{free_port()}"
    with log.open("ab") as output:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", url.rpartition(":")[2]]
        server = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        eventually(lambda: answers(url), 30, "the object store answers")
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        server.kill()
        server.wait()


def answers(url: str) -> bool:
    """Tell whether a server answers, and not with a fault of its own."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status < 400)
    except OSError:
        return False
