"""A page meets a fault of the store: one sentence with its cause, never an exception box, and all goes on after it."""

import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

from cnn_core.engine import looks
from cnn_core.store import tables
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.store.troubles import BUSY, FULL, GONE
from cnn_core.training.transfer.spec import Experiment, Options
from tests.writers import locked
from ui.shared.faults import told


@pytest.fixture(autouse=True)
def _as_the_server_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """An AppTest knows no `on_script_error`; that the server gives it to Streamlit is a test of its own."""
    begin = ScriptRunner.__init__
    monkeypatch.setattr(ScriptRunner, "__init__", lambda self, **given: begin(self, **given, on_script_error=told))
    monkeypatch.setattr(tables, "BUSY", 0.1)


def said(app: Any) -> list[str]:
    assert not app.exception
    return [element.value for element in (*app.error, *app.toast)]


def again(app: Any) -> Any:
    button = next(each for each in app.button if str(each.key).startswith("fault_"))
    return button.click().run()


@pytest.fixture
def training(page: Any, store: Store, as_own: Any) -> tuple[Any, Run]:
    """A page that shows a run of this visitor's."""
    items = page("transfer").session_state.album.items
    run = store.create("transfer", Experiment(tuple(items), Options()).to_json(), title="textures")
    claimed = store.claim(run.id, "w")
    assert claimed
    store.beat(claimed, {"phase": "head", "arm": "frozen", "fraction": 0.25})
    return as_own(page("transfer", run=run.id), run.id), claimed


def test_server_asks_us_about_errors() -> None:
    assert "on_script_error=told" in (Path(__file__).parents[2] / "app.py").read_text()
    assert told(ValueError("no fault of the store")) is False


def test_train_on_a_locked_store_says_so_and_starts_when_it_is_free(page: Any, store: Store, engine: Any) -> None:
    app = page("transfer")
    before = len(app.session_state.album.items)
    with locked(store):
        app = app.button(key="transfer_start").click().run()
        assert said(app) == [BUSY]
    assert (store.recent(), engine.submitted) == ([], []), "nothing is half-begun"
    app = again(app)
    assert said(app) == [] and len(app.session_state.album.items) == before
    app.button(key="transfer_start").click().run()
    (run,) = store.recent()
    assert engine.submitted == [run.id]


def test_stop_on_a_locked_store_says_so_and_the_panel_stays(
    training: tuple[Any, Run], store: Store, engine: Any
) -> None:
    app, run = training
    engine.stop = store.request_stop
    with locked(store):
        app = app.button(key="transfer_stop").click().run()
        assert said(app) == [BUSY]
        assert "training the head" in app.get("progress")[0].proto.text
    assert store.glance(run.id).state == "running"
    app.button(key="transfer_stop").click().run()
    assert store.glance(run.id).state == "stopping"


def test_full_disk_at_a_button_says_so(page: Any, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page("transfer")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "create", full)
        app = app.button(key="transfer_start").click().run()
        assert said(app) == [FULL]
    assert said(again(app)) == []


@pytest.mark.parametrize("name", ["home", "transfer", "laboratory", "convolution"])
def test_deleted_store_is_told_on_every_page_and_found_again(page: Any, store: Store, name: str) -> None:
    app, folder = page(name), Path(store.location)
    folder.rename(folder.with_name("aside"))
    app = app.run()
    assert set(said(app)) == {GONE}
    folder.with_name("aside").rename(folder)
    assert GONE not in said(app.run())


def test_run_of_which_nothing_is_heard_says_for_how_long(
    training: tuple[Any, Run], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, run = training
    now = [0.0]
    monkeypatch.setattr(looks, "HERE", looks.Looks(clock=lambda: now[0]))
    silent = re.compile(r"^No word from it for (.+): its worker may be stopped\. What it has kept is safe\.$")

    def heard() -> list[str]:
        app.run()
        assert not app.exception
        return [found[1] for element in app.warning if (found := silent.match(element.value))]

    assert heard() == []
    now[0] = 4.0
    assert heard() == []
    now[0] = 12.0
    assert heard() == ["12 s"]
    store.beat(run, {"fraction": 0.3})
    assert heard() == []


def test_visitor_of_a_locked_store_gets_a_page_without_a_name(store: Store) -> None:
    from ui.shared.visits import VisitCookie

    cookie = VisitCookie(None, lambda: store)
    assert re.fullmatch(r"[0-9a-f]{40}\..+", cookie._wanted("")), "a name, signed"
    folder = Path(store.location)
    folder.rename(folder.with_name("aside"))
    fresh = VisitCookie(None, lambda: store)
    assert fresh._wanted("") == ""
