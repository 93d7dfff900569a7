"""Channels, stride, padding, parameters, receptive field: exact arithmetic, and what is measured beside it."""

from ui.channels import costs, effective, fields, layers, own_model, rhythm, strides
from ui.shared.lessons import View, lessons

VIEWS = {
    "Layer": View(
        "A layer as a tensor",
        ("kernel", "channel", "feature map"),
        layers.tensor,
        layers.LINK,
        "Build the layer of 590,080 parameters.",
        picture=True,
    ),
    "Stride": View(
        "Stride and padding",
        ("stride", "padding", "dilation"),
        strides.strides,
        strides.LINK,
        "Find a stride that leaves part of the input unread.",
    ),
    "Cost": View(
        "Cheaper convolutions",
        ("MAC", "1×1 convolution", "depthwise separable", "bottleneck"),
        costs.costs,
        costs.LINK,
        "Find a layer for which the separable convolution saves less than 4×.",
    ),
    "Rhythm": View("The rhythm: small and deep", ("channel", "MAC"), rhythm.rhythm, rhythm.LINK),
    "Field": View(
        "Receptive-field calculator",
        ("receptive field", "effective stride", "effective padding"),
        fields.calculator,
        fields.LINK,
        "Build a stack whose units see the whole picture.",
        picture=True,
    ),
    "Effective": View(
        "What a unit really listens to",
        ("receptive field", "effective receptive field"),
        effective.effective,
        effective.LINK,
        "Find a layer that, trained or at random, listens to less than a tenth of what it could see.",
        picture=True,
    ),
    "Yours": View(
        "Your own model",
        ("receptive field", "MAC"),
        own_model.own_model,
        own_model.LINK,
        "Read a model of your own.",
    ),
}

lessons(
    "channels",
    "Channels, stride and what a unit sees",
    "How many numbers a layer holds, how many it multiplies, how large its map is and which pixels each unit can see: "
    "whole numbers, shown with their working, for any layer and any network.",
    VIEWS,
)
