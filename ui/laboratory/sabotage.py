"""What wrong preprocessing costs, on every backbone at hand, and which mismatch these pictures may suffer."""

from collections.abc import Callable, Sequence

import streamlit as st

from cnn_core.figures.laboratory import agreement, losses
from cnn_core.networks.backbones import BACKBONES
from cnn_core.training.lab.sabotage import STUDY, Mistake, Sabotaged, SabotageResult
from ui.laboratory.study import Shown, plot, receipt, sentences, stamp, study
from ui.shared.navigation import PAGES
from ui.shared.session import Album
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import plain, table

_INPUT = {  # what the network itself does with RGB 0 to 255
    "inside": "RGB 0 to 255 as it is: it has its scaling inside",
    "tf": "RGB / 127.5 − 1",
    "caffe": "BGR 0 to 255 minus 103.939, 116.779, 123.68",
}


def sabotage(room: Room) -> bool:
    """Show the study of preprocessing. True if it is of pictures of the reader's own."""
    shown = study(STUDY, room, Album.current())
    if shown:
        with room.stage:
            _losses(shown)
    with room.why:
        told(
            "No error message tells you that colours are exchanged or that values are scaled twice: the network "
            "answers, only worse. Here it is fed what a faulty script would feed it. Two prices: how many points "
            "**your classes** lose, told apart by a head that has learnt on the right input, and how often its own "
            "**ImageNet answer** stays the same. Which mistake would you fear most?"
        )
        if shown:
            _agreement(shown)
            _right(shown.result)
            receipt(shown)
    return bool(shown and shown.own)


def _losses(shown: Shown[SabotageResult]) -> None:
    result, here = shown.result, _here(shown.result)
    if here:
        spoken = _spoken(here, lambda mistake: mistake.loss.words if mistake.loss else "")
        plot(losses(here), "losses", spoken, shown)
        st.caption(
            "A bar is the difference to the right preprocessing in the same folds, in points of accuracy; the line "
            "through it is the 95% interval of that difference."
        )
    stamp(shown)
    if result.mismatches:
        told = "\n".join(f"- {plain(mismatch)}" for mismatch in result.mismatches)
        with st.container(border=True):
            st.markdown(f"**Of these pictures some may suffer:**\n\n{told}")
            if not shown.example:
                st.page_link(PAGES / "transfer.py", label="Exchange the pictures", icon=":material/photo_library:")
    elif result.complete:
        st.success("None of these pictures is grey, tiny or far from square.")
    sentences(result, but=result.mismatches)


def _agreement(shown: Shown[SabotageResult]) -> None:
    here = _here(shown.result)
    asked = [network for network in here if any(mistake.agreement for mistake in network.distortions)]
    if asked:
        st.header("How many ImageNet answers stay?", anchor=False)
        plot(agreement(asked), "agreement", _spoken(asked, _agrees), shown)
        st.caption("The line through a bar is the 95% interval of that share (Wilson 1927).")
    for network in here:
        for mistake in network.distortions:
            if mistake.not_applicable:
                st.caption(f"{plain(network.title)}, {plain(mistake.title)}: {plain(mistake.not_applicable)}")


def _right(result: SabotageResult) -> None:
    """List the mistakes, the right inputs, and the networks that were not there."""
    here = _here(result)
    absent = [network.unavailable for network in result.backbones if network.unavailable]
    if absent:
        with st.expander(f"Networks that were not there ({len(absent)})"):
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


def _here(result: SabotageResult) -> list[Sabotaged]:
    return [network for network in result.backbones if network.distortions]


def _spoken(networks: Sequence[Sabotaged], words: Callable[[Mistake], str]) -> str:
    return "; ".join(f"{network.title}: " + " ".join(map(words, network.distortions)) for network in networks)


def _agrees(mistake: Mistake) -> str:
    return f"{mistake.title} {mistake.agreement.value:.0%}," if mistake.agreement else ""
