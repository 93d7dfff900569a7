"""Architectures from LeNet to ViT as real networks: their numbers, their insides, the experiments that decided."""

from ui.architectures.compare import compare
from ui.architectures.degradation import degradation
from ui.architectures.inductive_bias import inductive_bias
from ui.architectures.inside import inside
from ui.architectures.lenet import lenet
from ui.architectures.through import through
from ui.architectures.timeline import timeline
from ui.shared import stage
from ui.shared.navigation import PAGES
from ui.shared.stage import Step

STEPS = {
    "Timeline": Step(
        "Timeline",
        "Which idea came when, and what did it buy?",
        timeline,
        "Find the network in which each parameter takes part in the most multiply-adds.",
        form="story",
    ),
    "Inside": Step(
        "Inside one",
        "What is a network made of?",
        inside,
        "Open AlexNet and choose the layer that holds most parameters.",
    ),
    "Picture": Step(
        "Your picture through it",
        "What does each layer make of your picture?",
        through,
        "Walk from your picture down to one product.",
        form="wide",
    ),
    "Compare": Step(
        "Two side by side",
        "Does the larger network make fewer mistakes?",
        compare,
        "Find two networks, one with at most a tenth of the other's parameters and fewer errors.",
    ),
    "LeNet": Step(
        "Train LeNet-5",
        "Can you train one in seconds, and fool it?",
        lenet,
        "Train LeNet-5 here, then draw a digit it cannot decide on: two at 30% or more each.",
    ),
    "Degradation": Step(
        "Why depth alone failed",
        "Why was deeper suddenly worse?",
        degradation,
        "Run the experiment here at settings of your own, until it has a verdict.",
    ),
    "Prior": Step(
        "Convnet or ViT?",
        "What is it worth to know that neighbours belong together?",
        inductive_bias,
        "Mark the number of pictures at which shuffling costs the convnet most of its lead.",
    ),
}

stage.lesson("architectures", STEPS, after=(str(PAGES / "transfer.py"), "Teach it yours"))
