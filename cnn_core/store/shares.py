"""Pictures that travel with a link: what whoever has its token may see, until the one who gave it takes it back."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cnn_core.store import keys, tokens
from cnn_core.store.runs import Store
from cnn_core.store.visitors import OwnPicture


@dataclass(frozen=True)
class GivenSet:
    """A set of labelled pictures as it was when it was given: digests, labels and names (`Item.to_json`)."""

    source: str
    items: Sequence[Sequence[str]]
    empty_classes: Sequence[str] = ()


@dataclass(frozen=True)
class Share:
    """What travels with a link.

    Attributes:
        token: In the link; whoever has it may look.
        owner: The visit that gave it, and alone may take it back. It is never shown.
        made: When, in seconds since the epoch.
        picture: The visitor's picture, if it travels.
        pictures: The visitor's set, if it travels.
    """

    token: str
    owner: str
    made: float
    picture: OwnPicture | None = None
    pictures: GivenSet | None = None


def give(
    store: Store, owner: str, *, picture: OwnPicture | None = None, pictures: GivenSet | None = None, token: str = ""
) -> Share:
    """Let pictures travel with a link; with the token of one's own share, put these in the place of what it gave.

    Raises:
        OSError: If the store takes nothing.
        PermissionError: If the token is another visitor's, or none.
    """
    if token and ((there := find(store, token)) is None or there.owner != owner):
        raise PermissionError("Only whoever made a link can change what travels with it.")
    share = Share(token or tokens.token(), owner, time.time(), picture, pictures)
    _write(store, share)
    store.lists.add(keys.shares(owner), share.token, own=True)
    return share


def _write(store: Store, share: Share) -> None:
    tokens.write(store, keys.share(share.token), share)


def find(store: Store, token: str) -> Share | None:
    """Return what travels with a token; None if it is unknown, or was taken back."""
    found = tokens.read(store, keys.share(token)) if tokens.is_token(token) else None
    if found is None:
        return None
    picture = OwnPicture(**found.pop("picture")) if found["picture"] else found.pop("picture")
    pictures = GivenSet(**found.pop("pictures")) if found["pictures"] else found.pop("pictures")
    return Share(**found, picture=picture, pictures=pictures)


def given(store: Store, owner: str) -> list[Share]:
    """Return what a visitor has given away, the newest first."""
    found = (find(store, token) for token in store.lists.entries(keys.shares(owner)))
    return sorted((share for share in found if share), key=lambda share: share.made, reverse=True)


def revoke(store: Store, owner: str, token: str) -> bool:
    """Take back what a visitor has given; False if it was another's to take back, or nobody's."""
    share = find(store, token)
    if share is None or share.owner != owner:
        return False
    store.remove(keys.share(token))
    store.lists.remove(keys.shares(owner), [token])
    return True


def hand_over(store: Store, before: str, after: str) -> None:
    """Make what one has given another's to take back."""
    for share in given(store, before):
        _write(store, replace(share, owner=after))
