"""Channels, stride, padding, parameters, receptive field: exact arithmetic, and what is measured beside it."""

from ui.channels.costs import costs
from ui.channels.effective import effective
from ui.channels.fields import calculator
from ui.channels.layers import tensor
from ui.channels.own_model import own_model
from ui.channels.rhythm import rhythm
from ui.channels.strides import strides
from ui.shared import stage
from ui.shared.navigation import PAGES
from ui.shared.stage import Step

STEPS = {
    "Layer": Step("A layer", "How many numbers does a layer hold?", tensor, "Build the layer of 590,080 parameters."),
    "Stride": Step(
        "Stride and padding",
        "Where does the window stop, and what is never read?",
        strides,
        "Find a stride that leaves part of the input unread.",
    ),
    "Cost": Step(
        "Cheaper layers",
        "How can a layer do with a ninth of the work?",
        costs,
        "Find a layer for which the separable convolution saves less than 4×.",
    ),
    "Rhythm": Step("Memory and weights", "Where do memory and weights sit?", rhythm),
    "Field": Step(
        "How far it sees",
        "How far does one neuron see?",
        calculator,
        "Build a stack whose last neurons see the whole picture.",
    ),
    "Effective": Step(
        "What it really uses",
        "Which pixels does one neuron really use?",
        effective,
        "Find a layer whose neuron, trained or at random, uses less than a tenth of what it could see.",
    ),
    "Yours": Step("Your own model", "What is in your own model?", own_model, "Read a model of your own."),
}

stage.lesson("channels", STEPS, after=(str(PAGES / "architectures.py"), "Networks"))
