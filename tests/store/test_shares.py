"""What travels with a link: found by its token, listed and taken back by its owner only."""

import pytest

from cnn_core.store import keys, shares
from cnn_core.store.runs import Store
from cnn_core.store.shares import GivenSet
from cnn_core.store.visitors import OwnPicture

ANNA, BERTA = "a" * 40, "b" * 40
CAT = OwnPicture("3fa9", "Kätzchen.jpg")
SET = GivenSet("your pictures", [["3fa9", "cat", "Kätzchen.jpg", ""]], ["dog"])


def test_whoever_has_the_token_finds_what_was_given_and_no_more(store: Store) -> None:
    one = shares.give(store, ANNA, picture=CAT)
    both = shares.give(store, ANNA, picture=CAT, pictures=SET)
    assert shares.find(store, one.token) == one and one.pictures is None
    assert shares.find(store, both.token) == both
    assert one.token != both.token and len(one.token) == 43


@pytest.mark.parametrize("token", ["", "x" * 43, "x" * 42, "../visitors/" + ANNA, "../" + "x" * 40, "ü" * 43])
def test_unknown_and_malicious_tokens_find_nothing(store: Store, token: str) -> None:
    store.write(keys.visitor(ANNA), b"{}")
    assert shares.find(store, token) is None
    assert not shares.revoke(store, ANNA, token)


def test_owner_lists_and_takes_back_and_nobody_else(store: Store) -> None:
    first = shares.give(store, ANNA, picture=CAT)
    second = shares.give(store, ANNA, pictures=SET)
    assert [share.token for share in shares.given(store, ANNA)] == [second.token, first.token]
    assert shares.given(store, BERTA) == []
    assert not shares.revoke(store, BERTA, first.token)
    assert shares.find(store, first.token) == first, "another visitor takes nothing back"
    assert shares.revoke(store, ANNA, first.token)
    assert shares.find(store, first.token) is None
    assert shares.given(store, ANNA) == [second]
    assert not shares.revoke(store, ANNA, first.token), "once is enough"


def test_owner_changes_what_travels_with_the_same_token(store: Store) -> None:
    share = shares.give(store, ANNA, picture=CAT)
    changed = shares.give(store, ANNA, pictures=SET, token=share.token)
    assert changed.token == share.token
    assert shares.given(store, ANNA) == [changed]
    with pytest.raises(PermissionError, match="Only whoever made a link"):
        shares.give(store, BERTA, token=share.token)
    shares.revoke(store, ANNA, share.token)
    with pytest.raises(PermissionError, match="Only whoever made a link"):
        shares.give(store, ANNA, token=share.token)
