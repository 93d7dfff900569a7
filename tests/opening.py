"""Opening a view for a test as a link opens it."""

from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest


def open_view(script: Callable[..., Any], **query: object) -> AppTest:
    """Draw a view with what a link says; what it raises fails the test."""
    app = AppTest.from_function(script, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = str(value)
    app.run()
    assert not app.exception
    return app
