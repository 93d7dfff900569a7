"""Two visitors at each door: what is Anna's, Berta sees if she was given the link, and changes never."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cnn_core.engine.errors import EngineBusy
from cnn_core.engine.limits import counted
from cnn_core.pictures import sets
from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item
from cnn_core.store import keys, shares, visitors
from cnn_core.store.records import COMMAND_LINE, Run
from cnn_core.store.runs import Store
from cnn_core.store.shares import GivenSet
from cnn_core.training.lab.depth import DepthOptions
from cnn_core.training.lab.spec import LabSpec
from cnn_core.training.transfer.spec import Experiment, Options
from ui.laboratory.runs import fingerprint
from ui.shared.session import Album

ANNA, BERTA = "a" * 40, "b" * 40
NOT_YOURS = "Only whoever started this run can"


@pytest.fixture
def as_visitor(page: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Open a page with somebody's cookie, in a new session."""

    def open_page(who: str, name: str, **query: str) -> Any:
        monkeypatch.setattr("ui.shared.session._visit_of_cookie", lambda: who)
        app = page(name, **query)
        assert not app.exception
        return app

    return open_page


@pytest.fixture
def items(store: Store) -> list[Item]:
    """Anna's pictures."""
    return [
        sets.keep(store, Picture(np.full((20, 20, 3), 40 * n + i, np.uint8), f"anna-{label}{i}.png"), label)
        for n, label in enumerate(("cat", "dog"))
        for i in range(6)
    ]


def begun(store: Store, items: list[Item], owner: str = ANNA, carrier: str = "engine") -> Run:
    spec = Experiment(tuple(items), Options(), "pets").to_json()
    run = store.claim(store.create("transfer", spec, title="Anna's pets", owner=owner, carrier=carrier).id, "w")
    assert run
    return run


def texts(app: Any) -> str:
    kinds = (app.markdown, app.info, app.warning, app.success, app.error, app.caption, app.title)
    told = [element.value for kind in kinds for element in kind]
    return "\n".join([*told, *(element.proto.body for element in app.get("html"))]).replace("\\", "")


def buttons(app: Any) -> set[str]:
    return {str(button.key) for button in app.button if not button.disabled}


def toasts(app: Any) -> str:
    return "\n".join(toast.value for toast in app.toast)


# Runs -----------------------------------------------------------------------------------------------------------------


def test_stop_is_its_owners(as_visitor: Any, store: Store, engine: Any, items: list[Item]) -> None:
    run = begun(store, items)
    theirs = as_visitor(BERTA, "transfer", run=run.id)
    assert "Anna's pets" in texts(theirs), "an id is the key to read"
    assert "transfer_stop" not in buttons(theirs) and f"{NOT_YOURS} stop it." in texts(theirs)
    mine = as_visitor(ANNA, "transfer", run=run.id)
    engine.stop = lambda run_id, by: store.request_stop(run_id, by=by)
    store.give([run.id], BERTA)  # while Anna's page is open
    mine.button(key="transfer_stop").click().run()
    assert f"{NOT_YOURS} stop it." in toasts(mine) and store.glance(run.id).state == "running"
    as_visitor(BERTA, "transfer", run=run.id).button(key="transfer_stop").click().run()
    assert store.glance(run.id).state == "stopping"


def test_retry_is_its_owners(as_visitor: Any, store: Store, engine: Any, items: list[Item]) -> None:
    run = begun(store, items)
    store.finish(run, "failed", error="Out of memory.")
    theirs = as_visitor(BERTA, "transfer", run=run.id)
    assert "transfer_again" not in buttons(theirs) and f"{NOT_YOURS} try it again." in texts(theirs)
    mine = as_visitor(ANNA, "transfer", run=run.id)
    store.give([run.id], BERTA)
    mine.button(key="transfer_again").click().run()
    assert store.glance(run.id).state == "failed" and engine.submitted == []
    as_visitor(BERTA, "transfer", run=run.id).button(key="transfer_again").click().run()
    assert store.glance(run.id).state == "queued" and engine.submitted == [run.id]


def test_rename_and_delete_are_its_owners(as_visitor: Any, store: Store, items: list[Item]) -> None:
    run = begun(store, items)
    store.finish(run, "stopped")
    query = {"laboratory_view": "Runs", "laboratory_runs": run.id}
    theirs = as_visitor(BERTA, "laboratory", **query)
    theirs.multiselect(key="laboratory_picked").set_value([run.id]).run()
    assert "Only whoever started a run can rename or delete it." in texts(theirs)
    assert not {"laboratory_delete", "laboratory_private"} & buttons(theirs)
    mine = as_visitor(ANNA, "laboratory", **query)
    mine.multiselect(key="laboratory_picked").set_value([run.id]).run()
    assert {"laboratory_delete", "laboratory_private", "laboratory_rename"} <= buttons(mine)
    store.give([run.id], BERTA)
    mine.text_input(key=f"laboratory_title_{run.id}").set_value("hers no more")
    mine.button(key="laboratory_rename").click().run()
    assert f"{NOT_YOURS} rename it." in toasts(mine) and store.glance(run.id).title == "Anna's pets"
    store.give([run.id], ANNA)
    mine.run()
    store.give([run.id], BERTA)
    mine.button(key="laboratory_delete").click().run()
    assert f"{NOT_YOURS} delete it." in toasts(mine) and store.get(run.id)


def test_run_of_the_command_line_is_nobodys_on_a_page(as_visitor: Any, store: Store, items: list[Item]) -> None:
    run = begun(store, items, "", COMMAND_LINE)
    for who in (ANNA, ""):  # the second has no cookie
        app = as_visitor(who, "transfer", run=run.id)
        assert "transfer_stop" not in buttons(app) and f"{NOT_YOURS} stop it." in texts(app)


def test_nobody_is_listed_anothers_runs_nor_their_errors(as_visitor: Any, store: Store, items: list[Item]) -> None:
    run = begun(store, items)
    store.finish(run, "failed", error="Anna's disk is full.")
    for view in ("Runs", "Depth"):
        assert "Anna" not in texts(as_visitor(BERTA, "laboratory", laboratory_view=view))
    store.lists.add(keys.visit(ANNA), run.id)
    assert "Anna" in texts(as_visitor(ANNA, "laboratory", laboratory_view="Runs"))


def test_same_pictures_show_nobody_anothers_study(as_visitor: Any, store: Store, items: list[Item]) -> None:
    spec = LabSpec(tuple(items), DepthOptions(), "Anna's secret").to_json()
    run = store.claim(store.create("lab", spec, title="Anna's study", owner=ANNA).id, "w")
    assert run and store.finish(run, "done", result={"layers": []})
    store.lists.add(keys.studies(fingerprint(items), "depth"), run.id)
    Album(store, BERTA, "b1", "mine", [Item(i.digest, i.label, f"berta{n}.png") for n, i in enumerate(items)]).save()
    theirs = as_visitor(BERTA, "laboratory", laboratory_view="Depth")
    assert "Anna" not in texts(theirs) and "anna" not in texts(theirs) and "run" not in theirs.query_params


def test_private_link_makes_its_runs_the_visitors_who_opens_it(
    as_visitor: Any, store: Store, items: list[Item]
) -> None:
    run = begun(store, items)
    store.lists.add(keys.private("c" * 32), run.id, own=True)
    app = as_visitor(BERTA, "laboratory", laboratory_view="Runs", laboratory_key="c" * 32)
    assert "laboratory_key" not in app.query_params and store.glance(run.id).owner == BERTA
    assert "transfer_stop" in buttons(as_visitor(BERTA, "transfer", run=run.id))
    assert "transfer_stop" not in buttons(as_visitor(ANNA, "transfer", run=run.id))


def test_run_that_a_page_begins_is_its_visitors(as_visitor: Any, store: Store, engine: Any, items: list[Item]) -> None:
    Album(store, ANNA, "a1", "pets", items).save()
    as_visitor(ANNA, "transfer").button(key="transfer_start").click().run()
    (run,) = store.live()
    assert run.owner == ANNA and engine.submitted == [run.id] and store.owned(ANNA) == {run.id}


# Pictures -------------------------------------------------------------------------------------------------------------


def test_set_of_another_is_a_copy(as_visitor: Any, store: Store, items: list[Item]) -> None:
    Album(store, ANNA, "a1", "pets", items).save()
    before = store.read(keys.album("a1"))
    theirs = as_visitor(BERTA, "transfer", set="a1")
    assert theirs.session_state.album.id != "a1" and "set_delete" not in buttons(theirs)
    theirs.button(key="set_keep").click().run()
    theirs.button(key="set_delete").click().run()
    assert store.read(keys.album("a1")) == before
    assert [entry.id for entry in visitors.read(store, ANNA).sets] == ["a1"]


def test_link_that_was_taken_back_gives_nothing(as_visitor: Any, store: Store, items: list[Item]) -> None:
    given = GivenSet("pets", [item.to_json() for item in items])
    token = shares.give(store, ANNA, pictures=given).token
    theirs = {"with": token}
    assert as_visitor(BERTA, "transfer", **theirs).session_state.album.counts == {"cat": 6, "dog": 6}
    assert not shares.revoke(store, BERTA, token)
    dialog = as_visitor(BERTA, "pooling").button(key="visitor_share").click().run()
    assert not [key for key in buttons(dialog) if key.startswith("share_revoke")]
    assert shares.revoke(store, ANNA, token)
    late = as_visitor(BERTA, "transfer", **theirs)
    assert late.session_state.album.is_sample and "whoever gave them has taken them back" in texts(late)


def test_bundle_with_anothers_digests_brings_none_of_their_pictures(
    as_visitor: Any, store: Store, items: list[Item]
) -> None:
    """Who knows a picture's digest has not seen the picture: a bundle must bring its own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        settings = Experiment(tuple(items), Options(), "mine").to_json()
        packed.writestr("settings/experiment.json", json.dumps(settings))
        other = io.BytesIO()
        Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(other, "PNG")
        packed.writestr(f"pictures/{items[0].digest}.png", other.getvalue())
    app = as_visitor(BERTA, "transfer")
    app.file_uploader(key=f"transfer_zip_{app.session_state.transfer_serial}").upload("b.zip", buffer.getvalue()).run()
    assert "b.zip lacks 11 of its pictures" in texts(app) and app.session_state.album.is_sample


# Limits ---------------------------------------------------------------------------------------------------------------


def test_queue_that_is_full_says_so_and_begins_nothing(
    as_visitor: Any, store: Store, engine: Any, items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVSCOPE_LIMIT_QUEUED", "2")
    Album(store, ANNA, "a1", "pets", items).save()
    for _ in range(2):
        store.create("lenet", {}, title="waits", owner=ANNA)
    app = as_visitor(ANNA, "transfer")
    app.button(key="transfer_start").click().run()
    said = "You have 2 runs waiting, the most that one visitor may have here. Stop one, or wait."
    assert said in texts(app) and len(store.live()) == 2 and engine.submitted == []
    failed = begun(store, items)
    store.finish(failed, "failed", error="Lost.")
    app = as_visitor(ANNA, "transfer", run=failed.id)
    app.button(key="transfer_again").click().run()
    assert said in toasts(app) and store.glance(failed.id).state == "failed"


def test_bytes_of_one_visitor_are_limited_and_said(
    as_visitor: Any, store: Store, items: list[Item], monkeypatch: pytest.MonkeyPatch, bring: Any
) -> None:
    Album(store, ANNA, "a1", "pets", items).save()
    monkeypatch.setenv("CONVSCOPE_LIMIT_STORED_GB", "0.000005")
    app = as_visitor(ANNA, "transfer")
    app.button(key="transfer_start").click().run()
    assert "of yours are kept here; one visitor may have 5 kB. Delete what you" in texts(app) and store.live() == []
    app.file_uploader(key="transfer_files_0_cat").upload("x.png", b"x" * 300_000).run()
    assert "Nothing was added." in texts(app) and "and 300 kB more were received; one visitor may have" in texts(app)
    app = bring(as_visitor(ANNA, "pooling"), "mine.png", b"x" * 300_000)
    assert "and 300 kB more were received; one visitor may have" in texts(app)
    assert visitors.read(store, ANNA).own is None
    assert "may have" not in texts(as_visitor(BERTA, "transfer"))


def test_page_says_how_many_are_before_and_when_it_begins(as_visitor: Any, store: Store, items: list[Item]) -> None:
    going = begun(store, items, BERTA)
    store.beat(going, {"left": 65.0, "fraction": 0.5})
    for owner in (BERTA, ANNA):
        store.create("transfer", Experiment(tuple(items), Options()).to_json(), title="waits", owner=owner)
    theirs, mine = store.live()[1:]
    app = as_visitor(ANNA, "transfer", run=mine.id)
    bar = app.get("progress")[0].proto.text
    assert bar == "Waiting: 1 run is before yours. It begins in about 1 min 5 s.", "Berta's second comes after Anna's"
    app = as_visitor(ANNA, "transfer", run=theirs.id)
    assert app.get("progress")[0].proto.text == "Waiting: 2 runs are before this one.", "nobody knows how long"


def test_long_questions_of_one_visitor_are_limited(store: Store, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a page of one question: what else a whole page asks, and how long it takes, is nothing to this."""

    def told(who: str) -> list[str]:
        monkeypatch.setattr("ui.shared.session._visit_of_cookie", lambda: who)
        app = AppTest.from_string('from ui.shared.worker import answered; answered("layer_times")').run(timeout=60)
        assert not app.exception
        return [error.value for error in app.error]

    monkeypatch.delenv("CONVSCOPE_LIMIT_QUESTIONS", raising=False)
    engine.answers["layer_times"] = EngineBusy("The engine was asked.")
    with counted(ANNA, "layer_times"), counted(ANNA, "effective_field"):
        (mine,) = told(ANNA)
        assert mine.startswith("2 of your long questions are being answered")
        assert told(BERTA) == ["The engine was asked."]
    assert told(ANNA) == ["The engine was asked."]
