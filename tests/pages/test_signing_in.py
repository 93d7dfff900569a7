"""Signing in, where the server has accounts: offered, explained where it cannot be, and what it takes over."""

from typing import Any

import pytest

from cnn_core.store.accounts import account
from cnn_core.store.runs import Store
from cnn_core.store.visitors import Visitor
from ui.shared import accounts

VISIT = "a" * 40
CLAIMS = {"is_logged_in": True, "iss": "https://school.example", "sub": "17", "name": "Anna [x](y)"}
ACCOUNT = account("https://school.example", "17")


def buttons(app: Any) -> dict[str, Any]:
    return {str(button.key): button for button in app.button if str(button.key).startswith("account_")}


def test_server_without_accounts_offers_none(page: Any) -> None:
    assert buttons(page("pooling")) == {}


def test_server_with_accounts_offers_to_sign_in_or_says_what_is_missing(
    page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.shared.accounts.configured", lambda: True)
    monkeypatch.setattr(accounts, "NEEDED", ())
    assert not buttons(page("pooling"))["account_in"].disabled
    monkeypatch.setattr(accounts, "NEEDED", ("sys", "no_such_module"))
    button = buttons(page("pooling"))["account_in"]
    said = "This server has accounts, but lacks no_such_module. Whoever runs it: make app AUTH=1, then start again."
    assert button.disabled and button.help == said


def test_who_signs_in_keeps_what_they_had(page: Any, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.create("lenet", {}, title="mine", owner=VISIT)
    monkeypatch.setattr("ui.shared.session._visit_of_cookie", lambda: VISIT)
    monkeypatch.setattr("ui.shared.accounts.configured", lambda: True)
    app = page("pooling")
    assert store.glance(run.id).owner == VISIT and app.session_state.visitor == Visitor()
    monkeypatch.setattr("streamlit.user_info.UserInfoProxy.to_dict", lambda self: dict(CLAIMS))
    app = page("pooling")
    assert not app.exception and store.glance(run.id).owner == ACCOUNT
    assert buttons(app)["account_out"].help == r"Signed in: Anna \[x\](y)"
    later = store.create("lenet", {}, title="begun after signing out", owner=VISIT)
    app.run()
    assert store.glance(later.id).owner == VISIT, "once a session"
