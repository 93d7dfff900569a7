"""What wrong preprocessing costs, on every backbone at hand, and which mismatch these pictures may suffer."""

from collections.abc import Callable, Sequence

import streamlit as st

from cnn_core.figures.laboratory import agreement, losses
from cnn_core.networks.backbones import BACKBONES
from cnn_core.training.lab.sabotage import STUDY, Mistake, Sabotaged
from ui.laboratory.runs import plot, provenance, sentences, study
from ui.shared.navigation import PAGES
from ui.shared.session import Album
from ui.shared.text import plain, table

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
    shown = study(STUDY, album)
    if shown is None:
        return
    result = shown.result
    if result.mismatches:
        told = "\n".join(f"- {plain(mismatch)}" for mismatch in result.mismatches)
        with st.container(border=True):
            st.markdown(f"**These pictures are likely to suffer:**\n\n{told}")
            st.page_link(PAGES / "transfer.py", label="Exchange the pictures", icon=":material/photo_library:")
    elif result.complete:
        st.success("None of these pictures is grey, tiny or far from square: no mismatch of their own is to be feared.")
    here = [network for network in result.backbones if network.distortions]
    if here:
        st.subheader("Accuracy lost")
        st.caption("Against the right preprocessing of the same pictures in the same folds, with 95 % intervals.")
        plot(losses(here), "losses", _spoken(here, lambda mistake: mistake.loss.words if mistake.loss else ""))
    asked = [network for network in here if any(mistake.agreement for mistake in network.distortions)]
    if asked:
        st.subheader("ImageNet answers that stay")
        plot(agreement(asked), "agreement", _spoken(asked, _agrees))
    for network in here:
        for mistake in network.distortions:
            if mistake.not_applicable:
                st.caption(f"{plain(network.title)}, {plain(mistake.title)}: {plain(mistake.not_applicable)}")
    sentences(result, but=result.mismatches)
    absent = [network.unavailable for network in result.backbones if network.unavailable]
    if absent:
        with st.expander(f"Networks that are not here ({len(absent)})"):
            st.markdown("\n".join(f"- {plain(reason)}" for reason in absent))
    with st.expander("What each mistake is, and the right input"):
        if here:
            mistakes = [[plain(mistake.title), plain(mistake.about)] for mistake in here[0].distortions]
            table(["Mistake", "What the first convolution receives"], mistakes, numbers=False)
        rows = [
            [record.title, _INPUT[record.preprocessing], f"{record.input_size} px"]
            for record in BACKBONES.values()
            if record.name in {network.name for network in result.backbones}
        ]
        table(["Network", "Right", "Side"], rows, numbers=False)
        st.markdown(
            "Turn upright by EXIF, crop the middle square, resize, and then the above. ConvScope's exported models "
            "have all but the crop inside: they take RGB 0 to 255, so that none of these mistakes can be made."
        )
    provenance(shown)


def _spoken(networks: Sequence[Sabotaged], words: Callable[[Mistake], str]) -> str:
    return "; ".join(f"{network.title}: " + " ".join(map(words, network.distortions)) for network in networks)


def _agrees(mistake: Mistake) -> str:
    return f"{mistake.title} {mistake.agreement.value:.0%}," if mistake.agreement else ""
