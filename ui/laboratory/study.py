"""A study as a step of the page: an example on the stage, button and settings beside, then the reader's own."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Generic
from urllib.parse import urlencode

import streamlit as st

from cnn_core.figures.drawing import Figure
from cnn_core.figures.palette import LIGHT
from cnn_core.pictures.items import SpecRefused
from cnn_core.store.records import Run
from cnn_core.training.flags import spelled
from cnn_core.training.lab.examples import Example, example
from cnn_core.training.lab.results import LabResult
from cnn_core.training.lab.spec import LabOptions, LabSpec, commonest_share
from cnn_core.training.lab.studies import read
from cnn_core.training.results import ResultUnreadable
from cnn_core.training.study import Found, Study
from ui.laboratory.controls import controls, expected
from ui.laboratory.runs import changes, forget, measured_before, same_pictures, shown, start
from ui.laboratory.views import VIEW_OF
from ui.shared import charts
from ui.shared.beginning import begin_again
from ui.shared.links import shown_link
from ui.shared.navigation import PAGES
from ui.shared.run_panel import follow
from ui.shared.session import Album, is_own
from ui.shared.sets import set_bar
from ui.shared.stage import Room
from ui.shared.text import count, duration, plain

EXAMPLE = "An example: five kinds of clothing, not your pictures"


@dataclass(frozen=True)
class Shown(Generic[Found]):
    """What a step draws.

    Attributes:
        result: What was found.
        options: With which.
        environment: Versions and device.
        chance: Accuracy of always guessing the biggest class.
        run: It is of; None for an example.
        example: None for a run's.
        own: Whether the pictures are ones that the reader has brought.
    """

    result: Found
    options: LabOptions
    environment: Mapping[str, Any]
    chance: float
    run: Run | None = None
    example: Example[Any, Found] | None = None
    own: bool = False

    @property
    def key(self) -> str:
        """Of what is drawn, for keys of widgets."""
        return self.run.id if self.run else "example"


def study(record: Study[Any, Found], room: Room, album: Album) -> Shown[Found] | None:
    """Offer to carry out a study of the album, follow the one that is shown, and return what is to be drawn.

    Args:
        record: The study.
        room: Of the step.
        album: The labelled pictures.

    Returns:
        What the run has found that is shown (see `runs.shown`), or else the example; None if there is neither.
    """
    kind = record.key
    with room.side:
        run = shown(kind, album)
        begin = st.container()
        about = st.container()
        _pictures(album)
    options, refusal = controls(record, room.more("Settings (none needs changing)"))
    chosen = None
    if options:
        try:
            chosen = LabSpec(tuple(album.items), options, album.source)
        except SpecRefused as trouble:
            refusal = str(trouble)
    with begin:
        _begin(record, chosen, refusal, run, album)
    with about:
        found = _run(record, run, album, chosen) if run else None
    return found or _example(record, room)


def _begin(record: Study[Any, Any], chosen: LabSpec | None, refusal: str, run: Run | None, album: Album) -> None:
    """Draw the button, and what pressing it would take."""
    waiting = run is not None and run.live and same_pictures(run, album)
    pressed = st.button(
        "Measure it",
        key=f"laboratory_start_{record.key}",
        type="primary",
        icon=":material/play_arrow:",
        disabled=chosen is None or waiting,
        width="stretch",
    )
    if pressed and chosen and start(chosen, album):
        st.rerun()
    with st.container(key="estimate"):
        if chosen is None:
            st.markdown(f":material/info: {plain(refusal)}")
        elif not waiting:
            told, whence = expected(record, chosen.options, len(_taken(album)))
            st.caption(told, help=f"{whence}\n\n`{_command(chosen.options)}` measures the same of a folder.")


def _run(record: Study[Any, Found], run: Run, album: Album, chosen: LabSpec | None) -> Shown[Found] | None:
    """Say how a run stands, and return what it has found; None while that is nothing."""
    changed = changes(run, album)
    if changed is None:
        st.info(f"This is a study of other pictures: {plain(run.title)}.")
        st.button("Back to my pictures", key=f"laboratory_mine_{record.key}", on_click=forget, args=(record.key, album))
    elif changed:
        told = ", ".join(f"{count(number, 'picture')} {what}" for what, number in changed.items())
        st.warning(f"**This result is older than your pictures**: {told} since. Measure again when you are done.")
    follow(run, "laboratory")
    if run.state in ("partial", "stopped") and is_own(run):
        st.button(
            "Measure what is missing",
            key=f"laboratory_rest_{record.key}",
            icon=":material/resume:",
            on_click=begin_again,
            args=(run.id,),
            help="What was found stays as it is.",
        )
    if run.live:
        st.caption("Until it is done the example stays in sight. You may leave this page: it goes on.")
        return None
    if not run.result:
        return None
    if measured_before(run):
        st.caption("These very pictures were measured on this server before; measure them again if you like.")
    try:
        result, asked = record.result.from_json(run.result), read(run.spec).options
    except (ResultUnreadable, SpecRefused) as trouble:
        st.error(plain(str(trouble)))
        return None
    if chosen and asked != chosen.options and not changed and changed is not None:
        st.caption("The figures are of other settings than those chosen now. Measure again to see theirs.")
    chance = commonest_share(label for _, label, _, part, *_ in run.spec["items"] if part != "test")
    own = changed is not None and not album.is_sample
    return Shown(result, asked, run.environment, chance, run=run, own=own)


def _example(record: Study[Any, Found], room: Room) -> Shown[Found] | None:
    ready = example(record)
    if ready is None:
        room.stage.info("Here the figure of this study will stand once you have measured it.")
        return None
    chance = max(ready.counts.values()) / sum(ready.counts.values())
    return Shown(ready.result, ready.options, ready.environment, chance, example=ready)


def _pictures(album: Album) -> None:
    """Say which pictures a study would take, and where they are changed."""
    taken = _taken(album)
    counts = ", ".join(f"{plain(label)} {number}" for label, number in sorted(Counter(taken).items()))
    aside = len(album.items) - len(taken)
    with st.container(border=True, gap="small"):
        st.markdown(f"**{count(len(taken), 'picture')}** would be measured: {counts}")
        if aside:
            st.caption(f"Set aside as a test, and not looked at here: {aside}.")
        set_bar(album)
        st.page_link(PAGES / "transfer.py", label="Change the pictures", icon=":material/photo_library:")


def _taken(album: Album) -> list[str]:
    """The labels of the pictures that take part: those set aside as a test do not."""
    return [item.label for item in album.items if item.part != "test"]


# A result on the stage, and below it ----------------------------------------------------------------------------------


def plot(figure: Figure, key: str, alt: str, shown: Shown[Any], place: Any = st) -> None:
    """Show a figure of a result; an example's says so itself."""
    if shown.example:
        alt = f"An example, five kinds of clothing: {alt}"
        figure.add_annotation(
            text="an example: clothing",
            font={"color": LIGHT.soft, "size": 12},
            xref="paper",
            yref="paper",
            x=1,
            y=1,
            xanchor="right",
            yanchor="bottom",
            showarrow=False,
        )
        figure.update_layout(margin_t=24)
    charts.plot(figure, f"laboratory_{key}", alt, place)


def stamp(shown: Shown[Any]) -> None:
    """Say whose result this is, where it is not the reader's; to be drawn right below the figure."""
    if shown.example:
        st.info(f"**{EXAMPLE}.** Press *Measure it*, and yours takes its place.", icon=":material/inventory_2:")
    elif shown.run:
        st.caption(f"**{plain(shown.run.title)}**")


def sentences(result: LabResult, *, but: tuple[str, ...] = ()) -> None:
    """Show what a result's figures mean, as the study computed it; `but` leaves sentences out."""
    told = [text for text in result.sentences if text not in but]
    st.markdown("\n".join(f"- {plain(text)}" for text in told) if len(told) > 1 else plain("".join(told)))


def receipt(shown: Shown[Any]) -> None:
    """Tell how a result was computed, and how to do so without a browser; of a run, offer its link."""
    result, options = shown.result, shown.options
    day = shown.example.provenance.date if shown.example else _day(shown.run) if shown.run else ""
    lines = [
        f"{count(result.pictures, 'picture')} in {count(len(result.classes), 'class')}; {day}, "
        f"{duration(result.seconds)} ({duration(result.cpu_seconds)} of processor time).",
        f"{result.intervals}; {options.folds} folds, divided {count(options.repeats, 'time')}.",
        f"Seed {options.seed}{_machine(shown.environment)}.",
        *result.notes,
    ]
    if shown.example:
        lines += [f"Computed before, not here, on {shown.example.provenance.machine}", shown.example.provenance.note]
    with st.container(horizontal=True):
        if shown.run:
            with st.popover("Link to this study", icon=":material/link:"):
                st.markdown("It shows the study to anyone who can reach this server, now and after a restart.")
                query = urlencode({"laboratory_view": VIEW_OF[options.kind], "run": shown.run.id})
                shown_link(f"{(st.context.url or '').partition('?')[0]}?{query}")
        with st.popover("How it was computed", icon=":material/receipt_long:"):
            st.markdown("\n".join(f"- {plain(line)}" for line in lines) + "\n\nThe same on a folder of class folders:")
            told = shown.example.provenance.command if shown.example else _command(options)
            st.code(told, language=None, wrap_lines=True)


def _command(options: LabOptions) -> str:
    """Return the command that carries out a study with these options."""
    changed = {
        entry.name: value for entry in fields(options) if (value := getattr(options, entry.name)) != entry.default
    }
    return f"python -m cnn_core lab {options.kind} FOLDER {spelled(changed)}".strip()


def _day(run: Run) -> str:
    return datetime.fromtimestamp(run.ended or run.created, UTC).date().isoformat()


def _machine(environment: Mapping[str, Any]) -> str:
    """Device and versions, as far as a run has come to write them down: one that failed has not."""
    if not environment:
        return ""
    return (
        f"; {environment['device']}; Keras {environment['keras']}, TensorFlow {environment['tensorflow']}, "
        f"Python {environment['python']}; ConvScope {environment['commit']}"
    )
