"""Records that whoever has their token may read: pictures given with a link, lists of views, classes."""

import json
import re
import secrets
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cnn_core.store.runs import Store

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_TOKEN = re.compile("[A-Za-z0-9_-]{43}")


def token() -> str:
    """Return a name that nobody guesses."""
    return secrets.token_urlsafe(32)


def is_token(text: str) -> bool:
    """Tell whether this has the form of a token.

    Example:
        >>> is_token(token()), is_token("../secret")
        (True, False)
    """
    return _TOKEN.fullmatch(text) is not None


def read(store: Store, key: str) -> dict[str, Any] | None:
    """Return what a record says; None if there is none (any more).

    Args:
        store: Where.
        key: Its key; of a text that came with a link look at `is_token` first.
    """
    try:
        found: dict[str, Any] = json.loads(store.read(key))
    except FileNotFoundError:
        return None
    return found


def write(store: Store, key: str, record: "DataclassInstance") -> None:
    """Keep a record under its key, in the place of what was there."""
    store.write(key, json.dumps(asdict(record), ensure_ascii=False).encode())


def one_line(text: str, most: int) -> str:
    """Return a name or a note as it is kept: printable, in one line, of at most so many characters.

    Example:
        >>> one_line("  a\\n b\\x00 ", 80), one_line("abcdef", 3)
        ('a b', 'abc')
    """
    shown = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(shown.split())[:most].strip()
