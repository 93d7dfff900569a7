"""What wrong preprocessing costs, on every backbone at hand, and which mismatch these pictures may suffer."""

from typing import Any

import streamlit as st

from cnn_core.figures.laboratory import agreement, losses
from cnn_core.networks.backbones import BACKBONES
from ui.lab.runs import plot, provenance, sentences, study
from ui.navigation import PAGES
from ui.session import Album
from ui.text import plain, table

_INPUT = {  # what the network itself does with RGB 0 to 255
    "inside": "RGB 0 to 255 as it is: it has its scaling inside",
    "tf": "RGB / 127.5 − 1",
    "caffe": "BGR 0 to 255 minus 103.939, 116.779, 123.68",
}


def sabotage(album: Album) -> None:
    """Show the study of preprocessing."""
    st.markdown(
        "A network is fed what a faulty script would feed it. Two prices: how often its own **ImageNet answer** stays "
        "the same, and how many points **your classes** lose, told apart by a head that has learnt on the right input."
    )
    run = study("sabotage", album)
    if run is None:
        return
    mismatches = run.result.get("mismatches", [])
    if mismatches:
        with st.container(border=True):
            st.markdown("**These pictures are likely to suffer:**\n\n" + "\n".join(f"- {plain(m)}" for m in mismatches))
            st.page_link(PAGES / "transfer.py", label="Exchange the pictures", icon=":material/photo_library:")
    elif run.result.get("complete"):
        st.success("None of these pictures is grey, tiny or far from square: no mismatch of their own is to be feared.")
    found = run.result.get("backbones", [])
    here = [entry for entry in found if entry.get("distortions")]
    if here:
        st.subheader("Accuracy lost")
        st.caption("Against the right preprocessing of the same pictures in the same folds, with 95 % intervals.")
        plot(losses(here), "losses", _spoken(here, lambda entry: entry["loss"]["words"] if "loss" in entry else ""))
    asked = [entry for entry in here if any(each.get("agreement") is not None for each in entry["distortions"])]
    if asked:
        st.subheader("ImageNet answers that stay")
        plot(agreement(asked), "agreement", _spoken(asked, _agrees))
    for entry in here:
        for each in entry["distortions"]:
            if "not_applicable" in each:
                st.caption(f"{plain(entry['title'])}, {plain(each['title'])}: {plain(each['not_applicable'])}")
    sentences(run, but=tuple(mismatches))
    absent = [entry["unavailable"] for entry in found if entry["unavailable"]]
    if absent:
        with st.expander(f"Networks that are not here ({len(absent)})"):
            st.markdown("\n".join(f"- {plain(reason)}" for reason in absent))
    with st.expander("What each mistake is, and the right input"):
        if here:
            told = [[plain(each["title"]), plain(each["about"])] for each in here[0]["distortions"]]
            table(["Mistake", "What the first convolution receives"], told, numbers=False)
        rows = [
            [record.title, _INPUT[record.preprocessing], f"{record.input_size} px"]
            for record in BACKBONES.values()
            if record.name in {entry["name"] for entry in found}
        ]
        table(["Network", "Right", "Side"], rows, numbers=False)
        st.markdown(
            "Turn upright by EXIF, crop the middle square, resize, and then the above. ConvScope's exported models "
            "have all but the crop inside: they take RGB 0 to 255, so that none of these mistakes can be made."
        )
    provenance(run)


def _spoken(backbones: list[dict[str, Any]], words: Any) -> str:
    return "; ".join(f"{entry['title']}: " + " ".join(map(words, entry["distortions"])) for entry in backbones)


def _agrees(entry: dict[str, Any]) -> str:
    return "" if entry.get("agreement") is None else f"{entry['title']} {entry['agreement']:.0%},"
