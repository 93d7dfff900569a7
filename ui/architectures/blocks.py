"""The block that carries the idea of each architecture, in words and in the code of the zoo that builds it."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cnn_core.networks import zoo


@dataclass(frozen=True)
class Block:
    """The block that carries an idea: what it is called and does, and the functions of the zoo that build it."""

    title: str
    does: str
    module: str
    functions: tuple[str, ...]


_STAGE = Block(
    "A stage of AlexNet",
    "5 × 5 kernels and ReLU, channels normalised by their neighbours, and a pooling whose windows overlap: 3 × 3 at "
    "stride 2.",
    "alexnet",
    ("alexnet",),
)
_UNIFORM = Block(
    "A stage of 3 × 3",
    "The same small kernel again and again: three in a row see 7 × 7 pixels with 27 weights for each pair of channels, "
    "where one large kernel needs 49, and with two more ReLUs.",
    "vgg",
    ("vgg",),
)
_BASIC = Block(
    "The residual block",
    "Two 3 × 3 convolutions; the input goes past them and is added, so that they need to learn only what to change.",
    "resnet",
    ("_block", "_conv"),
)
_BOTTLENECK = Block(
    "The bottleneck block",
    "A 1 × 1 narrows the channels, the 3 × 3 works where they are few, a 1 × 1 widens them again; the input goes past "
    "all three and is added.",
    "resnet",
    ("_block", "_conv"),
)
_CONTROL = Block(
    "The same block without its shortcut",
    "The control of the experiment: the residual block's convolutions, and nothing goes past them.",
    "resnet",
    ("_block", "_conv"),
)
_CIFAR = ("_block", "_option_a", "_conv")
_INVERTED = (
    "The inverted residual block",
    "A 1 × 1 widens the channels, a depthwise kernel works on each alone, and a 1 × 1 without activation narrows them; "
    "the shortcut joins the narrow ends.",
)
BLOCKS: dict[str, Block] = {
    "lenet5_1998": Block(
        "Convolve, then subsample",
        "5 × 5 kernels find features; the mean of each 2 × 2 window, scaled and squashed, forgets their exact place.",
        "lenet",
        ("_convolved", "_subsampled"),
    ),
    "lenet5": Block(
        "Convolve, then pool",
        "5 × 5 kernels find features; the largest of each 2 × 2 window forgets their exact place.",
        "lenet",
        ("lenet5",),
    ),
    **dict.fromkeys(("alexnet", "alexnet_ungrouped"), _STAGE),
    **dict.fromkeys(("vgg16", "vgg19"), _UNIFORM),
    "googlenet": Block(
        "The inception module",
        "Four branches read the same map, 1 × 1, 3 × 3, 5 × 5 and a pooling, and their channels are laid side by side; "
        "1 × 1 convolutions before the large kernels keep them affordable.",
        "googlenet",
        ("_inception", "_conv"),
    ),
    **dict.fromkeys(("resnet18", "resnet34"), _BASIC),
    **dict.fromkeys(("resnet50", "resnet101", "resnet152"), _BOTTLENECK),
    **dict.fromkeys(("plain18", "plain34"), _CONTROL),
    **dict.fromkeys(("cifar_resnet20", "cifar_resnet56"), Block(_BASIC.title, _BASIC.does, "cifar_resnet", _CIFAR)),
    **dict.fromkeys(("cifar_plain20", "cifar_plain56"), Block(_CONTROL.title, _CONTROL.does, "cifar_resnet", _CIFAR)),
    "mobilenet_v1": Block(
        "The depthwise separable pair",
        "One 3 × 3 kernel for each channel alone, then a 1 × 1 convolution that mixes the channels.",
        "mobilenet",
        ("_depthwise", "_conv"),
    ),
    "mobilenet_v2": Block(*_INVERTED, "mobilenet", ("_inverted_residual", "_depthwise", "_conv")),
    "efficientnet_b0": Block(
        "The inverted residual block with squeeze-and-excite",
        f"{_INVERTED[1].removesuffix('.')}; between, the mean of each channel decides how much of it passes.",
        "efficientnet",
        ("_inverted_residual", "_squeeze_and_excite", "_conv"),
    ),
    "efficientnet_lite0": Block(*_INVERTED, "efficientnet_lite", ("_inverted_residual", "_conv_bn", "_bn_relu6")),
    "convnext_tiny": Block(
        "The ConvNeXt block",
        "A 7 × 7 depthwise kernel mixes positions, two dense layers mix channels, four times as wide between them; one "
        "LayerNorm, one GELU, and a learned scale before the input is added.",
        "convnext",
        ("_block", "_norm", "_dense"),
    ),
    "vit_b16": Block(
        "The encoder block",
        "Attention lets every token read every other, then a perceptron works on each alone; past both leads a "
        "shortcut.",
        "vit",
        ("_encoder", "_norm"),
    ),
}


@cache
def source(module: str, functions: tuple[str, ...]) -> str:
    """Return the text of functions of a module of the zoo without their docstrings; the module is only read.

    Raises:
        ValueError: If the module has no such function.
    """
    text = Path(zoo.__path__[0], f"{module}.py").read_text(encoding="utf-8")
    found = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    if missing := [name for name in functions if name not in found]:
        raise ValueError(f"cnn_core/networks/zoo/{module}.py has no function {', '.join(missing)}.")
    return "\n\n\n".join(_without_docstring(text.splitlines(), found[name]) for name in functions)


def _without_docstring(lines: list[str], function: ast.FunctionDef) -> str:
    last, first = function.end_lineno, function.body[0]
    assert last is not None and first.end_lineno is not None  # parsed from text
    if ast.get_docstring(function) is None:
        return "\n".join(lines[function.lineno - 1 : last])
    return "\n".join(lines[function.lineno - 1 : first.lineno - 1] + lines[first.end_lineno : last])
