"""The controls of an experiment; every one has a default that works."""

import streamlit as st

from cnn_core.backbones import BACKBONES, DEFAULT, backbone, unavailable
from cnn_core.figures.transfer import ARM_TITLES
from cnn_core.transfer.spec import Options, SpecRefused


@st.cache_data(ttl=60, show_spinner="Looking which networks are there…")
def _unavailable() -> dict[str, str]:
    """Return why a backbone cannot be used here, for those that cannot."""
    return {name: why for name, record in BACKBONES.items() if (why := unavailable(record))}


def settings() -> tuple[Options | None, str]:
    """Show the controls; return the options, or None and why they cannot be used."""
    defaults = Options()
    with st.expander("Settings (none needs changing)", icon=":material/tune:"):
        arms = st.pills(
            "Arms", list(ARM_TITLES), selection_mode="multi", default=defaults.arms, key="transfer_arms",
            format_func=ARM_TITLES.get, persist_state="session",
            help="Frozen: pretrained features fixed, a linear head is trained. Fine-tuned: the head first, then the "
            "top blocks at a low rate. From scratch: the same network from random weights; minutes on a CPU.",
        )  # fmt: skip
        missing = _unavailable()
        name = st.selectbox(
            "Backbone", list(BACKBONES), index=list(BACKBONES).index(DEFAULT), key="transfer_backbone",
            format_func=lambda name: BACKBONES[name].title + (" (unavailable here)" if name in missing else ""),
            persist_state="session",
        )  # fmt: skip
        record = backbone(name)
        st.caption(
            f"{record.paper}. {record.params_without_top / 1e6:.1f} M parameters without classifier; "
            f"published ImageNet top-1 {record.top1} %. Weights: {record.licence}."
        )
        if name in missing:
            st.warning(missing[name])
        columns = st.columns(3)
        epochs = columns[0].slider("Epochs", 1, 50, defaults.epochs, key="transfer_epochs", persist_state="session")
        batch = columns[1].select_slider(
            "Batch size", [4, 8, 16, 32, 64], defaults.batch_size, key="transfer_batch", persist_state="session"
        )
        blocks = columns[2].slider(
            "Blocks to unfreeze", 1, len(record.block_starts), defaults.unfreeze_blocks, key=f"transfer_blocks_{name}",
            persist_state="session",
            help=f"Topmost blocks that the fine-tuned arm trains, of {len(record.block_starts)}.",
        )  # fmt: skip
        head_rate = columns[0].select_slider(
            "Learning rate of new weights", [1e-4, 3e-4, 1e-3, 3e-3, 1e-2], defaults.head_learning_rate,
            format_func="{:g}".format, key="transfer_head_rate", persist_state="session",
        )  # fmt: skip
        ratio = columns[1].select_slider(
            "Pretrained blocks learn slower by", [1, 3, 10, 30, 100],
            round(defaults.head_learning_rate / defaults.fine_tune_learning_rate),
            format_func="{} ×".format, key="transfer_ratio", persist_state="session",
        )  # fmt: skip
        seed = columns[2].number_input("Seed", 0, 9999, defaults.seed, key="transfer_seed", persist_state="session")
        augment = st.toggle(
            "Augment: mirror, shift and zoom while training", key="transfer_augment", persist_state="session",
            help="Not for the frozen arm, whose features are computed once.",
        )  # fmt: skip
    if name in missing:
        return None, missing[name]
    try:
        return Options(
            arms=tuple(arms or ()), backbone=name, epochs=epochs, batch_size=batch, head_learning_rate=head_rate,
            fine_tune_learning_rate=head_rate / ratio, unfreeze_blocks=blocks, augment=augment, seed=seed,
        ), ""  # fmt: skip
    except SpecRefused as refusal:
        return None, "Choose at least one arm in the settings." if not arms else str(refusal)
