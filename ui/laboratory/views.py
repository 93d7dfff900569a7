"""Where the laboratory shows what: a line a study, under its key. Each view is imported when it is looked at.

Some need pandas, and a page that shows one view need not wait for the others.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from ui.shared.session import Album
from ui.shared.teaching import check_link


@dataclass(frozen=True)
class View:
    """One view: its name in links and the module with its function, and in `LINK` what else a link may say."""

    name: str
    module: str
    function: str

    def show(self, *about: Album) -> None:
        """Say what of the link cannot be used, then show the view."""
        module: ModuleType = importlib.import_module(self.module)
        check_link(getattr(module, "LINK", {}))
        function: Callable[..., None] = getattr(module, self.function)
        function(*about)


VIEWS = {
    "depth": View("Depth", "ui.laboratory.depth", "depth"),
    "size": View("Pictures", "ui.laboratory.size", "size"),
    "recipes": View("Recipes", "ui.laboratory.recipes", "recipes"),
    "sabotage": View("Preprocessing", "ui.laboratory.sabotage", "sabotage"),
    "backbones": View("Backbones", "ui.laboratory.backbones", "backbones"),
    "labels": View("Data", "ui.laboratory.data", "data"),
    "augmentation": View("Augmentation", "ui.laboratory.augmentation", "augmentation"),
}
VIEW_OF = {key: view.name for key, view in VIEWS.items()}
RUNS = View("Runs", "ui.laboratory.kept", "kept")  # no study, but all of them
