"""Pages run by AppTest: a temporary store, and an engine that answers at once and trains nothing."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import script_runner
from streamlit.testing.v1 import AppTest

from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.store import keys
from cnn_core.store.runs import Store
from tests import walks
from tests.looked_at import names_of_axes
from ui.shared import charts
from ui.widgets.wall import wall

ROOT = Path(__file__).parents[2]


class StandInEngine:
    """Records what it is asked; answers come from the test, or from a function that it names."""

    def __init__(self) -> None:
        self.submitted: list[str] = []
        self.stopped: list[str] = []
        self.answers: dict[str, Any] = {  # what pages ask as soon as they are opened
            "shift_agreement": EngineError("The engine is away."),
            "answer_at": EngineError("The engine is away."),
            **walks.answers(),
        }

    def submit(self, run_id: str) -> bool:
        self.submitted.append(run_id)
        return True

    def stop(self, run_id: str, *, by: str | None = None) -> None:
        self.stopped.append(run_id)

    def ask(self, question: str, *args: Any, timeout: float = 0.0, **kwargs: Any) -> Any:
        answer = self.answers[question]
        if isinstance(answer, Exception):
            raise answer
        return answer(*args, **kwargs) if callable(answer) else answer

    def status(self) -> client.Status:
        return client.Status(True, "", 1, 1, ("CPU, 2 cores",), running=(), queued=(), message="")


@pytest.fixture(scope="session", autouse=True)
def _no_work_for_others() -> Iterator[None]:
    """Spare each AppTest what is slow and for somebody else.

    It asks all installed packages for components, a third of a second: they stay the same. After each run it empties
    Keras, half a second, where Keras is loaded: by other tests in this process, never by the app (`test_walls.py`).
    """
    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        patch.setattr(script_runner, "_clean_problem_modules", lambda: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _figures_looked_at() -> Iterator[None]:
    """Let Plotly look at every figure of a page as it is sent: the page itself does not (`figures/drawing.py`)."""
    sent = charts._Drawn

    def looked_at(drawn: dict[str, Any]) -> charts._Drawn:
        go.Figure(drawn)
        names_of_axes(drawn["layout"])
        return sent(drawn)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charts, "_Drawn", looked_at)
        yield


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("CONVSCOPE_STORE", str(tmp_path / "store"))
    st.cache_resource.clear()
    st.cache_data.clear()
    opened = Store.default()
    yield opened
    opened.close()
    st.cache_resource.clear()


@pytest.fixture
def engine() -> Iterator[StandInEngine]:
    stand_in = StandInEngine()
    client.use(stand_in)  # type: ignore[arg-type]
    yield stand_in
    client.use(None)


@pytest.fixture
def as_own(store: Store) -> Any:
    """Make runs this visit's, as if it had started them."""

    def own(app: AppTest, *run_ids: str) -> AppTest:
        store.lists.add(keys.visit(app.session_state.visit), run_ids, own=True)
        store.give(run_ids, app.session_state.visit)
        return app.run()

    return own


@pytest.fixture
def page(store: Store, engine: StandInEngine) -> Any:
    def open_page(name: str, **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        if name != "home":
            app.switch_page(str(ROOT / "pages" / f"{name}.py"))
        return app.run()

    return open_page


@pytest.fixture
def bring(store: Store) -> Any:
    """Give a page a picture through the dialog of its header, as a visitor does."""

    def give(app: AppTest, name: str, data: bytes) -> AppTest:
        if not [box for box in app.file_uploader if str(box.key).startswith("picture_upload_")]:
            app.button(key="visitor_change").click().run()
        box = next(box for box in app.file_uploader if str(box.key).startswith("picture_upload_"))
        return box.upload(name, data).run()

    return give


@pytest.fixture
def walls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw a wall as buttons, for AppTest presses no component: `<key>_<id>`, titled and described as the tile."""

    def buttons(*, data: dict[str, Any], key: str, on_chosen_change: Any) -> None:
        def take(chosen: str) -> None:
            st.session_state[key] = {"chosen": chosen}
            on_chosen_change()

        for tile in data["tiles"]:
            assert data["sheet"] or tile["source"].startswith("data:image/")
            st.button(tile["title"], key=f"{key}_{tile['id']}", help=tile["about"], on_click=take, args=(tile["id"],))

    monkeypatch.setattr(wall, "_wall", buttons)
