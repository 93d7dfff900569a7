"""Which network to take: the same frozen experiment over all that are here, against what each costs."""

from collections.abc import Callable

import streamlit as st

from cnn_core.figures.laboratory import costs
from ui.lab.runs import plot, provenance, sentences, study
from ui.session import Album
from ui.teaching import one_of
from ui.text import plain, table

MEASURES = {"Time": "milliseconds", "MACs": "macs", "Weights": "megabytes"}
LINK: dict[str, Callable[[str], bool]] = {"laboratory_cost": one_of(*MEASURES)}


def backbones(album: Album) -> None:
    """Show the study of backbones."""
    st.markdown(
        "Frozen, with a linear head, on your classes: the network that ImageNet ranks first need not be yours, and "
        "each point of accuracy has its price in time and memory."
    )
    run = study("backbones", album)
    if run is None:
        return
    found = run.result.get("backbones", [])
    here = [entry for entry in found if "accuracy" in entry]
    absent = [entry["unavailable"] for entry in found if entry["unavailable"]]
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
        alt = "; ".join(f"{e['title']} {e['accuracy']['median']:.0%} at {e['milliseconds']:.1f} ms" for e in here)
        plot(costs(here, MEASURES[measure]), "costs", alt)
        scores = [
            [
                plain(entry["title"]),
                f"{entry['accuracy']['median']:.3f}",
                f"{entry['accuracy']['low']:.3f} – {entry['accuracy']['high']:.3f}",
                f"{entry['imagenet_top1']} %",
            ]
            for entry in here
        ]
        table(["Network", "Accuracy", "95 % interval", "ImageNet"], scores)
        prices = [
            [
                plain(entry["title"]),
                f"{entry['milliseconds']:.1f}",
                "unknown" if entry["macs"] is None else f"{entry['macs'] / 1e6:,.0f} M",
                f"{entry['params'] / 1e6:.1f} M",
                f"{entry['megabytes']:.0f}",
            ]
            for entry in here
        ]
        table(["Network", "ms", "MACs", "Params", "MB"], prices)
    sentences(run, but=tuple(absent))
    if absent:
        st.warning("Not compared, for they are not here:\n\n" + "\n".join(f"- {plain(reason)}" for reason in absent))
    st.caption(
        "Accuracy: median over folds, with the 95 % interval of the mean. Time: of batches of eight, on this machine, "
        "with whatever else it was doing. ImageNet: top-1 as published with the weights. Licences of the weights: "
        + "; ".join(f"{plain(entry['title'])} {plain(entry['licence'])}" for entry in found)
        + "."
    )
    provenance(run)
