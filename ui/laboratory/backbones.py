"""Which network to take: the same frozen experiment over all that are here, against what each costs."""

from collections.abc import Sequence

import streamlit as st

from cnn_core.figures.laboratory import costs as against
from cnn_core.networks.backbones import BACKBONES
from cnn_core.receipts.networks import backbone_key
from cnn_core.training.lab.backbones import STUDY, BackbonesResult, Compared
from ui.laboratory.study import Shown, plot, receipt, sentences, stamp, study
from ui.shared.controls import segments
from ui.shared.receipts import receipt as receipt_mark
from ui.shared.session import Album
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import count, plain, table

MEASURES = {"Time": "time for a picture", "MACs": "multiply-adds", "Weights": "size of the weights"}
_FIELDS = {"Time": "milliseconds", "MACs": "macs", "Weights": "megabytes"}


def backbones(room: Room) -> None:
    """Show the study of backbones."""
    first = room.side.container()
    shown = study(STUDY, room, Album.current())
    if shown:
        here = [network for network in shown.result.backbones if network.accuracy and network.costs]
        with room.stage:
            if here:
                measure = segments("Accuracy against", MEASURES, "Time", "laboratory_cost", place=first)
                plot(against(here, _FIELDS[measure]), "costs", _spoken(here), shown)
            stamp(shown)
            _words(shown)
    with room.why:
        told(
            "The network that wins on ImageNet need not win on your classes, and each point of accuracy has its price "
            "in time and memory. Each network that is here is frozen and given a linear head for your classes, on the "
            "same divisions of your pictures. Which one would you carry on a phone?"
        )
        if shown:
            _tables(shown.result)
            receipt(shown)


def _words(shown: Shown[BackbonesResult]) -> None:
    absent = [network.unavailable for network in shown.result.backbones if network.unavailable]
    sentences(shown.result, but=tuple(absent))
    if absent and shown.example:
        st.caption(f"That machine had no weights of {count(len(absent), 'other network')}, so they were not compared.")
    elif absent:
        reasons = "\n".join(f"- {plain(reason)}" for reason in absent)
        st.warning(f"Not compared, for they are not here:\n\n{reasons}")


def _tables(result: BackbonesResult) -> None:
    scores, prices = [], []
    for network in result.backbones:
        right, costs = network.accuracy, network.costs
        if right is None or costs is None:
            continue
        interval = f"{right.low:.3f} – {right.high:.3f}"
        scores.append([plain(network.title), f"{right.mean:.3f}", interval, _imagenet(network)])
        prices.append(
            [
                plain(network.title),
                f"{costs.milliseconds:.1f}",
                "unknown" if costs.macs is None else f"{costs.macs / 1e6:,.0f} M",
                f"{costs.params / 1e6:.1f} M",
                f"{costs.megabytes:.0f}",
            ]
        )
    if scores:
        table(["Network", "Accuracy", "95% interval", "ImageNet"], scores)
        table(["Network", "ms", "Multiply-adds", "Parameters", "MB"], prices)
    st.caption(
        "Accuracy: mean over folds, with its 95% interval. Time: of batches of eight, on the machine "
        "that measured, with whatever else it was doing. ImageNet: top-1 of these weights, by keras.io (Lite0: by "
        "its release notes), not by the papers, which trained their own; recipes of 2014 to 2022, so that part of a "
        "difference is training. Licences of the weights: "
        + "; ".join(f"{plain(network.title)} {plain(network.licence)}" for network in result.backbones)
    )


def _imagenet(network: Compared) -> str:
    """The published accuracy, with its receipt if the network is still among the backbones."""
    known = network.name in BACKBONES and BACKBONES[network.name].top1 == network.imagenet_top1
    return f"{network.imagenet_top1}%" + (receipt_mark(backbone_key(network.name)) if known else "")


def _spoken(networks: Sequence[Compared]) -> str:
    return "; ".join(
        f"{network.title} {network.accuracy.mean:.0%} at {network.costs.milliseconds:.1f} ms"
        for network in networks
        if network.accuracy and network.costs
    )
