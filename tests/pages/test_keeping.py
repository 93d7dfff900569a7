"""The page "What is kept": what is there and until when, taken home whole, deleted, and taken back if it can be."""

import io
import os
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cnn_core.pictures import kept, sets
from cnn_core.pictures.albums import Album
from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item
from cnn_core.store import keys, lessons, shares, terms, visitors
from cnn_core.store.records import COMMAND_LINE, Run
from cnn_core.store.runs import Store
from cnn_core.store.visitors import OwnPicture
from ui.shared.header import NOT_KEPT

ANNA, BERTA = "a" * 40, "b" * 40


def texts(app: Any) -> str:
    kinds = (app.markdown, app.info, app.warning, app.success, app.error, app.caption, app.toast)
    told = [element.value for kind in kinds for element in kind]
    return "\n".join([*told, *(element.proto.body for element in app.get("html"))]).replace("\\", "")


def item(store: Store, shade: int, label: str = "cat", name: str = "") -> Item:
    picture = Picture(np.full((12, 16, 3), shade, np.uint8), name or f"{label} {shade}.jpg", ())
    return sets.keep(store, picture, label)


def ended(store: Store, items: list[Item], owner: str = ANNA, title: str = "cats and dogs") -> Run:
    spec = {"items": [each.to_json() for each in items], "source": "your pictures"}
    run = store.create("transfer", spec, title=title, owner=owner, carrier=COMMAND_LINE)
    claimed = store.claim(run.id, "w")
    assert claimed and store.finish(claimed, "done", result={})
    store.write(keys.file(run.id, "frozen"), b"m" * 3000)
    return store.get(run.id)


def old(store: Store) -> None:
    """Let everything have been there for longer than an hour."""
    assert store.folder
    for key in store.stored():
        os.utime(store.folder / "objects" / key, (1.5e9, 1.5e9))


@pytest.fixture
def keeping(page: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Open the page as somebody whom the browser names."""

    def open_page(who: str = ANNA, cookie: bool = True) -> Any:
        for module in ("session", "beginning", "sets", "sharing"):
            monkeypatch.setattr(f"ui.shared.{module}.visit", lambda: who)
        for module in ("everything", "deletion"):
            monkeypatch.setattr(f"ui.keeping.{module}.visit", lambda: who)
        monkeypatch.setattr("ui.keeping.everything.keeps_visits", lambda: cookie)
        return page("keeping")

    return open_page


@pytest.fixture
def filled(store: Store) -> dict[str, Any]:
    """Anna has a picture, a set, a run and a link; Berta a run on one of the same pictures."""
    one, two, three, four = (item(store, shade) for shade in (10, 20, 30, 40))
    album = Album(store, ANNA, "0a", "your pictures", [])
    album.add([one, two])
    visitors.change(store, ANNA, lambda known: known.with_own(OwnPicture(four.digest, "me.jpg")))
    run, theirs = ended(store, [two, three]), ended(store, [one], BERTA, "theirs")
    link = shares.give(store, ANNA, picture=OwnPicture(four.digest, "me.jpg"))
    old(store)
    return {"items": (one, two, three, four), "run": run, "theirs": theirs, "link": link}


def test_newcomer_reads_that_nothing_is_kept(keeping: Callable[..., Any]) -> None:
    app = keeping()
    assert not app.exception
    assert app.title[0].value == "What does this server keep of yours?"
    assert "Nothing of yours is kept here." in texts(app) and "kept for 365 days from its end" in texts(app)
    assert not app.button(key="visitor_share").disabled
    assert not [button for button in app.button if "delete" in str(button.key)]


def test_without_cookies_it_says_so(keeping: Callable[..., Any]) -> None:
    assert [each.value for each in keeping(cookie=False).info] == [NOT_KEPT]
    assert not keeping(cookie=True).info


def test_everything_is_listed_with_its_end_and_nothing_of_others(
    keeping: Callable[..., Any], filled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(terms.DAYS, "30")
    monkeypatch.setenv(terms.BYTES, "20e9")
    said = texts(keeping())
    assert "You have 1 picture, 1 set, 1 run and 1 link:" in said
    assert "<td>Set</td>" in said and "Your pictures</td>" in said and "cats and dogs</td>" in said
    assert "me.jpg</td>" in said and "you take it back</td>" in said and "theirs" not in said
    assert "kept for 30 days from its end" in said and "may fill 20 GB" in said


def test_what_undo_would_bring_back_is_not_counted_as_in_the_set(
    keeping: Callable[..., Any], filled: dict[str, Any], store: Store
) -> None:
    album = Album.open(store, ANNA, "0a")
    assert album and len(album.items) == 2 and "Undo would" not in texts(keeping())
    album.remove({filled["items"][0].digest}, "cat")
    said = texts(keeping())
    (row,) = re.findall(r"<tr>(?:(?!</tr>).)*Your pictures</td>.*?</tr>", said, re.DOTALL)
    assert re.findall(r"<td[^>]*>([^<]*)</td>", row)[-1] == "1"
    assert "The size also counts what Undo would bring back: 1 picture of “Your pictures”." in said
    album.add([filled["items"][0]])
    assert "Undo would" not in texts(keeping()), "all that was there before is in the set"


def test_terms_that_make_no_sense_are_told(keeping: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(terms.DAYS, "soon")
    app = keeping()
    assert "CONVSCOPE_KEEP_DAYS is 'soon'; expected a number of days above 0" in app.error[0].value.replace("\\", "")


def chosen(app: Any, kind: str, name: str) -> Any:
    return app.selectbox(key="keeping_one").set_value((kind, name)).run()


def delete_one(app: Any) -> Any:
    return app.button(key=f"keeping_delete_{app.selectbox(key='keeping_one').value[1]}").click().run()


def test_set_is_deleted_and_comes_back_while_its_pictures_are_there(
    keeping: Callable[..., Any], filled: dict[str, Any], store: Store
) -> None:
    kept.hold(store, [each.digest for each in filled["items"]])  # brought a moment ago
    app = chosen(keeping(), keys.SET, "0a")
    assert "Delete “Your pictures”?" in texts(app)
    app = delete_one(app)
    assert "“Your pictures” is deleted. Its pictures stay, since something else uses them." in texts(app)
    assert visitors.read(store, ANNA).sets == () and not store.exists(keys.album("0a"))
    app.button(key="keeping_undo_button").click().run()
    album = Album.open(store, ANNA, "0a")
    assert album and [each.digest for each in album.items] == [each.digest for each in filled["items"][:2]]
    assert visitors.read(store, ANNA).current == "0a" and not app.exception


def test_what_nobody_else_uses_is_gone_and_cannot_come_back(
    keeping: Callable[..., Any], filled: dict[str, Any], store: Store
) -> None:
    only = item(store, 50)
    album = Album.open(store, ANNA, "0a")
    assert album
    album.add([only])
    old(store)
    app = chosen(keeping(), keys.SET, "0a")
    app = delete_one(app)
    assert kept.lost(store, {only.digest}) and not kept.lost(store, {filled["items"][0].digest})
    assert not [button for button in app.button if button.key == "keeping_undo_button"]


def test_run_is_deleted_for_good(keeping: Callable[..., Any], filled: dict[str, Any], store: Store) -> None:
    app = chosen(keeping(), keys.RUN, filled["run"].id)
    assert "for everybody who has its link. This cannot be undone." in texts(app)
    app = delete_one(app)
    assert not app.exception and store.owned(ANNA) == set() and store.stored(keys.run(filled["run"].id)) == {}
    one, two, three, four = (each.digest for each in filled["items"])
    assert kept.lost(store, {one, two, three, four}) == {three}, "the set holds two"
    assert store.get(filled["theirs"].id)
    keys_then = {button.key for button in app.button}
    assert f"keeping_delete_{filled['run'].id}" not in keys_then, "a second click finds no button of the next thing"


def test_list_that_is_deleted_says_nothing_of_pictures(keeping: Callable[..., Any], store: Store) -> None:
    lessons.make(store, ANNA, "Edges")
    assert delete_one(keeping()).info[0].value == "“Edges” is deleted."


def test_run_that_goes_on_is_stopped_first(keeping: Callable[..., Any], store: Store) -> None:
    store.create("transfer", {"items": []}, title="long", owner=ANNA)
    app = keeping()
    assert "365 days after its end" in texts(app)
    app = delete_one(app)  # as a page that is out of date may
    assert "The run “long” still goes on. Stop it, then delete it." in texts(app) and len(store.owned(ANNA)) == 1


def test_all_is_asked_for_once_and_goes(keeping: Callable[..., Any], filled: dict[str, Any], store: Store) -> None:
    store.lists.add(keys.visit(BERTA), filled["run"].id)
    app = keeping()
    said = texts(app)
    assert "All of this goes:** 1 picture, 1 set, 1 run, with all trained networks." in said
    assert "1 link that you have given pictures to stops working" in said
    assert "1 run that others have opened by a link is lost to them." in said
    assert "others take it off their list" in said
    app.button(key="keeping_delete_all").click().run()
    assert (
        "Nothing of yours is kept here." in texts(app) and "All of yours is deleted; " in texts(app) and not app.toast
    )
    one, *rest = (each.digest for each in filled["items"])
    assert kept.lost(store, {one, *rest}) == set(rest), "Berta's run keeps the one"
    assert shares.find(store, filled["link"].token) is None and visitors.read(store, ANNA) == visitors.Visitor()
    assert store.get(filled["theirs"].id) and not app.exception


def test_zip_holds_everything_and_a_set_comes_back_from_it(
    keeping: Callable[..., Any], filled: dict[str, Any], store: Store, tmp_path: Any
) -> None:
    from cnn_core.training import reading, takeout

    album = Album.open(store, ANNA, "0a")
    assert album
    album.add([replace(item(store, 60 + n, "cat", "../same name.jpg"), part="test") for n in range(2)])
    app = keeping()
    assert [each.proto.label for each in app.get("download_button")] == [
        f"Download all of mine ({takeout_size(store)})"
    ]
    (part,) = takeout.parts(store, ANNA)
    with zipfile.ZipFile(io.BytesIO(takeout.packed(store, part))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        archive.extractall(tmp_path / "mine")
    run = filled["run"]
    assert names == [
        "README.txt",
        "picture/me.webp",
        "sets/Your pictures/train/cat/cat 10.webp",
        "sets/Your pictures/train/cat/cat 20.webp",
        "sets/Your pictures/test/cat/__same name.webp",
        "sets/Your pictures/test/cat/__same name (2).webp",
        f"runs/cats and dogs {run.id}/run.json",
        f"runs/cats and dogs {run.id}/frozen.keras",
        f"pictures/{filled['items'][2].digest}.webp",
        "links.json",
    ]
    told = (tmp_path / "mine" / names[6]).read_text()
    assert run.id in told and ANNA not in told and filled["items"][1].digest in told
    again = {each.digest: each for each in reading.read(store, tmp_path / "mine" / "sets" / "Your pictures")}
    assert {digest: (each.label, each.part == "test") for digest, each in again.items()} == {
        each.digest: (each.label, each.part == "test")
        for each in Album.open(store, ANNA, "0a").items  # type: ignore[union-attr]
    }


def takeout_size(store: Store) -> str:
    from cnn_core.training import takeout
    from ui.shared.text import in_bytes

    return in_bytes(sum(part.size for part in takeout.parts(store, ANNA)))


def test_zips_are_bounded_and_hold_all_together(
    filled: dict[str, Any], store: Store, keeping: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cnn_core.training import takeout

    (whole,) = takeout.parts(store, ANNA)
    several = takeout.parts(store, ANNA, most=1200)
    assert len(several) > 2 and [e for part in several for e in part.entries] == whole.entries
    assert all(part.size <= 1200 or len(part.entries) == 1 for part in several)
    assert sum(len(takeout.packed(store, part)) for part in several) > whole.size
    planned = takeout.parts
    monkeypatch.setattr(takeout, "parts", lambda store, owner: planned(store, owner, 1200))
    labels = [each.proto.label for each in keeping().get("download_button")]
    assert labels[0].startswith(f"Download all of mine, part 1 of {len(several)} (")


def test_what_was_deleted_meanwhile_is_named_in_the_zip(filled: dict[str, Any], store: Store) -> None:
    from cnn_core.training import takeout

    (part,) = takeout.parts(store, ANNA)
    store.delete(filled["run"].id)
    with zipfile.ZipFile(io.BytesIO(takeout.packed(store, part))) as archive:
        missing = archive.read("MISSING.txt").decode()
    assert f"runs/cats and dogs {filled['run'].id}/run.json\n" in missing and "picture/me" not in missing
