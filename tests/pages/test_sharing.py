"""Share: a link of exactly this view, and pictures that travel with it only if they are told to, until taken back."""

import io
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
from PIL import Image

from cnn_core.pictures import sets
from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item
from cnn_core.store import shares
from cnn_core.store.runs import Store
from ui.shared.session import Album

ANNA, BERTA = "a" * 40, "b" * 40


def png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((30, 40, 3), 90, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def texts(app: Any) -> str:
    kinds = (app.markdown, app.info, app.warning, app.success, app.error, app.caption)
    told = [element.value for kind in kinds for element in kind]
    return "\n".join([*told, *(element.proto.body for element in app.get("html"))]).replace("\\", "")


def asked(app: Any) -> dict[str, str]:
    """What the link in the dialog says."""
    return {name: value for name, (value,) in parse_qs(app.code[0].value.partition("?")[2]).items()}


def shared(app: Any) -> Any:
    return app.button(key="visitor_share").click().run()


@pytest.fixture
def visit_as(page: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open a page as somebody, in a new session."""

    def open_page(who: str, name: str, **query: str) -> Any:
        for module in ("session", "sets", "sharing"):
            monkeypatch.setattr(f"ui.shared.{module}.visit", lambda: who)
        return page(name, **query)

    return open_page


def test_link_says_what_the_view_shows_and_the_usual_picture_by_name(visit_as: Any) -> None:
    app = shared(visit_as(ANNA, "convolution", convolution_stride="2", convolution_view="Whole picture"))
    wanted = {"convolution_stride": "2", "convolution_view": "Whole picture", "picture": "chelsea"}
    assert wanted.items() <= asked(app).items()
    assert "Chelsea the cat comes with ConvScope" in texts(app) and not app.checkbox


def test_own_picture_travels_only_if_told_to(visit_as: Any, bring: Any, store: Store) -> None:
    app = shared(bring(visit_as(ANNA, "convolution"), "mine.png", png()))
    digest = app.session_state.visitor.own.digest
    assert not app.checkbox(key="share_picture").value and shares.given(store, ANNA) == []
    assert "with" not in asked(app) and "picture" not in asked(app)
    app.checkbox(key="share_picture").check().run()
    (given,) = shares.given(store, ANNA)
    assert asked(app)["with"] == given.token and given.picture and given.picture.digest == digest
    assert digest not in app.code[0].value
    assert "with" not in app.query_params and given.token not in str(app.query_params), "not in the address bar"
    app.checkbox(key="share_picture").uncheck().run()
    assert "with" not in asked(app) and shares.given(store, ANNA) == [], "it was never given away"


def test_link_shows_the_picture_to_another_who_may_use_their_own(visit_as: Any, bring: Any, store: Store) -> None:
    app = shared(bring(visit_as(ANNA, "convolution"), "mine.png", png()))
    app.checkbox(key="share_picture").check().run()
    query = asked(app)
    theirs = visit_as(BERTA, "convolution", **query)
    assert "mine.png" in texts(theirs) and "This picture came with the link" in texts(theirs)
    assert asked(shared(theirs)) == query, "passed on as it came"
    assert "until its owner takes it back" in texts(theirs)
    theirs.button(key="visitor_mine").click().run()
    assert "Chelsea the cat" in texts(theirs) and "with" not in theirs.query_params
    owner = visit_as(ANNA, "convolution", **query)
    assert "came with the link" not in texts(owner), "one's own picture is one's own, by whatever link"


def test_owner_sees_what_was_given_and_revokes_it(visit_as: Any, bring: Any, store: Store) -> None:
    app = shared(bring(visit_as(ANNA, "convolution"), "mine.png", png()))
    app.checkbox(key="share_picture").check().run()
    query = asked(app)
    assert "mine.png" in texts(app) and "(the link above)" in texts(app)
    again = shared(visit_as(ANNA, "pooling"))  # another day
    assert "Links you have given pictures to" in texts(again) and not again.checkbox(key="share_picture").value
    strangers = shared(visit_as(BERTA, "pooling"))
    assert "Links you have given pictures to" not in texts(strangers)
    again = shared(visit_as(ANNA, "pooling"))
    again.button(key=f"share_revoke_{query['with'][:12]}").click().run()
    assert shares.given(store, ANNA) == [] and "Links you have given" not in texts(again)
    theirs = visit_as(BERTA, "convolution", **query)
    assert "whoever gave them has taken them back" in texts(theirs) and "mine.png" not in texts(theirs)


def test_set_travels_if_told_to_and_is_the_links_for_another(visit_as: Any, store: Store) -> None:
    items = [
        sets.keep(store, Picture(np.full((20, 20, 3), 40 * n + i, np.uint8), f"{label}{i}.png"), label)
        for n, label in enumerate(("cat", "dog"))
        for i in range(6)
    ]
    Album(store, ANNA, "abc", "your pictures", [*items[:-1], Item(items[-1].digest, "dog", "last.png")]).save()
    app = shared(visit_as(ANNA, "transfer"))
    assert app.checkbox(key="share_set").label == "My set of 12 pictures travels with the link"
    assert "with" not in asked(app)
    app.checkbox(key="share_set").check().run()
    query = asked(app)
    theirs = visit_as(BERTA, "transfer", **query)
    assert theirs.session_state.album.counts == {"cat": 6, "dog": 6}
    assert "The link's pictures" in texts(theirs)
    theirs.button(key="set_mine").click().run()
    assert theirs.session_state.album.is_sample and "with" not in theirs.query_params
    theirs = visit_as(BERTA, "transfer", **query)
    theirs.session_state.transfer_edited = "cat"
    theirs.run().button(key="transfer_drop_" + theirs.session_state.album.id + "_cat").click().run()
    assert visit_as(ANNA, "transfer").session_state.album.counts == {"cat": 6, "dog": 6}, "another changes a copy"


def test_both_travel_with_one_token(visit_as: Any, bring: Any, store: Store) -> None:
    app = bring(visit_as(ANNA, "transfer"), "mine.png", png())
    Album(store, ANNA, "abc", "your pictures", [Item("d0", "dog", "d.png")]).save()
    app = shared(visit_as(ANNA, "transfer"))
    app.checkbox(key="share_picture").check().run()
    token = asked(app)["with"]
    app.checkbox(key="share_set").check().run()
    assert asked(app)["with"] == token
    (given,) = shares.given(store, ANNA)
    assert given.picture and given.pictures and "mine.png and a set of 1 picture, " in texts(app)


def test_sample_set_need_not_travel(visit_as: Any) -> None:
    assert not shared(visit_as(ANNA, "transfer")).checkbox


def test_link_leaves_the_old_name_of_a_set_out(visit_as: Any, store: Store) -> None:
    Album(store, ANNA, "abc", "your pictures", [Item("d0", "dog", "d.png")]).save()
    app = shared(visit_as(BERTA, "laboratory", set="abc"))
    assert "set" not in asked(app), "whether pictures travel is asked"
