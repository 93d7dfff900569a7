"""What libraries write to standard error while they are imported, kept from the reader. Goes into downloads as it is.

TensorFlow's C++ part writes a few lines (oneDNN, CUDA) before any setting of its log is heard.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def quiet(*expected: type[BaseException]) -> Iterator[None]:
    """Hold back what the process writes to standard error; show it after all if the body raises.

    Args:
        expected: Errors that speak for themselves: with them nothing is shown.

    Example:
        >>> with quiet():
        ...     _ = os.write(2, b"oneDNN custom operations are on.")
    """
    if sys.stderr is None:  # a process without a terminal
        yield
        return
    speaking: tuple[type[BaseException], ...] = (KeyboardInterrupt, *expected)
    sys.stderr.flush()
    visible = os.dup(2)  # of C++ code too, which knows nothing of sys.stderr
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except speaking:
            raise
        except BaseException:
            held.seek(0)
            os.write(visible, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(visible, 2)
            os.close(visible)
