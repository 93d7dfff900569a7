"""Convolution: what a kernel finds, how one window works, and the proof that it is what Keras computes."""

from ui.convolution.bar import bar
from ui.convolution.camera import camera
from ui.convolution.dense import dense
from ui.convolution.learn import learn
from ui.convolution.proof import proof
from ui.convolution.whole import whole
from ui.convolution.window import window
from ui.shared import stage
from ui.shared.navigation import PAGES
from ui.shared.stage import Step

STEPS = {
    "Whole picture": Step(
        "Whole picture",
        "Which pattern does this kernel find?",
        whole,
        "Blur the picture without changing its brightness.",
    ),
    "Step by step": Step(
        "One window",
        "What does one window do?",
        window,
        "Find a kernel and a padding that leave the picture as it is.",
    ),
    "On camera": Step(
        "On your camera",
        "What does a kernel see of you?",
        camera,
        "Let the map have less than a twelfth of the frame's pixels, and see what is still there.",
    ),
    "Why not dense": Step(
        "Why so few weights",
        "Why not connect every pixel to every pixel?",
        dense,
        "Shift the picture by 20 pixels or more and watch the map follow.",
    ),
    "Learn the kernel": Step(
        "Learn a kernel",
        "Can a network find the kernel by itself?",
        learn,
        "Find a learning rate at which it never arrives.",
    ),
    "The chapter's example": Step(
        "Flat is zero?",
        "Where does a map of edges stay 0?",
        bar,
        "Make a flat region appear in the map.",
    ),
    "Proof": Step("Same as Keras?", "Does Keras compute the same map?", proof),
}

stage.lesson("convolution", STEPS, after=(str(PAGES / "pooling.py"), "Pooling: what survives a shift?"))
