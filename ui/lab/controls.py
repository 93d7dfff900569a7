"""The controls of a study, every one with a default that works, and how long a study will take."""

from typing import Any

import streamlit as st

from cnn_core.figures.transfer import ARM_TITLES
from cnn_core.networks.backbones import BACKBONES, DEFAULT, backbone
from cnn_core.pictures.items import SpecRefused
from cnn_core.training.lab.spec import DEFAULTS, POLICIES, RECIPES, SIZE_ARMS, SIZES, LabOptions
from ui.settings import away
from ui.text import duration

RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3)
RECIPE_TITLES = {
    "head_first": "head first",
    "at_once": "at once",
    "gradual": "gradual",
    "discriminative": "lower rates below",
    "rate_10": "rate × 10",
    "rate_100": "rate × 100",
    "batchnorm_training": "BatchNorm trains",
}
_SPLITS = ("folds", "repeats")
_TRAINING = ("training_splits", "epochs", "batch_size", "fine_tune_learning_rate", "head_learning_rate")
CONTROLS: dict[str, tuple[str, ...]] = {  # of each kind of study: those that concern it
    "depth": ("backbone", *_SPLITS, *_TRAINING, "seed", "frozen_blocks"),
    "size": ("backbone", *_SPLITS, *_TRAINING, "unfreeze_blocks", "seed", "arms", "sizes"),
    "recipes": ("backbone", *_SPLITS, *_TRAINING, "unfreeze_blocks", "seed", "recipes"),
    "sabotage": (*_SPLITS, "seed", "backbones"),
    "backbones": ("backbone", *_SPLITS, "seed", "backbones"),
    "labels": ("backbone", *_SPLITS, "seed", "flip"),
    "augmentation": ("backbone", *_SPLITS, *_TRAINING, "unfreeze_blocks", "seed", "policies"),
}
_NUMBERS = {
    "folds": ("Folds", 2, 20, "Parts into which the pictures are divided; each is tested on once."),
    "repeats": ("Repeats", 1, 20, "How often they are divided anew."),
    "training_splits": ("Trainings", 1, 20, "On how many of the divisions a network is trained; training is slow."),
    "epochs": ("Epochs", 1, 100, "Passes over the training pictures."),
    "batch_size": ("Batch size", 1, 256, "Pictures a step."),
    "unfreeze_blocks": ("Blocks to train", 1, 30, "Topmost blocks of the network."),
    "seed": ("Seed", 0, 9999, "Of divisions, draws, order and new weights."),
}
# Seconds of processor time for 300 photos in 5 classes, EfficientNet-Lite0, an AMD EPYC of two cores, features kept:
# `python -m cnn_core lab KIND shared/data/clothing5/train --json`, its `cpu_seconds`. A pass for features: 38 ms each.
MEASURED = {
    "depth": 62.0,
    "size": 71.0,
    "recipes": 313.0,
    "sabotage": 101.0,
    "backbones": 3.5,
    "labels": 23.0,
    "augmentation": 139.0,
}


def controls(kind: str) -> tuple[LabOptions | None, str]:
    """Show a study's controls; return its options, or None and why they cannot be used."""
    chosen: dict[str, Any] = {}
    wanted = CONTROLS[kind]
    with st.expander("Settings (none needs changing)", icon=":material/tune:"):
        record = backbone(_backbone(kind) if "backbone" in wanted else DEFAULT)
        chosen["backbone"] = record.name
        columns = st.columns(3)
        for place, name in enumerate(name for name in wanted if name in _NUMBERS):
            chosen[name] = _number(kind, name, len(record.block_starts), columns[place % 3])
        for place, name in enumerate(name for name in wanted if name.endswith("rate")):
            default = getattr(LabOptions(kind), name)
            label = "Learning rate of new weights" if name.startswith("head") else "Learning rate of pretrained blocks"
            chosen[name] = columns[place].select_slider(
                label, RATES, default, format_func="{:g}".format, key=_key(kind, name), persist_state="session"
            )
        chosen |= _lists(kind, wanted, len(record.block_starts))
    if "backbone" in wanted and record.name in away():
        return None, away()[record.name]
    try:
        return LabOptions.of(kind, **chosen), ""
    except SpecRefused as refusal:
        return None, str(refusal)


def _key(kind: str, name: str) -> str:
    return f"laboratory_{kind}_{name}"


def _titled(name: str) -> str:
    return BACKBONES[name].title + (" (unavailable here)" if name in away() else "")


def _backbone(kind: str) -> str:
    names = list(BACKBONES)
    name: str = st.selectbox(
        "Compare with" if kind == "backbones" else "Backbone",
        names,
        names.index(DEFAULT),
        format_func=_titled,
        key=_key(kind, "backbone"),
        persist_state="session",
    )
    return name


def _number(kind: str, name: str, blocks: int, place: Any) -> int:
    label, low, high, about = _NUMBERS[name]
    default = DEFAULTS.get(kind, {}).get(name, getattr(LabOptions(kind), name))
    key = _key(kind, name)
    if name == "unfreeze_blocks":  # a network's own number of blocks
        high, default, key = blocks, min(default, blocks), f"{key}_{blocks}"
    value = place.number_input(label, low, high, default, key=key, help=about, persist_state="session")
    return min(high, max(low, int(value)))


def _lists(kind: str, wanted: tuple[str, ...], blocks: int) -> dict[str, Any]:
    """Ask for what a study has several of."""
    chosen: dict[str, Any] = {}
    many: dict[str, Any] = {"persist_state": "session"}
    if "frozen_blocks" in wanted:
        chosen["frozen_blocks"] = tuple(
            sorted(
                st.multiselect(
                    "Lowest blocks that stay fixed, a training each",
                    range(blocks),
                    key=_key(kind, f"frozen_{blocks}"),
                    placeholder="The upper ends of stages",
                    help="0 trains the whole network, which takes minutes.",
                    **many,
                )
            )
        )
    if "arms" in wanted:
        arms = st.pills(
            "Arms",
            SIZE_ARMS,
            selection_mode="multi",
            default=LabOptions(kind).arms,
            format_func=ARM_TITLES.__getitem__,
            key=_key(kind, "arms"),
            **many,
        )
        chosen["arms"] = tuple(arm for arm in SIZE_ARMS if arm in arms)
    if "sizes" in wanted:
        chosen["sizes"] = tuple(
            sorted(st.multiselect("Pictures a class", SIZES, SIZES, key=_key(kind, "sizes"), **many))
        )
    if "recipes" in wanted:
        others = RECIPES[1:]
        chosen["recipes"] = tuple(
            st.pills(
                "Beside head first, then all",
                others,
                selection_mode="multi",
                default=others,
                format_func=RECIPE_TITLES.__getitem__,
                key=_key(kind, "recipes"),
                **many,
            )
            or (RECIPES[0],)
        )
    if "policies" in wanted:
        chosen["policies"] = tuple(
            st.pills(
                "Policies",
                list(POLICIES),
                selection_mode="multi",
                default=("all",),
                format_func=POLICIES.__getitem__,
                key=_key(kind, "policies"),
                **many,
            )
        )
    if "backbones" in wanted:
        chosen["backbones"] = tuple(
            st.multiselect(
                "Networks",
                list(BACKBONES),
                key=_key(kind, "backbones"),
                format_func=_titled,
                placeholder="All that are here",
                **many,
            )
        )
    if "flip" in wanted:
        chosen["flip"] = (
            st.slider(
                "Labels to exchange at random beforehand",
                0,
                50,
                0,
                5,
                "%d %%",
                key=_key(kind, "flip"),
                help="To see how many of them the check finds.",
                **many,
            )
            / 100
        )
    return chosen


def expected_seconds(options: LabOptions, pictures: int) -> float:
    """Return the processor time that a study is likely to take, in proportion to what was measured.

    Example:
        >>> expected_seconds(LabOptions.of("depth"), 300), expected_seconds(LabOptions.of("depth", epochs=4), 600)
        (62.0, 248.0)
    """
    usual = LabOptions.of(options.kind)

    def work(one: LabOptions) -> float:
        trained = one.training_splits * one.epochs
        if one.kind == "depth":
            return trained * (len(one.frozen_blocks) or 2)
        if one.kind == "size":  # a step through all blocks costs about five times one through the upper ones
            return trained * (("fine_tuned" in one.arms) + 5 * ("scratch" in one.arms)) + 0.1 * one.folds * one.repeats
        if one.kind == "recipes":
            return trained * len(one.recipes) * one.unfreeze_blocks
        if one.kind == "augmentation":
            return trained * (1 + len(one.policies)) * one.unfreeze_blocks
        if one.kind in ("sabotage", "backbones"):
            return float(len([name for name in one.backbones or BACKBONES if name not in away()]) or 1)
        return float(one.folds * one.repeats)

    here = 1.0 if options.kind in ("sabotage", "backbones") else work(usual)
    return MEASURED[options.kind] * pictures / 300 * work(options) / here


def expected(options: LabOptions, pictures: int) -> str:
    """Say how long a study will take and whence that is known; nothing where it was not measured."""
    if options.kind not in MEASURED:
        return ""
    seconds = expected_seconds(options, pictures)
    return (
        f"About {duration(seconds)} of processor time, by what was measured with EfficientNet-Lite0 on two cores "
        f"(300 photos: {duration(MEASURED[options.kind])}), and once {duration(0.038 * pictures)} for features that "
        "are not kept yet."
    )
