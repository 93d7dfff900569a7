"""A study as a record: its key, its question, its options, its result, its job and what it costs. Light: no Keras.

A new study is one module with a record, a line in the table of its family (`lab.STUDIES`, `studies.STUDIES`) and a view
under the same key in `ui`.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cnn_core.training.results import Result
from cnn_core.training.spec import Spec


@dataclass(frozen=True)
class Study:
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
    options: type[Spec]
    result: type[Result]
    job: str
    seconds: Callable[[Any, int], float]

    def load(self) -> Callable[..., Any]:
        """Import the job."""
        module, _, function = self.job.partition(":")
        found: Callable[..., Any] = getattr(importlib.import_module(module), function)
        return found
