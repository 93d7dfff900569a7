"""Architectures from LeNet to ViT as real networks: their numbers, their insides, the experiments that decided."""

from ui.architectures import compare, degradation, inductive_bias, inside, lenet, through, timeline
from ui.shared.lessons import View, lessons

VIEWS = {
    "Timeline": View(
        "One idea after the other",
        ("MAC", "residual", "depthwise separable", "attention"),
        timeline.timeline,
        timeline.LINK,
        "Find the network in which each parameter takes part in the most multiply-adds.",
    ),
    "Inside": View(
        "Inside one",
        ("MAC", "receptive field", "bottleneck", "residual"),
        inside.inside,
        inside.LINK,
        "Open AlexNet and choose the layer that holds most parameters.",
    ),
    "Picture": View(
        "Your picture through it",
        ("feature map", "Grad-CAM", "receptive field"),
        through.through,
        through.LINK,
        "Find a unit that is the strongest of its channel and lies where Grad-CAM is strongest.",
        picture=True,
    ),
    "Compare": View(
        "Two side by side",
        ("MAC", "receptive field"),
        compare.compare,
        compare.LINK,
        "Find two networks, one with at most a tenth of the other's parameters and fewer errors.",
        picture=True,
    ),
    "Degradation": View(
        "Why depth alone failed",
        ("residual", "degradation"),
        degradation.degradation,
        degradation.LINK,
        "Run the degradation experiment here at settings of your own, until it has a verdict.",
    ),
    "LeNet": View(
        "LeNet-5, trained here",
        ("kernel", "feature map", "pooling"),
        lenet.lenet,
        lenet.LINK,
        "Train LeNet-5 here, then draw a digit it cannot decide on: two at 30 % or more each.",
    ),
    "Prior": View(
        "What the convolution's prior is worth",
        ("inductive bias", "attention"),
        inductive_bias.inductive_bias,
        inductive_bias.LINK,
        "Mark the number of pictures at which shuffling costs the convnet most of its lead.",
    ),
}

lessons(
    "architectures",
    "Architectures, from LeNet to ViT",
    "Each is built as its paper says and counted to the last parameter. Look inside, put your picture through, and run "
    "the experiments that decided what came next.",
    VIEWS,
)
