"""Numbers that whoever runs a server may set in the environment: read, or refused in a sentence."""

import math
import os
from collections.abc import Callable


class SettingRefused(ValueError):
    """A setting that makes no sense; the text says what was received and what is expected."""


def number(name: str, default: float, expected: str, right: Callable[[float], bool]) -> float:
    """Return what a setting says, the default where it is empty or not there.

    Args:
        name: Of the variable, `CONVSCOPE_…`.
        default: Returned as it is.
        expected: In words that follow "expected".
        right: Tells whether a number is one of these; not asked about what is none.

    Raises:
        SettingRefused: If it is anything else.

    Example:
        >>> os.environ["TOY_SETTING"] = "soon"
        >>> number("TOY_SETTING", 1.0, "a number above 0", lambda value: value > 0)
        Traceback (most recent call last):
        cnn_core.store.settings.SettingRefused: TOY_SETTING is 'soon'; expected a number above 0.
        >>> del os.environ["TOY_SETTING"]
    """
    given = os.environ.get(name, "").strip()
    if not given:
        return default
    try:
        value = float(given) if given.isascii() else math.nan
    except ValueError:
        value = math.nan
    if math.isnan(value) or not right(value):
        raise SettingRefused(f"{name} is {given!r}; expected {expected}.")
    return value
