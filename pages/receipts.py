"""Receipts: every published figure that a page shows, its source, and whether it comes out here."""

from ui.receipts.every import every
from ui.shared import stage
from ui.shared.navigation import PAGES
from ui.shared.stage import Step

STEPS = {"All": Step("Receipts", "Where is each published figure from?", every)}

stage.lesson("receipts", STEPS, after=(str(PAGES / "home.py"), "See"))
