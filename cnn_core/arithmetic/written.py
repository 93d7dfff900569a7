"""Numbers as people read them: minus signs, units, bytes. Not for what machines read: JSON, CSV, addresses."""

import re

__all__ = ["in_bytes", "minus", "with_unit"]

_NOTHING = re.compile(r"-(?=0(?:\.0*)?(?!\.?\d|e))")


def minus(text: str) -> str:
    """Return formatted numbers with the sign that is printed for a minus, and none before a 0.

    Example:
        >>> minus(f"from {-1.234:.3g} to {4:.3g}"), minus("-0.00"), minus("-0.05")
        ('from −1.23 to 4', '0.00', '−0.05')
    """
    return _NOTHING.sub("", text).replace("-", "−")


def with_unit(number: str, unit: str) -> str:
    """Return a number with its unit; a percent sign stands close to it.

    Example:
        >>> with_unit("75.1", "%"), with_unit("4.089", "G"), with_unit("11", "")
        ('75.1%', '4.089 G', '11')
    """
    return f"{number}{'' if unit in ('', '%') else ' '}{unit}"


def in_bytes(count: float) -> str:
    """Return a number of bytes in three digits of its decimal unit.

    Example:
        >>> in_bytes(900), in_bytes(52_000), in_bytes(46_830_000), in_bytes(20_000_000_000)
        ('0.9 kB', '52 kB', '46.8 MB', '20 GB')
    """
    for power, unit in ((12, "TB"), (9, "GB"), (6, "MB")):
        if count >= 0.9995 * 10**power:
            return f"{count / 10**power:,.3g} {unit}"
    return f"{count / 1000:,.3g} kB"
