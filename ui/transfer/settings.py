"""The controls of an experiment; every one has a default that works."""

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import streamlit as st

from cnn_core.networks.backbones import BACKBONES, backbone, unavailable
from cnn_core.pictures.items import SpecRefused
from cnn_core.receipts.networks import backbone_key
from cnn_core.training.spec import bounds_of
from cnn_core.training.transfer.spec import ARM_TITLES, Options
from ui.shared.receipts import receipt

BATCH_SIZES = [4, 8, 16, 32, 64]
HEAD_RATES = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
RATIOS = [1, 3, 10, 30, 100]  # head's rate to the pretrained blocks'
MAX_EPOCHS, MAX_SEED = 50, 9999
_OPTION_OF = {"epochs": "epochs", "batch": "batch_size", "head_rate": "head_learning_rate", "seed": "seed"}
_FIELDS = {entry.name: bounds_of(entry) for entry in fields(Options)}


@st.cache_data(ttl=60, show_spinner="Looking which networks are there…")
def away() -> dict[str, str]:
    """Return why a backbone cannot be used here, for those that cannot."""
    return {name: why for name, record in BACKBONES.items() if (why := unavailable(record))}


def settings(equal: bool) -> tuple[Options | None, str]:
    """Show the controls; return the options, or None and why they cannot be used.

    Args:
        equal: All classes have equally many pictures, so that there is nothing to weigh.
    """
    defaults = Options()
    with st.expander("Settings (none needs changing)", icon=":material/tune:"):
        arms = st.pills(
            options=list(ARM_TITLES),
            selection_mode="multi",
            default=defaults.arms,
            key="transfer_arms",
            format_func=ARM_TITLES.__getitem__,
            **_told("arms"),
        )
        missing = away()
        name = st.selectbox(
            options=list(BACKBONES),
            index=list(BACKBONES).index(defaults.backbone),
            key="transfer_backbone",
            format_func=lambda name: BACKBONES[name].title + (" (unavailable here)" if name in missing else ""),
            **_told("backbone"),
        )
        record = backbone(name)
        st.caption(
            f"{record.paper}. {record.params_without_top / 1e6:.1f} M parameters without classifier. These weights: "
            f"ImageNet top-1 {record.top1}%{receipt(backbone_key(name))} by {record.top1_source}; {record.licence}."
        )
        if name in missing:
            st.warning(missing[name])
        epochs = st.slider(
            min_value=1, max_value=MAX_EPOCHS, value=defaults.epochs, key="transfer_epochs", **_told("epochs")
        )
        batch = st.select_slider(
            options=BATCH_SIZES, value=defaults.batch_size, key="transfer_batch", **_told("batch_size")
        )
        blocks = st.slider(
            min_value=1,
            max_value=len(record.block_starts),
            value=min(defaults.unfreeze_blocks, len(record.block_starts)),
            key=f"transfer_blocks_{name}",
            **_told("unfreeze_blocks"),
        )
        head_rate = st.select_slider(
            options=HEAD_RATES,
            value=defaults.head_learning_rate,
            format_func="{:g}".format,
            key="transfer_head_rate",
            **_told("head_learning_rate"),
        )
        ratio = st.select_slider(
            "Pretrained blocks learn slower by",
            RATIOS,
            round(defaults.head_learning_rate / defaults.fine_tune_learning_rate),
            format_func="{} ×".format,
            key="transfer_ratio",
            help=_FIELDS["fine_tune_learning_rate"].about,
            persist_state="session",
        )
        seed = st.number_input(
            min_value=0, max_value=MAX_SEED, value=defaults.seed, key="transfer_seed", **_told("seed")
        )
        augment = st.toggle(key="transfer_augment", **_told("augment"))
        told = _told("class_weights")
        if equal:
            told["help"] = "Your classes have equally many pictures: they count the same already."
        weights = st.toggle(key="transfer_class_weights", disabled=equal, **told)
    if name in missing:
        return None, missing[name]
    try:
        return Options(
            arms=tuple(arms or ()),
            backbone=name,
            epochs=epochs,
            batch_size=batch,
            head_learning_rate=head_rate,
            fine_tune_learning_rate=head_rate / ratio,
            unfreeze_blocks=blocks,
            augment=augment,
            seed=seed,
            class_weights=weights and not equal,
        ), ""
    except SpecRefused as refusal:
        return None, "Choose at least one arm in the settings." if not arms else str(refusal)


def title(option: str) -> str:
    """Return what the control of an option is called."""
    return _FIELDS[option].label


def changed(options: Options) -> list[str]:
    """Return what is not as it is at first, in words."""
    defaults = Options()
    return [
        f"{bounds.label.lower()} {_words(getattr(options, name))}"
        for name, bounds in _FIELDS.items()
        if name not in ("arms", "backbone") and getattr(options, name) != getattr(defaults, name)
    ]


def _words(value: Any) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else f"{value:g}"


def restore(options: Options) -> list[str]:
    """Set the controls, before they are shown, to an experiment's options; return what had to be changed for them."""
    wanted: dict[str, tuple[float, float]] = {  # control: what is asked for, the nearest that it offers
        "epochs": (options.epochs, min(options.epochs, MAX_EPOCHS)),
        "batch": (options.batch_size, _nearest(options.batch_size, BATCH_SIZES)),
        "head_rate": (options.head_learning_rate, _nearest(options.head_learning_rate, HEAD_RATES)),
        "seed": (options.seed, min(options.seed, MAX_SEED)),
    }
    ratio = options.head_learning_rate / options.fine_tune_learning_rate
    wanted["ratio"] = (ratio, _nearest(ratio, RATIOS))
    for name, (_, offered) in wanted.items():
        st.session_state[f"transfer_{name}"] = offered
    st.session_state.transfer_arms = list(options.arms)
    st.session_state.transfer_backbone = options.backbone
    st.session_state[f"transfer_blocks_{options.backbone}"] = options.unfreeze_blocks
    st.session_state.transfer_augment = options.augment
    st.session_state.transfer_class_weights = options.class_weights
    titles = {name: _FIELDS[option].label.lower() for name, option in _OPTION_OF.items()}
    titles["ratio"] = "how many times slower pretrained blocks learn"
    return [
        f"{titles[name]}: {asked:g} became {offered:g}"
        for name, (asked, offered) in wanted.items()
        if abs(asked - offered) > 1e-6 * offered
    ]


def _told(name: str) -> dict[str, Any]:
    """What the controls of all options take from their fields."""
    return {"label": _FIELDS[name].label, "help": _FIELDS[name].about, "persist_state": "session"}


def _nearest(value: float, offered: Sequence[float]) -> float:
    return min(offered, key=lambda each: abs(math.log(each / value)))
