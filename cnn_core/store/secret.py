"""The server's secret, and names signed with it: a visitor's name in a cookie is one that we gave, or none."""

import hashlib
import hmac
import os
import secrets

from cnn_core.store import keys
from cnn_core.store.runs import Store

SETTING = "CONVSCOPE_SECRET"


def server_secret(store: Store) -> bytes:
    """Return the secret of this server: of the environment, or else one that is made once and kept in the store.

    Replicas share the store, and with it the secret. Who starts several at once with an empty store gives it to them.
    """
    if given := os.environ.get(SETTING):
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
