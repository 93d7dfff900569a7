"""A visitor's sets of pictures: found again without a word in the link, switched, named, deleted, undone."""

from typing import Any

import numpy as np
import pytest

from cnn_core.pictures import sets
from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item
from cnn_core.store import keys
from cnn_core.store.runs import Store
from cnn_core.training.transfer.spec import Experiment, Options
from ui.shared.navigation import PAGES
from ui.shared.session import Album

VISIT = "d" * 40


@pytest.fixture
def items(store: Store) -> list[Item]:
    return [
        sets.keep(store, Picture(np.full((20, 20, 3), 40 * n + i, np.uint8), f"{label}{i}.png"), label)
        for n, label in enumerate(("cat", "dog"))
        for i in range(6)
    ]


@pytest.fixture
def back(page: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open pages as one and the same visitor, each time in a new session."""
    monkeypatch.setattr("ui.shared.session.visit", lambda: VISIT)
    monkeypatch.setattr("ui.shared.sets.visit", lambda: VISIT)
    return page


@pytest.fixture
def mine(store: Store, items: list[Item]) -> Album:
    """The visitor's one set."""
    album = Album(store, VISIT, "abc", "your pictures", items)
    album.save()
    return album


def texts(app: Any) -> str:
    kinds = (app.markdown, app.info, app.warning, app.success, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def album(app: Any) -> Album:
    found: Album = app.session_state.album
    return found


def test_set_is_found_again_on_every_page_without_a_word_in_the_link(back: Any, mine: Album) -> None:
    for name in ("transfer", "laboratory"):
        app = back(name)
        assert not app.exception and album(app).id == "abc" and album(app).counts == {"cat": 6, "dog": 6}
        assert "set" not in app.query_params and "abc" not in str(app.query_params)
    album(app).remove({mine.items[0].digest}, "cat")
    app.switch_page(str(PAGES / "transfer.py")).run()
    assert "set" not in app.query_params
    assert album(back("transfer")).counts == {"cat": 5, "dog": 6}


def test_run_of_a_set_that_is_not_in_use_opens_that_set_and_no_copy(
    back: Any, mine: Album, store: Store, items: list[Item]
) -> None:
    run = store.create("transfer", Experiment(tuple(items), Options()).to_json(), title="mine")
    back("transfer").button(key="set_new").click().run()
    assert album(back("transfer")).id != "abc"
    app = back("laboratory", run=run.id)
    assert album(app).id == "abc" and not album(app).of_link


def test_new_set_leaves_the_old_one_and_one_can_switch(back: Any, mine: Album) -> None:
    app = back("transfer")
    app.button(key="set_new").click().run()
    assert album(app).counts == {} and album(app).id != "abc"
    assert app.button(key="set_new").disabled, "one empty set is enough"
    assert app.selectbox(key="set_choose").options == ["Your pictures", "Your pictures 2"]
    app.selectbox(key="set_choose").set_value("abc").run()
    assert album(app).counts == {"cat": 6, "dog": 6}
    assert album(back("laboratory")).id == "abc", "the choice is kept"


def test_set_is_named(back: Any, mine: Album) -> None:
    app = back("transfer")
    app.text_input(key="set_name_abc").set_value("  Pets of\tours ").run()
    assert app.selectbox(key="set_choose").options == ["Pets of ours"]
    assert back("transfer").selectbox(key="set_choose").options == ["Pets of ours"]
    app.text_input(key="set_name_abc").set_value(" ").run()
    assert app.selectbox(key="set_choose").options == ["Pets of ours"], "a set without a name cannot be found"


def test_deleted_set_is_gone_and_its_neighbour_in_use(back: Any, mine: Album, store: Store) -> None:
    app = back("transfer")
    app.button(key="set_new").click().run()
    empty = album(app).id
    app.button(key="set_delete").click().run()
    assert album(app).id == "abc" and not store.exists(keys.album(empty))
    app.button(key="set_delete").click().run()
    assert album(app).is_sample and not app.exception
    assert album(back("transfer")).is_sample


def test_last_change_is_taken_back_with_a_sentence(back: Any, mine: Album) -> None:
    app = back("transfer")
    assert app.button(key="set_undo").disabled
    app.session_state.transfer_edited = "cat"
    app.run().button(key=f"transfer_drop_{mine.id}_cat").click().run()
    assert album(app).counts == {"dog": 6}
    app = back("transfer")  # another day
    assert "the class “cat” with 6 pictures removed" in app.button(key="set_undo").help
    app.button(key="set_undo").click().run()
    assert album(app).counts == {"cat": 6, "dog": 6}
    assert "Taken back: the class “cat” with 6 pictures removed." in [toast.value for toast in app.toast]


def test_sample_set_takes_no_ones_pictures_away(back: Any, mine: Album) -> None:
    app = back("transfer")
    app.button(key="transfer_sample_textures").click().run()
    assert album(app).is_sample
    assert app.selectbox(key="set_choose").options == ["Your pictures", "Brick, grass, gravel"]
    app.button(key="set_undo").click().run()
    assert album(app).id == "abc" and app.selectbox(key="set_choose").options == ["Your pictures"]


def test_pictures_of_a_link_are_the_links_until_they_are_kept(
    back: Any, mine: Album, store: Store, items: list[Item]
) -> None:
    run = store.create("transfer", Experiment(tuple(items[:11]), Options()).to_json(), title="two kinds")
    app = back("laboratory", run=run.id)
    assert album(app).of_link and "The link's pictures: 11, in 2 classes" in texts(app).replace("**", "")
    app.button(key="set_mine").click().run()
    assert album(app).id == "abc" and "The link's pictures" not in texts(app)
    app = back("laboratory", run=run.id)
    app.button(key="set_keep").click().run()
    assert not album(app).of_link and len(app.selectbox(key="set_choose").options) == 2
    again = back("transfer")
    assert len(album(again).items) == 11 and "The link's pictures" not in texts(again)


def test_link_to_a_run_of_ones_own_set_opens_that_set(back: Any, mine: Album, store: Store, items: list[Item]) -> None:
    run = store.create("transfer", Experiment(tuple(items), Options()).to_json(), title="two kinds")
    assert album(back("laboratory", run=run.id)).id == "abc"
    assert album(back("transfer", set="abc")).id == "abc"


def test_two_tabs_on_one_set_lose_nothing_and_are_told(back: Any, mine: Album, items: list[Item]) -> None:
    first, second = back("transfer"), back("transfer")
    album(first).remove({items[0].digest}, "cat")
    second.session_state.transfer_edited = "dog"
    second.run()
    told = "This set has been changed in another tab."
    assert [toast.value for toast in second.toast if told in toast.value], "shown as it stands now"
    assert "cat** · 5" in texts(second)
    album(first).remove({items[1].digest}, "cat")
    second.text_input(key=f"transfer_name_{mine.id}_dog").set_value("wolf").run()
    assert not second.exception and album(second).counts == {"cat": 4, "wolf": 6}, "on top of the other's"
    first.run()
    assert album(first).counts == {"cat": 4, "wolf": 6}
    assert [toast.value for toast in first.toast if told in toast.value]
    assert not [toast.value for toast in first.run().toast if told in toast.value], "once"
