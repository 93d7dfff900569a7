"""What is said before the server starts: `python -m cnn_core.engine.door PORT HOST`. Imports nothing of ours."""

import ipaddress
import socket
import sys

_OPEN = (
    "ConvScope is open to every machine that reaches this one, without encryption: whoever sits in between may read "
    "along. For a classroom that is trusted, that is all; a phone's camera needs HTTPS, by a proxy (docs/hosting.md)."
)


class DoorRefused(ValueError):
    """A port that the server cannot have; the text says why, and what to do."""


def check(port: str, host: str = "localhost", other: str = "make app PORT={}") -> int:
    """Return the port if the server can have it.

    Args:
        port: As it was given.
        host: Where the server will listen.
        other: How to name another port.

    Raises:
        DoorRefused: If it is no port, or somebody listens there.

    Example:
        >>> check("no", other="…")
        Traceback (most recent call last):
        cnn_core.engine.door.DoorRefused: The port is 'no'; expected a number from 1 to 65535, such as ….
    """
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        example = other.format(8501)
        raise DoorRefused(f"The port is {port!r}; expected a number from 1 to 65535, such as {example}.")
    number = int(port)
    if _taken(number, host):
        free = next((each for each in range(number + 1, min(number + 50, 65536)) if not _taken(each, host)), 8600)
        raise DoorRefused(
            f"Port {number} is taken: something listens there, perhaps ConvScope itself (http://localhost:{number}). "
            f"Use that, end it, or take another port: {other.format(free)}."
        )
    return number


def _taken(port: int, host: str) -> bool:
    try:
        asked = host if ipaddress.ip_address(host).is_unspecified is False else "localhost"
    except ValueError:  # a name
        asked = host
    try:
        socket.create_connection((asked, port), timeout=0.5).close()
    except OSError:
        return False
    return True


def warning(host: str) -> str:
    """Return what it means to listen there; empty if only this machine can reach it.

    Example:
        >>> warning("localhost"), warning("127.0.0.1"), warning("0.0.0.0")[:17]
        ('', '', 'ConvScope is open')
    """
    try:
        own = ipaddress.ip_address(host).is_loopback
    except ValueError:
        own = host == "localhost"
    return "" if own else _OPEN


def main(arguments: list[str]) -> int:
    """Say what is to be said; return 1 if the server cannot start."""
    port, host = arguments
    try:
        check(port, host)
    except DoorRefused as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    if said := warning(host):
        sys.stderr.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
