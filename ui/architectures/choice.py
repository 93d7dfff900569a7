"""How networks and their layers are called where one chooses them: links hold their keys, people read titles."""

import re
from typing import Any

import streamlit as st

from cnn_core.networks.zoo.architectures import ARCHITECTURES
from ui.shared.controls import pick

TITLES = {key: record.title for key, record in ARCHITECTURES.items()}
_WORDS = {
    "out": "output",
    "conv": "convolution",
    "bn": "BatchNorm",
    "norm": "normalisation",
    "relu": "ReLU",
    "gelu": "GELU",
    "fc": "dense",
    "mlp": "MLP",
    "se": "squeeze and excite",
}


def network(label: str, default: str, key: str, *, place: Any = st, **more: Any) -> str:
    """Ask for a network of the zoo."""
    return pick(label, TITLES, default, key, place=place, **more)


def layer_title(name: str) -> str:
    """Write a layer's name in words.

    Example:
        >>> layer_title("block2b_out"), layer_title("inception_3a"), layer_title("conv2_block3_1_bn"), layer_title("s2")
        ('Block 2b, output', 'Inception 3a', 'Convolution 2, block 3, BatchNorm 1', 'S2')
        >>> layer_title("inception_3a_3x3_reduce"), layer_title("2_conv")
        ('Inception 3a, 3 × 3, reduce', 'Convolution 2')
    """
    words: list[str] = []
    for part in re.sub(r"(?<![^_])(\d+)_([a-z]+)", r"\2\1", name).split("_"):  # 2_conv is the second convolution
        word, number = re.fullmatch(r"([A-Za-z]*)(.*)", part, re.DOTALL).groups()  # type: ignore[union-attr]
        if not word and words and "x" not in number:
            words[-1] += f" {number}"
        elif len(word) == 1:
            words.append(part)
        else:
            words.append(" ".join(filter(None, (_WORDS.get(word, word), number))))
    title = re.sub(r"(\d)x(\d)", r"\1 × \2", ", ".join(words))
    title = re.sub(r"\b(class|depthwise|shortcut), ", r"\1 ", title)
    return title[:1].upper() + title[1:]
