"""The controls of an experiment; every one has a default that works."""

import math
from collections.abc import Sequence

import streamlit as st

from cnn_core.figures.transfer import ARM_TITLES
from cnn_core.networks.backbones import BACKBONES, DEFAULT, backbone, unavailable
from cnn_core.pictures.items import SpecRefused
from cnn_core.training.transfer.spec import Options

BATCH_SIZES = [4, 8, 16, 32, 64]
HEAD_RATES = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
RATIOS = [1, 3, 10, 30, 100]  # head's rate to the pretrained blocks'
MOST_EPOCHS, MOST_SEED = 50, 9999


@st.cache_data(ttl=60, show_spinner="Looking which networks are there…")
def away() -> dict[str, str]:
    """Return why a backbone cannot be used here, for those that cannot."""
    return {name: why for name, record in BACKBONES.items() if (why := unavailable(record))}


def settings() -> tuple[Options | None, str]:
    """Show the controls; return the options, or None and why they cannot be used."""
    defaults = Options()
    with st.expander("Settings (none needs changing)", icon=":material/tune:"):
        arms = st.pills(
            "Arms",
            list(ARM_TITLES),
            selection_mode="multi",
            default=defaults.arms,
            key="transfer_arms",
            format_func=ARM_TITLES.__getitem__,
            persist_state="session",
            help="Frozen: pretrained features fixed, a linear head is trained. Fine-tuned: the head first, then the "
            "top blocks at a low rate. From scratch: the same network from random weights; minutes on a CPU.",
        )
        missing = away()
        name = st.selectbox(
            "Backbone",
            list(BACKBONES),
            index=list(BACKBONES).index(DEFAULT),
            key="transfer_backbone",
            format_func=lambda name: BACKBONES[name].title + (" (unavailable here)" if name in missing else ""),
            persist_state="session",
        )
        record = backbone(name)
        st.caption(
            f"{record.paper}. {record.params_without_top / 1e6:.1f} M parameters without classifier; "
            f"published ImageNet top-1 {record.top1} %. Weights: {record.licence}."
        )
        if name in missing:
            st.warning(missing[name])
        columns = st.columns(3)
        epochs = columns[0].slider(
            "Epochs", 1, MOST_EPOCHS, defaults.epochs, key="transfer_epochs", persist_state="session"
        )
        batch = columns[1].select_slider(
            "Batch size", BATCH_SIZES, defaults.batch_size, key="transfer_batch", persist_state="session"
        )
        blocks = columns[2].slider(
            "Blocks to unfreeze",
            1,
            len(record.block_starts),
            defaults.unfreeze_blocks,
            key=f"transfer_blocks_{name}",
            persist_state="session",
            help=f"Topmost blocks that the fine-tuned arm trains, of {len(record.block_starts)}.",
        )
        head_rate = columns[0].select_slider(
            "Learning rate of new weights",
            HEAD_RATES,
            defaults.head_learning_rate,
            format_func="{:g}".format,
            key="transfer_head_rate",
            persist_state="session",
        )
        ratio = columns[1].select_slider(
            "Pretrained blocks learn slower by",
            RATIOS,
            round(defaults.head_learning_rate / defaults.fine_tune_learning_rate),
            format_func="{} ×".format,
            key="transfer_ratio",
            persist_state="session",
        )
        seed = columns[2].number_input(
            "Seed", 0, MOST_SEED, defaults.seed, key="transfer_seed", persist_state="session"
        )
        augment = st.toggle(
            "Augment: mirror, shift and zoom while training",
            key="transfer_augment",
            persist_state="session",
            help="Not for the frozen arm, whose features are computed once.",
        )
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
        ), ""
    except SpecRefused as refusal:
        return None, "Choose at least one arm in the settings." if not arms else str(refusal)


def restore(options: Options) -> list[str]:
    """Set the controls, before they are shown, to an experiment's options; return what had to be changed for them."""
    wanted: dict[str, tuple[float, float]] = {  # control: what is asked for, the nearest that it offers
        "epochs": (options.epochs, min(options.epochs, MOST_EPOCHS)),
        "batch": (options.batch_size, _nearest(options.batch_size, BATCH_SIZES)),
        "head_rate": (options.head_learning_rate, _nearest(options.head_learning_rate, HEAD_RATES)),
        "seed": (options.seed, min(options.seed, MOST_SEED)),
    }
    ratio = options.head_learning_rate / options.fine_tune_learning_rate
    wanted["ratio"] = (ratio, _nearest(ratio, RATIOS))
    for name, (_, offered) in wanted.items():
        st.session_state[f"transfer_{name}"] = offered
    st.session_state.transfer_arms = list(options.arms)
    st.session_state.transfer_backbone = options.backbone
    st.session_state[f"transfer_blocks_{options.backbone}"] = options.unfreeze_blocks
    st.session_state.transfer_augment = bool(options.augment)
    titles = {
        "epochs": "epochs",
        "batch": "batch size",
        "head_rate": "learning rate of new weights",
        "seed": "seed",
        "ratio": "how many times slower pretrained blocks learn",
    }
    return [
        f"{titles[name]}: {asked:g} became {offered:g}"
        for name, (asked, offered) in wanted.items()
        if abs(asked - offered) > 1e-6 * offered
    ]


def _nearest(value: float, offered: Sequence[float]) -> float:
    return min(offered, key=lambda each: abs(math.log(each / value)))
