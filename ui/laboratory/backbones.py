"""Which network to take: the same frozen experiment over all that are here, against what each costs."""

from collections.abc import Callable

import streamlit as st

from cnn_core.figures.laboratory import costs as against
from cnn_core.training.lab.which_backbone import STUDY
from ui.laboratory.runs import plot, provenance, sentences, study
from ui.shared.session import Album
from ui.shared.teaching import one_of
from ui.shared.text import plain, table

MEASURES = {"Time": "milliseconds", "MACs": "macs", "Weights": "megabytes"}
LINK: dict[str, Callable[[str], bool]] = {"laboratory_cost": one_of(*MEASURES)}


def backbones(album: Album) -> None:
    """Show the study of backbones."""
    st.markdown(
        "Frozen, with a linear head, on your classes: the network that ImageNet ranks first need not be yours, and "
        "each point of accuracy has its price in time and memory."
    )
    shown = study(STUDY, album)
    if shown is None:
        return
    found = shown.result.backbones
    here = [(network, network.accuracy, network.costs) for network in found if network.accuracy and network.costs]
    absent = [network.unavailable for network in found if network.unavailable]
    if here:
        measure = st.segmented_control(
            "Against",
            list(MEASURES),
            default="Time",
            key="laboratory_cost",
            required=True,
            bind="query-params",
            persist_state="session",
        )
        alt = "; ".join(f"{n.title} {right.median:.0%} at {costs.milliseconds:.1f} ms" for n, right, costs in here)
        plot(against([network for network, _, _ in here], MEASURES[measure]), "costs", alt)
        scores = [
            [
                plain(network.title),
                f"{right.median:.3f}",
                f"{right.low:.3f} – {right.high:.3f}",
                f"{network.imagenet_top1} %",
            ]
            for network, right, _ in here
        ]
        table(["Network", "Accuracy", "95 % interval", "ImageNet"], scores)
        prices = [
            [
                plain(network.title),
                f"{costs.milliseconds:.1f}",
                "unknown" if costs.macs is None else f"{costs.macs / 1e6:,.0f} M",
                f"{costs.params / 1e6:.1f} M",
                f"{costs.megabytes:.0f}",
            ]
            for network, _, costs in here
        ]
        table(["Network", "ms", "MACs", "Params", "MB"], prices)
    sentences(shown.result, but=tuple(absent))
    if absent:
        st.warning("Not compared, for they are not here:\n\n" + "\n".join(f"- {plain(reason)}" for reason in absent))
    st.caption(
        "Accuracy: median over folds, with the 95 % interval of the mean. Time: of batches of eight, on this machine, "
        "with whatever else it was doing. ImageNet: top-1 as published with the weights. Licences of the weights: "
        + "; ".join(f"{plain(network.title)} {plain(network.licence)}" for network in found)
        + "."
    )
    provenance(shown)
