"""Whether a worker is ready for a question, or still warms up, or imports TensorFlow."""

import importlib
import logging
import sys
import threading

SLOW_IMPORTS = ("tensorflow", "keras")

log = logging.getLogger(__name__)

_warming: list[threading.Thread] = []


def begin_warm_up(function: str) -> None:
    """Call `module:function` in a thread of its own, for which `warmed` waits."""
    thread = threading.Thread(target=_warm_up, args=(function,), name="warm-up", daemon=True)
    _warming.append(thread)
    thread.start()


def warmed() -> None:
    """Wait until no warm-up goes on: two threads that import TensorFlow at once can leave it half imported for good."""
    for thread in _warming:
        thread.join()


def is_getting_ready() -> bool:
    """Tell whether this process warms up, or imports TensorFlow or Keras, at this moment."""
    specs = [getattr(sys.modules.get(name), "__spec__", None) for name in SLOW_IMPORTS]
    importing = any(getattr(spec, "_initializing", False) for spec in specs)  # by this Python knows it too
    return importing or any(thread.is_alive() for thread in _warming)


def _warm_up(function: str) -> None:
    """Call `module:function` now, so that nobody waits for it later; a trouble with it is only logged."""
    module, _, name = function.partition(":")
    try:
        getattr(importlib.import_module(module), name)()
    except Exception:  # the question that needs it will say so to its reader
        log.exception("The warm-up %s at the worker's start failed", function)
