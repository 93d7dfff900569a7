"""How far a command is, on standard error: a bar where a terminal can redraw a line, else a line every tenth."""

import os
import sys
import time
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

SIZE = {
    "ncols": 79,
    "nrows": 24,
}  # where a terminal does not know its own: a serial line, some containers
STEPS = 10  # lines of a whole run


def bar(**options: Any) -> tqdm:
    """Return a progress bar of tqdm that shows on every terminal, and nothing where there is none.

    Args:
        options: tqdm's own.
    """
    redraws = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    known = redraws and os.get_terminal_size(sys.stderr.fileno()).columns > 0
    return tqdm(disable=not redraws, dynamic_ncols=known, **options | ({} if known else SIZE))


class Progress:
    """Shows the fraction of a run that is done, and in words what it is at.

    Example:
        >>> import contextlib, io
        >>> with contextlib.redirect_stderr(io.StringIO()) as said, Progress() as progress:
        ...     for done in (0.05, 0.1, 0.15, 1.0):
        ...         progress.show(done, "frozen head")
        >>> print(said.getvalue(), end="")
         10% after 00:00  frozen head
        100% after 00:00  frozen head
    """

    def __init__(self) -> None:
        self._bar = bar(total=1.0, bar_format="{l_bar}{bar}| {elapsed}<{remaining} {postfix}")
        self._started, self._told = time.monotonic(), 0

    def show(self, fraction: float, words: str) -> None:
        """Redraw the bar, or write a line if another tenth is done."""
        if not self._bar.disable:
            self._bar.n = fraction
            self._bar.set_postfix_str(words)
            return
        if (steps := int(fraction * STEPS)) > self._told:
            self._told = steps
            elapsed = tqdm.format_interval(time.monotonic() - self._started)
            sys.stderr.write(f"{100 * steps // STEPS:3d}% after {elapsed}  {words}\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.close()
