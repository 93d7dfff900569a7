"""How long things are kept: by age, by bytes, and never less than an hour. Set by whoever runs the server."""

import math
from dataclasses import dataclass

from cnn_core.store.settings import number

DAYS, BYTES = "CONVSCOPE_KEEP_DAYS", "CONVSCOPE_KEEP_BYTES"
ACCOUNT = "account-"  # begins the name of whoever has signed in; a visitor's is a number in a cookie
DAY = 24 * 3600.0  # seconds
# Bytes are written before what names them: a picture before its set, a set before its visitor's list of sets, and a run
# begins with pictures that came in a moment ago. So what nobody names is no rubbish yet while it is young. An hour is
# longer than an upload may take; what reads for longer holds what it has read (`kept.hold`).
GRACE = 3600.0  # seconds


@dataclass(frozen=True)
class Terms:
    """How long things are kept.

    Attributes:
        days: From the end of a run, or the last change of a set or of a choice; infinite for ever.
        most_bytes: Of everything together; beyond it the oldest goes first. Infinite for no limit.
    """

    days: float = 365.0
    most_bytes: float = math.inf

    @classmethod
    def from_environment(cls) -> "Terms":
        """Read CONVSCOPE_KEEP_DAYS and CONVSCOPE_KEEP_BYTES.

        Raises:
            SettingRefused: If one of them is no positive number.
        """
        return cls(_above_0(DAYS, cls.days, "days", "365"), _above_0(BYTES, cls.most_bytes, "bytes", "20e9"))

    def until(self, changed: float) -> float:
        """Return until when a thing is kept that was last changed then, seconds since 1970; infinite for ever.

        Example:
            >>> Terms(days=2).until(1000.0)
            173800.0
        """
        return changed + self.days * DAY


def anonymous(owner: str) -> bool:
    """Tell whether an owner is nobody whom the server knows: room is made at their cost first.

    Example:
        >>> anonymous("a1" * 20), anonymous("account-5f2c")
        (True, False)
    """
    return not owner.startswith(ACCOUNT)


def _above_0(name: str, default: float, unit: str, such: str) -> float:
    expected = f"a number of {unit} above 0, such as {such}, or inf for no limit"
    return number(name, default, expected, lambda value: value > 0)
