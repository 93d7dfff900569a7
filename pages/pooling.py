"""Pooling: what survives a shift, what one window keeps, and what is forgotten on the way."""

from ui.pooling.cost import cost
from ui.pooling.example import example
from ui.pooling.head import head
from ui.pooling.shift import shift
from ui.pooling.steps import steps
from ui.pooling.stride import stride
from ui.shared import stage
from ui.shared.navigation import PAGES
from ui.shared.stage import Step

STEPS = {
    "Shift": Step(
        "A shift",
        "What survives a shift?",
        shift,
        "Shift your picture so that the pooled map follows exactly, with a stride above 1.",
    ),
    "Steps": Step(
        "One window",
        "What does one window keep?",
        steps,
        "Halve the picture with windows that overlap, as AlexNet does.",
    ),
    "EQ-N2.2": Step(
        "A 9 that moves",
        "Does the pooled map notice that the 9 has moved?",
        example,
        "Find a move that max-pooling of this map absorbs.",
    ),
    "Cost": Step(
        "Forgive, forget",
        "What does it forgive, and what does it forget?",
        cost,
        "With a window of 3, put the peak where it is found without an error.",
    ),
    "Stride": Step("Pool, or stride?", "Could a convolution do the same?", stride),
    "Head": Step("One number a map", "What if one number a map were enough?", head),
}

stage.lesson("pooling", STEPS, after=(str(PAGES / "channels.py"), "Channels: many maps at once"))
