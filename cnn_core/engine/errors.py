"""What can go wrong between a page and a worker, each in one sentence for the reader."""

from cnn_core.store import troubles

_DETAILS = "Details are in engine.log; the app and other work go on."
MEMORY_WORDS = "Use fewer or smaller pictures, a smaller model or a smaller batch."


class EngineError(RuntimeError):
    """The engine could not do what was asked; the message says what happened and what to do."""


class EngineUnreachable(EngineError):
    """No connection to the engine."""


class EngineBusy(EngineError):
    """Too many questions are open already."""


class AskTimedOut(EngineError):
    """The answer did not come in time."""


class AskFailed(EngineError):
    """The worker could not answer."""


def on_purpose(error: BaseException) -> bool:
    """True for our own refusals (subclasses of ValueError), which speak for themselves."""
    return isinstance(error, ValueError) and type(error).__module__.partition(".")[0] == "cnn_core"


def sentence(error: BaseException, what: str = "run", details: str = _DETAILS) -> str:
    """Return an error of a job or a question in words for its reader.

    TensorFlow's errors are known by their class name: importing TensorFlow costs seconds.

    Example:
        >>> sentence(MemoryError())
        'The memory did not suffice. Use fewer or smaller pictures, a smaller model or a smaller batch.'
        >>> print(sentence(KeyError("layer"), what="question"))
        This question failed with KeyError: 'layer'. Details are in engine.log; the app and other work go on.
    """
    if on_purpose(error):
        return str(error)
    if {cls.__name__ for cls in type(error).__mro__} & {"MemoryError", "ResourceExhaustedError"}:
        return f"The memory did not suffice. {MEMORY_WORDS}"
    if words := troubles.sentence(error):
        return words
    first_line = (str(error).strip().splitlines() or ["no further word"])[0].rstrip(".")
    return f"This {what} failed with {type(error).__name__}: {first_line}. {details}"
