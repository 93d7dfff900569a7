"""Lesson lists and classes: views in an order with a teacher's notes, and how far each student is."""

from pathlib import Path

import streamlit as st

from ui.lessons.classes import classes
from ui.lessons.lists import lists
from ui.shared import lesson_list, stage
from ui.shared.navigation import PAGES
from ui.shared.stage import Step

STEPS = {
    "Lists": Step("Lesson lists", "Which views, in which order?", lists),
    "Classes": Step("Classes", "A class: which tasks, and who has done them?", classes),
}

st.html(Path(lesson_list.__file__).with_suffix(".css"))
stage.lesson("lessons", STEPS, after=(str(PAGES / "home.py"), "See"))
