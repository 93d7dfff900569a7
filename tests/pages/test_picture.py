"""The visitor's one picture: every page computes on it, and the link gives away no picture of one's own."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnn_core.pictures.bundled import BUNDLED
from cnn_core.store import keys, shares
from cnn_core.store.runs import Store
from cnn_core.store.visitors import OwnPicture
from ui.shared.navigation import PAGES

VISIT = "c" * 40


def png(shade: int = 90) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((30, 40, 3), shade, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def texts(app: Any) -> str:
    kinds = (app.markdown, app.info, app.warning, app.success, app.error, app.caption)
    told = [element.value for kind in kinds for element in kind]
    return "\n".join([*told, *(element.proto.body for element in app.get("html"))]).replace("\\", "")


@pytest.fixture
def back(page: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open pages as one and the same visitor, each time in a new session: a reload, a new tab, another day."""
    monkeypatch.setattr("ui.shared.session.visit", lambda: VISIT)
    return page


@pytest.mark.parametrize("where", ["home", "convolution", "pooling", "channels", "architectures"])
def test_own_picture_is_there_after_a_reload_and_on_every_page(back: Any, bring: Any, engine: Any, where: str) -> None:
    app = bring(back("convolution"), "mine.png", png())
    assert "mine.png" in texts(app) and not app.error
    assert "picture" not in app.query_params and "mine" not in str(app.query_params)
    again = back(where)
    assert not again.exception
    assert "mine.png" in texts(again) and "Chelsea the cat" not in texts(again)


def test_own_picture_is_nobody_elses(page: Any, bring: Any) -> None:
    bring(page("convolution"), "mine.png", png())
    assert "Chelsea the cat" in texts(page("convolution"))


def test_pages_compute_on_the_picture_that_was_brought(back: Any, bring: Any, engine: Any) -> None:
    asked: list[Any] = []
    answer = engine.ask
    engine.ask = lambda question, *about, **more: asked.append((question, *about)) or answer(question, *about, **more)
    bring(back("pooling"), "mine.png", png(123))
    back("home")
    assert asked[-1][0] == "zoom_strip" and (asked[-1][2] == 123).all()


def test_chosen_sample_is_in_the_link_by_name_and_on_the_next_page(back: Any) -> None:
    app = back("convolution")
    assert "picture" not in app.query_params, "the usual one needs no word"
    app.button(key="visitor_change").click().run()
    app.button(key="picture_take_coffee").click().run()
    assert "Cup of coffee" in texts(app) and app.query_params["picture"] in ("coffee", ["coffee"])
    assert not app.file_uploader, "the dialog has closed"
    app = app.switch_page(str(PAGES / "pooling.py")).run()
    assert "Cup of coffee" in texts(app) and "came with the link" not in texts(app)
    assert "Cup of coffee" in texts(back("channels"))


def test_own_picture_can_be_taken_again_after_a_sample(back: Any, bring: Any) -> None:
    app = bring(back("convolution"), "mine.png", png())
    app.button(key="visitor_change").click().run()
    app.button(key="picture_take_flower").click().run()
    assert "Flower" in texts(app)
    app.button(key="visitor_change").click().run()
    app.button(key="picture_take_own").click().run()
    assert "mine.png" in texts(app) and "picture" not in app.query_params


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"only words", "plain text"),
        (b"", "this file is empty (0 bytes)"),
        (png()[:60], "mine.png"),
        (b"%PDF-1", "PDF"),
    ],
)
def test_file_that_is_refused_is_said_and_the_picture_stays(back: Any, bring: Any, data: bytes, why: str) -> None:
    app = bring(back("convolution", picture="rocket"), "mine.png", data)
    assert why in app.error[0].value.replace("\\", "") and "You keep Rocket." in texts(app)
    assert not app.exception and app.session_state.visitor.own is None


def test_store_that_is_full_is_said(back: Any, bring: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = back("convolution")

    def full(self: Store, key: str, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "write", full)
    app = bring(app, "mine.png", png())
    assert app.error[0].value == "The picture could not be kept (No space left on device)."


def test_picture_of_the_link_is_said_to_be_the_links_and_left_by_a_button(back: Any, bring: Any) -> None:
    bring(back("convolution"), "mine.png", png())
    app = back("pooling", picture="flower")
    assert "Flower" in texts(app) and "This picture came with the link" in texts(app)
    app = app.switch_page(str(PAGES / "convolution.py")).run()
    assert "Flower" in texts(app), "it follows until the visitor wants their own"
    app.button(key="visitor_mine").click().run()
    assert "mine.png" in texts(app) and "came with the link" not in texts(app)
    assert "picture" not in app.query_params
    assert "mine.png" in texts(back("pooling"))


def test_old_link_to_an_own_picture_means_the_visitors_own(back: Any, bring: Any) -> None:
    app = back("convolution", picture="mine")
    assert "somebody's own picture, which does not travel in it. You see Chelsea the cat" in texts(app)
    assert "picture" not in app.query_params
    bring(app, "mine.png", png())
    app = back("convolution", picture="mine")
    assert "mine.png" in texts(app) and not app.warning and "picture" not in app.query_params


@pytest.mark.parametrize("value", ["", "nobody", "../../etc", "1e309", "<b>"])
def test_picture_that_does_not_exist_is_said(page: Any, value: str) -> None:
    app = page("convolution", picture=value)
    said = value or "nothing"
    instead = "and no picture of that name comes with ConvScope. You see Chelsea the cat in its place."
    assert f"The link says picture={said}, {instead}" in texts(app)
    assert not app.exception and "Chelsea the cat" in texts(app)


def test_picture_that_a_token_brings_is_shown_as_the_links_until_it_is_revoked(back: Any, store: Store) -> None:
    digest = given_by_another(store)
    share = shares.give(store, "a" * 40, picture=OwnPicture(digest, "theirs.png"))
    app = back("convolution", **{"with": share.token})
    assert "theirs.png" in texts(app) and "This picture came with the link" in texts(app)
    app = app.switch_page(str(PAGES / "pooling.py")).run()
    assert "theirs.png" in texts(app)
    assert digest not in str(app.query_params), "the address says nothing of itself"
    shares.revoke(store, "a" * 40, share.token)
    app.run()
    assert "The pictures of this link are not here: whoever gave them has taken them back" in texts(app)
    assert "Chelsea the cat" in texts(app) and not app.exception


@pytest.mark.parametrize("token", ["", "x" * 43, "../../runs", "ü"])
def test_unknown_token_is_said_and_ones_own_picture_shown(page: Any, token: str) -> None:
    app = page("convolution", **{"with": token})
    assert "The pictures of this link are not here" in texts(app) and "Chelsea the cat" in texts(app)
    assert "with" not in app.query_params and not app.exception


def test_picture_that_the_store_has_lost_is_said_and_forgotten(back: Any, bring: Any, store: Store) -> None:
    app = bring(back("convolution"), "mine.png", png())
    store.remove(keys.picture_record(app.session_state.visitor.own.digest))
    app = back("convolution")
    assert "mine.png is no longer kept on this server." in texts(app) and "Chelsea the cat" in texts(app)
    assert not back("convolution").warning


def test_every_sample_has_a_title_for_people() -> None:
    assert all(entry.title and entry.title != entry.name for entry in BUNDLED.values())
    assert len({entry.title for entry in BUNDLED.values()}) == len(BUNDLED)


def test_without_cookies_it_is_said_once_what_is_not_kept(page: Any) -> None:
    app = page("convolution")
    assert [toast.value for toast in app.toast if "brings no cookie" in toast.value]
    assert not app.run().toast, "once is enough"


def given_by_another(store: Store) -> str:
    """Keep a picture of somebody else's; return its digest."""
    from cnn_core.pictures import sets
    from cnn_core.pictures.images import Picture

    return sets.keep(store, Picture(np.full((20, 20, 3), 7, np.uint8), "theirs.png"), "").digest
