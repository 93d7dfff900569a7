"""What this server keeps: everything of the reader's, until when, and how it is taken away or deleted."""

from ui.keeping.everything import everything
from ui.shared import stage
from ui.shared.navigation import PAGES
from ui.shared.stage import Step

STEPS = {"All": Step("What is kept", "What does this server keep of yours?", everything)}

stage.lesson("keeping", STEPS, after=(str(PAGES / "home.py"), "See"))
