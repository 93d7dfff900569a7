"""Inductive bias: what a convnet's knowledge of neighbourhood is worth against a ViT, and for how many pictures."""

from collections.abc import Sequence

import streamlit as st

from cnn_core.figures import inductive_bias as figures
from cnn_core.training.studies.inductive_bias import (
    NET_TITLES,
    STUDY,
    InductiveBias,
    InductiveBiasResult,
    Lead,
    Point,
    bias_words,
    lead_words,
    worth_most,
)
from ui.architectures.study import field, made, study, whole
from ui.shared.charts import plot
from ui.shared.controls import segments, switch
from ui.shared.receipts import receipt
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import table

SIZES = (20, 50, 100, 200, 500, 1138)
WHOLE = ("steps", "seeds", "seed")


def inductive_bias(room: Room) -> bool:
    """Show the experiment. True if the reader marks the size at which the neighbourhood itself is worth most."""
    marking, running = room.side.container(), room.side.container()
    options = _settings(room)
    title = f"convnet and ViT, {', '.join(map(str, options.sizes))} pictures" if options else ""
    shown = study(room, running, STUDY, options, title=title, draw=_live)
    with room.why:
        told(
            "A [[convolution]] takes two things for granted: that neighbouring pixels belong together, and that a "
            "pattern means the same wherever it stands. A ViT, which lets every patch look at every other "
            "([[attention]]), has to learn that from pictures. So who wins when there are few? Both get nearly as many "
            "parameters, and the same pictures and steps, and each its own best learning rate. Then the pixels of all "
            "pictures are shuffled in one and the same order: the information stays, the neighbourhood is gone, and "
            "with it what the convnet knew beforehand, its [[inductive bias]]."
        )
    if shown is None:
        return False
    result = shown.result
    if not result.points:
        room.stage.info("It was stopped before its first point.")
        return False
    found = result.leads
    chosen = 0
    if found:
        sizes = sorted({lead.size for lead in found})
        with marking:
            chosen = segments("Mark a number of pictures", sizes, sizes[-1], "architectures_size")
    with room.stage:
        if found:
            plot(figures.leads(found, chosen), "architectures_leads", _spoken(found))
            st.markdown(bias_words(result.points, result.pictures.test))
        _curves(result.points, "")
    with room.why:
        if found:
            _table(found)
        st.markdown(
            f"Convnet {result.params['convnet']:,} parameters, ViT {result.params['vit']:,}{_apart(result.params)}; "
            f"{shown.options.steps} steps each, whatever the number of pictures; {result.pictures.test} digits to test "
            f"on. Learning rates, chosen on {result.pictures.validation} other digits: {_rates(result.learning_rates)}."
        )
        st.caption(
            "Mean over the seeds, which both networks share, with the 95% interval of Student's t of the paired "
            "differences. Shuffled: Zhang et al. 2017, arXiv:1611.03530; the ViT's patches of 2 × 2 go with it. "
            "Dosovitskiy et al. 2021, arXiv:2010.11929, section 4.3: pre-trained on parts of JFT, their ViT-B/32 is "
            "behind ResNet-50 with 9 million pictures and ahead with 90 million"
            f"{receipt('vit-behind', 'vit-ahead')}. Nothing here reaches that far."
        )
    return bool(found) and chosen == worth_most(found)


def _apart(params: dict[str, int]) -> str:
    """By how much the two networks differ in size."""
    return f" ({max(params.values()) / min(params.values()) - 1:.1%} apart)"


def _settings(room: Room) -> InductiveBias | None:
    with room.more("Settings (none needs changing)"):
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
        steps, seeds, seed = (whole(STUDY, name) for name in WHOLE)
        bounds, usual = field(STUDY, "shuffled")
        shuffled = switch(bounds.label, usual, "architectures_shuffled")
    return made(
        room,
        lambda: InductiveBias(sizes=tuple(sizes), steps=steps, shuffled=shuffled, seeds=seeds, seed=seed),
    )


def _live(options: InductiveBias, so_far: InductiveBiasResult) -> None:
    if so_far.points:
        _curves(so_far.points, "_live")


def _spoken(found: Sequence[Lead]) -> str:
    natural = sorted((lead for lead in found if not lead.shuffled), key=lambda lead: lead.size)
    said = ", ".join(f"{lead_words(lead)} points with {lead.size} pictures" for lead in natural)
    return f"How far the convnet is ahead of the ViT: {said}." if said else "Only shuffled pixels were tried."


def _curves(points: Sequence[Point], suffix: str) -> None:
    both = any(point.shuffled for point in points)
    places = st.columns(2, wrap=False) if both else [st.container()]
    for place, shuffled, words in zip(places, (False, True), ("Pictures", "Pixels shuffled"), strict=False):
        place.markdown(f"**{words}**")
        best = max((point.test_accuracy for point in points if point.shuffled == shuffled), default=0.0)
        alt = f"{words}: how often convnet and ViT are right, by the pictures they learnt from; at best {best:.0%}."
        key = f"architectures_accuracy_{shuffled}{suffix}"
        plot(figures.accuracy_by_size(points, shuffled), key, alt, place)


def _rates(rates: dict[str, dict[str, float]]) -> str:
    return ", ".join(
        f"{NET_TITLES[net]} {'/'.join(f'{rate:g}' for rate in dict.fromkeys(by.values()))}" for net, by in rates.items()
    )


def _table(found: Sequence[Lead]) -> None:
    by = {(lead.size, lead.shuffled): lead for lead in found}
    rows = []
    for size in sorted({lead.size for lead in found}):
        lead = by.get((size, False))
        accuracies = (f"{lead.convnet:.1%}", f"{lead.vit:.1%}") if lead else ("–", "–")
        rows.append([f"{size:,}", *accuracies, lead_words(lead), lead_words(by.get((size, True)))])
    table(["pictures", "convnet", "ViT", "lead, points", "lead, shuffled"], rows)
