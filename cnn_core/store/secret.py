"""The server's secret, and names signed with it: a visitor's name in a cookie is one that we gave, or none."""

import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING

from cnn_core.store import keys
from cnn_core.store.settings import SettingRefused

if TYPE_CHECKING:
    from cnn_core.store.runs import Store

SETTING = "CONVSCOPE_SECRET"
LEAST = 32  # characters; one who can guess the secret can sign the name of any visitor


def given_secret() -> str:
    """Return the secret that the environment gives; empty if it gives none.

    Raises:
        SettingRefused: If it has fewer than LEAST characters.
    """
    given = os.environ.get(SETTING, "")
    if 0 < len(given) < LEAST:
        raise SettingRefused(
            f"{SETTING} has a length of {len(given)}; expected at least {LEAST} random characters, such as "
            "`openssl rand -hex 32` prints."
        )
    return given


def server_secret(store: "Store") -> bytes:
    """Return the secret of this server: of the environment, or else one that is made once and kept in the store.

    Replicas share the store, and with it the secret. Who starts several at once with an empty store gives it to them.

    Raises:
        SettingRefused: If the environment's is too short.
    """
    if given := given_secret():
        return given.encode()
    if not store.exists(keys.SECRET):
        store.write(keys.SECRET, secrets.token_hex(32).encode())
    return store.read(keys.SECRET)


def signed(name: str, secret: bytes) -> str:
    """Return a name with its signature, HMAC-SHA256.

    Example:
        >>> signed("ab", b"secret")[:10], unsigned(signed("ab", b"secret"), b"secret")
        ('ab.9d2ca1b', 'ab')
    """
    return f"{name}.{hmac.new(secret, name.encode(), hashlib.sha256).hexdigest()}"


def unsigned(text: str, secret: bytes) -> str:
    """Return the name that was signed with this secret; empty if the signature is another's, or missing.

    Example:
        >>> unsigned("ab", b"secret"), unsigned(signed("ab", b"secret"), b"another"), unsigned("ü.é", b"secret")
        ('', '', '')
    """
    name = text.partition(".")[0]
    return name if hmac.compare_digest(signed(name, secret).encode(), text.encode()) else ""
