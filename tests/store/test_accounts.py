"""Who signs in takes over all that they had as a visitor, once and whole."""

import pytest

from cnn_core.store import keys, shares, visitors
from cnn_core.store.accounts import account, hand_over
from cnn_core.store.runs import Store
from cnn_core.store.shares import GivenSet
from cnn_core.store.visitors import NamedSet, OwnPicture, Visitor

VISIT = "a" * 40
ACCOUNT = account("https://school.example", "17")


def test_account_takes_over_everything_and_leaves_nothing(store: Store) -> None:
    mine, opened = store.create("toy", {}, title="mine", owner=VISIT), store.create("toy", {}, title="another's")
    old = store.create("toy", {}, title="of before", owner=ACCOUNT)
    store.lists.add(keys.visit(ACCOUNT), old.id, own=True)
    store.lists.add(keys.visit(VISIT), mine.id, own=True)
    store.lists.add(keys.visit(VISIT), opened.id)
    token = shares.give(store, VISIT, pictures=GivenSet("pets", [["d1", "cat", "a.png", ""]])).token
    picture = OwnPicture("d1", "a.png")
    visitors.change(store, VISIT, lambda known: known.with_own(picture).with_set("s1", "Pets").with_set("s2"))
    visitors.change(store, ACCOUNT, lambda known: known.with_set("s0").with_set("s1", "Known here"))
    for _ in range(2):  # the second finds nothing to do
        hand_over(store, VISIT, ACCOUNT)
        assert store.owned(ACCOUNT) == {mine.id, old.id} and store.owned(VISIT) == set()
        entries = store.lists.entries(keys.visit(ACCOUNT))
        assert entries == {old.id: True, mine.id: True, opened.id: False}
        assert store.lists.entries(keys.visit(VISIT)) == {} and visitors.read(store, VISIT) == Visitor()
        sets = (NamedSet("s0"), NamedSet("s1", "Known here"), NamedSet("s2"))
        assert visitors.read(store, ACCOUNT) == Visitor("", picture, sets, "s2")
        (given,) = shares.given(store, ACCOUNT)
        assert given.token == token and shares.given(store, VISIT) == []
    assert not shares.revoke(store, VISIT, token) and shares.revoke(store, ACCOUNT, token)


@pytest.mark.parametrize(("before", "after"), [("", ACCOUNT), (VISIT, ""), (ACCOUNT, ACCOUNT)])
def test_nothing_goes_to_nobody_and_nobodys_to_no_one(store: Store, before: str, after: str) -> None:
    nobodys = store.create("toy", {}, title="of the command line")
    mine = store.create("toy", {}, title="mine", owner=VISIT)
    known = store.create("toy", {}, title="known", owner=ACCOUNT)
    visitors.change(store, ACCOUNT, lambda known: known.with_set("s0"))
    hand_over(store, before, after)
    assert [store.glance(run.id).owner for run in (nobodys, mine, known)] == ["", VISIT, ACCOUNT]
    assert visitors.read(store, ACCOUNT).current == "s0"


def test_name_of_an_account_fits_the_column_and_is_no_visits() -> None:
    assert len(ACCOUNT) <= 64 and ACCOUNT.startswith("account-")
    assert len({account("a", "b c"), account("a b", "c"), account("b", "a")}) == 3
