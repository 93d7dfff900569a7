"""A study as a record: its key, its question, its options, its result, its job and what it costs. Light: no Keras.

A new study is one module with a record, a line in the table of its family (`lab.STUDIES`, `studies.STUDIES`) and a view
under the same key in `ui`.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

from typing_extensions import TypeVar

from cnn_core.engine.quiet import quiet
from cnn_core.training.results import Result
from cnn_core.training.spec import Spec

Options = TypeVar("Options", bound=Spec, default=Any)
Found = TypeVar("Found", bound=Result, default=Any)


@dataclass(frozen=True)
class Study(Generic[Options, Found]):
    """One question that is answered by training.

    Attributes:
        key: In links, on the command line, in the tables of views.
        question: As a reader would ask it.
        options: Their class; its fields carry bounds, labels and defaults.
        result: The class of what it finds.
        job: `module:function`, imported where it is carried out: it may need Keras.
        seconds: (options, number of pictures) → processor seconds it will take, by what was measured.
    """

    key: str
    question: str
    options: type[Options]
    result: type[Found]
    job: str
    seconds: Callable[[Options, int], float]

    def load(self) -> Callable[..., Any]:
        """Import the job."""
        module, _, function = self.job.partition(":")
        with quiet():  # TensorFlow comes with it
            found: Callable[..., Any] = getattr(importlib.import_module(module), function)
        return found
