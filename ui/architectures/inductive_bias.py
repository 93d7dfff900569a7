"""Inductive bias: what a convnet's knowledge of neighbourhood is worth against a ViT, and for how many pictures."""

from collections.abc import Callable, Sequence

import streamlit as st

from cnn_core.figures import inductive_bias as figures
from cnn_core.pictures.items import SpecRefused
from cnn_core.training.studies.inductive_bias import (
    STUDY,
    InductiveBias,
    InductiveBiasResult,
    Lead,
    Point,
    bias_words,
    lead_words,
    worth_most,
)
from ui.architectures.study import LINKED, about_seconds, field, link, plot, study, whole
from ui.shared.teaching import one_of
from ui.shared.text import plain, table

SIZES = (20, 50, 100, 200, 500, 1138)
WHOLE = ("steps", "seeds", "seed")
LINK: dict[str, Callable[[str], bool]] = {
    "architectures_size": one_of(*SIZES),
    **link(STUDY, *WHOLE),
}


def inductive_bias() -> bool:
    """Show the experiment. True if the reader marks the size at which the neighbourhood itself is worth most."""
    st.markdown(
        "A convolution assumes that neighbours belong together, and that a pattern means the same everywhere. A ViT "
        "has to learn it from pictures. Equal parameters, pictures and steps; each its own best learning rate."
    )
    options = _settings()
    title = f"convnet and ViT, {', '.join(map(str, options.sizes))} pictures" if options else ""
    shown = study(STUDY, options, title=title, draw=_live)
    if shown is None:
        return False
    result = shown.result
    if not result.points:
        st.info("It was stopped before its first point.")
        return False
    st.markdown(
        f"Convnet {result.params['convnet']:,} parameters, ViT {result.params['vit']:,}; {shown.options.steps} steps "
        f"each, whatever the number of pictures; {result.pictures.test} digits to test on. Learning rates, chosen on "
        f"{result.pictures.validation} other digits: {_rates(result.learning_rates)}."
    )
    _curves(result.points, "")
    found = result.leads
    if not found:
        return False
    st.markdown(bias_words(found))
    chosen = st.segmented_control(
        "Mark a number of pictures",
        SIZES,
        default=1138,
        key="architectures_size",
        format_func=str,
        required=True,
        **LINKED,
    )
    plot(figures.leads(found, chosen), "leads", "Lead of the convnet against the pictures, with 95 % intervals.")
    _table(found)
    st.caption(
        "Mean over the seeds, which both networks share, with the 95 % interval of Student's t of the paired "
        "differences. Shuffled: the pixels of all pictures in one other order, the same information without "
        "neighbourhood (Zhang et al. 2017, arXiv:1611.03530); the ViT's patches of 2 × 2 go with it. Dosovitskiy et "
        "al. 2021, arXiv:2010.11929, section 4.3: pre-trained on parts of JFT, their ViT-B/32 is behind ResNet-50 with "
        "9 million pictures and ahead with 90 million. Nothing here reaches that far."
    )
    return chosen == worth_most(found)


def _settings() -> InductiveBias | None:
    with st.expander("Settings (none needs changing)", icon=":material/tune:"):
        bounds, usual = field(STUDY, "sizes")
        sizes = st.pills(
            bounds.label,
            SIZES,
            selection_mode="multi",
            default=usual,
            key="architectures_sizes",
            format_func=str,
            persist_state="session",
        )
        steps, seeds, seed = (whole(STUDY, *each) for each in zip(WHOLE, st.columns(3), strict=True))
        bounds, usual = field(STUDY, "shuffled")
        shuffled = st.toggle(bounds.label, usual, key="architectures_shuffled", **LINKED)
        try:
            options = InductiveBias(sizes=tuple(sizes), steps=steps, shuffled=shuffled, seeds=seeds, seed=seed)
        except SpecRefused as refusal:
            st.error(plain(str(refusal)))
            return None
        st.caption(about_seconds(STUDY, options))
    return options


def _live(options: InductiveBias, so_far: InductiveBiasResult) -> None:
    if so_far.points:
        _curves(so_far.points, "_live")


def _curves(points: Sequence[Point], suffix: str) -> None:
    both = any(point.shuffled for point in points)
    places = st.columns(2) if both else [st.container()]
    for place, shuffled, words in zip(places, (False, True), ("Pictures", "Pixels shuffled"), strict=False):
        place.markdown(f"**{words}**")
        alt = f"{words}: test accuracy of convnet and ViT against the training pictures."
        plot(figures.accuracy_by_size(points, shuffled), f"accuracy_{shuffled}{suffix}", alt, place)


def _rates(rates: dict[str, dict[str, float]]) -> str:
    titles = {"convnet": "convnet", "vit": "ViT"}
    return ", ".join(
        f"{titles[net]} {'/'.join(f'{rate:g}' for rate in dict.fromkeys(by.values()))}" for net, by in rates.items()
    )


def _table(found: Sequence[Lead]) -> None:
    by = {(lead.size, lead.shuffled): lead for lead in found}
    rows = []
    for size in sorted({lead.size for lead in found}):
        lead = by.get((size, False))
        accuracies = (f"{lead.convnet:.1%}", f"{lead.vit:.1%}") if lead else ("–", "–")
        rows.append([str(size), *accuracies, lead_words(lead), lead_words(by.get((size, True)))])
    table(["pictures", "convnet", "ViT", "lead, points", "lead, shuffled"], rows)
