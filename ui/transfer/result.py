"""What came out of a run: the figures and one sentence first, the networks to be tried beside, the mistakes below."""

import re

import streamlit as st

from cnn_core.store.records import Run
from cnn_core.training.results import ResultUnreadable
from cnn_core.training.transfer.headline import again, balanced, beside, headline, listed, missing, unequal
from cnn_core.training.transfer.results import Transfer
from cnn_core.training.transfer.spec import ARM_TITLES, Options
from ui.shared.links import shown_link
from ui.shared.navigation import PAGES
from ui.shared.run_panel import follow
from ui.shared.stage import stop
from ui.shared.text import count, duration, plain
from ui.transfer import settings
from ui.transfer.ask import ask
from ui.transfer.details import details
from ui.transfer.figures import chart, large
from ui.transfer.live import draw_curves
from ui.transfer.live_answers import live_answers
from ui.transfer.mistakes import adopt, show_mistakes
from ui.transfer.shift import show_shift
from ui.transfer.test_set import tested_apart

CLASS_WEIGHTS = settings.title("class_weights")
DIVIDED = re.compile("pictures? left out|nearly the same|too easy")  # of the notes those on how the set was divided
REPEATS = (
    "Accuracies repeat to a picture or two: a frozen network's exactly, one whose blocks learn step by step not quite, "
    "for processors add in different orders."
)


def show_result(run: Run) -> None:
    """Show all that a run has to say that has ended."""
    try:
        found = Transfer.from_json(run.result) if run.result else None
    except ResultUnreadable as trouble:
        st.title(plain(run.title), anchor=False)
        _ended(run)
        st.error(plain(str(trouble)))
        return
    if not found or not found.arms:
        st.title(plain(run.title), anchor=False)
        _ended(run)
        _failed(found)
        _lead_on(run)
        draw_curves(run)
        return
    shares = {name: arm.accuracy for name, arm in found.arms.items()}
    first = found.shift.headline if found.shift else ""
    st.title(first or headline(shares, found.compared, found.chance), anchor=False)
    stage, side = st.columns([5, 3], gap="large")
    with stage:
        with st.container(key="stage"):
            stop()
            _reached(run, found)
        _lead_on(run)
    with side:
        st.header("Try a photo")
        live_answers(run, found)  # first: its bars are in sight beside the picture
        ask(run.id, found.arms)
    if found.shift and first:
        show_shift(found.shift)
    st.header("Where did it go wrong?")
    show_mistakes(run, found.arms)
    details(run, found)


def _reached(run: Run, found: Transfer) -> None:
    """Show what each arm reached, and how far that can be trusted."""
    arms = found.arms
    shares = {name: arm.accuracy for name, arm in arms.items()}
    large(
        shares,
        {
            name: f"{arm.accuracy.correct} of {arm.accuracy.total}{beside(arm.per_class)} · "
            f"{duration(arm.seconds['training'])} · {arm.trainable_params:,} weights trained"
            for name, arm in arms.items()
        },
    )
    chart(shares, found.chance, "transfer_accuracies")
    apart = ": a test set that was given for it, not a part of what was learnt from" if tested_apart(run) else ""
    tested = f"{count(found.split_sizes['test'], 'test picture')} that no arm has seen{apart}"
    st.markdown(f"**{plain(run.title)}**: on {tested}.")
    if found.shift and found.shift.headline:
        st.markdown(
            f"**{headline(shares, found.compared, found.chance)}**, of test pictures that differ from the rest."
        )
    for note in found.notes:
        if DIVIDED.search(note):
            st.markdown(f":material/info: {plain(note)}")
    _ended(run)
    _failed(found)
    options = run.spec["options"]
    for words in missing(found, options["arms"], options["epochs"]):
        st.warning(words)
    likely = listed([f"{ARM_TITLES[name].lower()} {again(arm.accuracy)}" for name, arm in arms.items()])
    they = "they" if len(arms) > 1 else "it"
    st.markdown(f"On other photos like the test pictures {they} would likely land elsewhere: {likely}.")
    rows = next(iter(arms.values())).per_class
    if unequal(rows):
        shown = listed([f"{ARM_TITLES[name].lower()} {balanced(arm.per_class):.1%}" for name, arm in arms.items()])
        weighted = (
            "They counted the same in training, too."
            if options.get("class_weights")
            else f"Train again with “{CLASS_WEIGHTS}”, and see whether the small ones gain."
        )
        st.markdown(
            "The classes are unequal, and a big one flatters. With every class counting the same (balanced accuracy, "
            f"the mean of the classes' own shares of right answers): {shown}. {weighted}"
        )
    st.caption(REPEATS)


def _ended(run: Run) -> None:
    """Say so if a run did not end as it should have, and offer to try again."""
    follow(run, "transfer")


def _failed(found: Transfer | None) -> None:
    for name, why in found.failed.items() if found else ():
        st.error(f"**{ARM_TITLES[name]}**: {plain(why)}")


def _lead_on(run: Run) -> None:
    """Lead on with this run's pictures, and to whoever should see it."""
    with st.container(horizontal=True, key="transfer_on"):
        st.button(
            "Train again with these",
            icon=":material/replay:",
            key="transfer_back",
            on_click=_again,
            args=(run,),
            help="Back to these pictures and settings, to change one thing",
        )
        if st.button(
            "Study these pictures",
            icon=":material/science:",
            key="transfer_study",
            help="Which labels are doubtful, how many pictures are enough, what to freeze",
        ):
            adopt(run)
            st.switch_page(PAGES / "laboratory.py")
        with st.popover("Link", icon=":material/link:", key="transfer_link"):
            st.markdown("This link shows the run to anyone who can reach this server, now and after a restart.")
            shown_link(f"{(st.context.url or '').partition('?')[0]}?run={run.id}")


def _again(run: Run) -> None:
    """Return to the pictures and settings of a run."""
    album = adopt(run)
    settings.restore(Options.from_json(run.spec["options"]))
    st.query_params.clear()
    album.save()
