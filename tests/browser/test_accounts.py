"""Accounts by a real OpenID provider: who signs in takes what is theirs along, and finds it in every browser."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cnn_core.pictures.albums import Album
from cnn_core.store import keys, shares
from cnn_core.store.accounts import account
from ui.shared.accounts import missing

from .conftest import Server, name_of, settled, visits
from .provider import CLIENT, Provider, provider

pytestmark = [
    pytest.mark.slow,  # an app of its own, for people who have accounts
    pytest.mark.skipif(
        bool(missing()) and not os.environ.get("CI"), reason=f"signing in is not installed: {missing()}"
    ),
]
COOKIE_SECRET = secrets.token_urlsafe()
RUN, SET = "Anna's run", "Anna's pets"


@pytest.fixture
def school() -> Iterator[Provider]:
    with provider() as signing_in:
        yield signing_in


@pytest.fixture
def app(tmp_path: Path, school: Provider) -> Iterator[Server]:
    """An app whose people the school signs in."""
    told = tmp_path / "secrets.toml"
    running = Server(tmp_path, STREAMLIT_SECRETS_FILES=str(told))
    told.write_text(
        f"""
        [auth]
        redirect_uri = "{running.url}/oauth2callback"
        cookie_secret = "{COOKIE_SECRET}"
        client_id = "{CLIENT}"
        client_secret = "{school.secret}"
        server_metadata_url = "{school.url}/.well-known/openid-configuration"
        """
    )
    running.start()
    yield running
    running.close()


def sign_in(page: Page, app: Server, who: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Who are you?").wait_for()
    page.locator("input[name=sub]").fill(who)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(f"{app.url}/**")
    page.get_by_role("button", name="Sign out").wait_for()
    settled(page)


def sees(page: Page, app: Server, *, theirs: bool) -> None:
    """Hold what a page lists of one's own things, and a run's link, against whose they are."""
    page.goto(f"{app.url}/keeping")
    settled(page)
    page.get_by_role("heading", level=1).wait_for()
    for title in (RUN, SET):
        expect(page.get_by_role("cell", name=title)).to_have_count(int(theirs))


def test_account_takes_over_what_the_visitor_had_and_has_it_in_every_browser(
    app: Server, school: Provider, chromium: Browser
) -> None:
    with visits(chromium) as opened:
        first = opened(app.url)
        visit = name_of(first)
        run = app.store.create("lenet", {}, title=RUN, owner=visit)
        app.store.end(app.store.glance(run.id), "stopped", "Stopped.")
        app.store.lists.add(keys.visit(visit), run.id, own=True)
        Album(app.store, visit, "a1", SET, []).save()
        token = shares.give(app.store, visit).token
        sees(first, app, theirs=True)

        sign_in(first, app, "anna")
        anna = account(school.url, "anna")
        assert app.store.owned(anna) == {run.id} and app.store.owned(visit) == set()
        assert [each.token for each in shares.given(app.store, anna)] == [token]
        sees(first, app, theirs=True)

        second, third = opened(app.url), opened(app.url)
        sees(second, app, theirs=False)
        sign_in(second, app, "anna")
        sees(second, app, theirs=True)
        sign_in(third, app, "berta")
        sees(third, app, theirs=False)

        first.get_by_role("button", name="Sign out").click()
        first.get_by_role("button", name="Sign in").wait_for()
        assert first.url.startswith(app.url), "the provider, where she signs out too, leads back"
        sees(first, app, theirs=False)
        assert name_of(first) == visit, "she is the visitor that she was, who has nothing now"
        second.reload()
        sees(second, app, theirs=True)
        cookies = [str(cookie["value"]) for page in (first, second, third) for cookie in page.context.cookies()]

    log = (app.folder / "server.log").read_text(errors="replace")
    for secret in (COOKIE_SECRET, school.secret, *school.given, *cookies):
        assert secret not in log


def test_who_changes_their_mind_at_the_provider_is_a_visitor_as_before(app: Server, chromium: Browser) -> None:
    with visits(chromium) as opened:
        page = opened(app.url)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Who are you?").wait_for()
        page.goto(f"{app.url}/oauth2callback?error=access_denied&state=made-up")
        settled(page)
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        page.goto(f"{app.url}/oauth2callback?code=made-up&state=made-up")
        settled(page)
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
