"""A run as it goes on: its pictures, the curves of all arms from the first second, and the arms that can be tried."""

from collections.abc import Callable

import streamlit as st

from cnn_core.engine import client
from cnn_core.figures.transfer import curves
from cnn_core.pictures.items import Item
from cnn_core.store.records import Run
from cnn_core.training.results import ResultUnreadable
from cnn_core.training.transfer.headline import beside
from cnn_core.training.transfer.results import Learning, Transfer, learning
from cnn_core.training.transfer.spec import ARM_TITLES
from ui.shared.charts import plot
from ui.shared.contact import contact_sheet
from ui.shared.links import shown_link
from ui.shared.run_panel import PHASES, follow
from ui.shared.stage import stop
from ui.shared.text import count, plain
from ui.transfer.ask import ask
from ui.transfer.figures import large
from ui.widgets.focus.focus import keep_focus

CLASSES, PICTURES = 6, 10  # that are shown of those that are learnt
COLUMNS = 5  # pictures in a row


def going(run: Run) -> None:
    """Show a run that has not ended."""
    gather, train, attempt = st.columns([3, 5, 3], gap="medium")
    with train:
        with st.container(key="stage"):
            stop()
            follow(run, "transfer", first=_drawn(run))
        devices = sorted(set(client.current().status().devices))
        st.caption("Computes on " + (", ".join(devices) if devices else "an engine that is starting"))
        keep_focus("transfer_stop")
        st.markdown(
            "Thin lines are the photos it learns from, thick ones photos set aside to see whether it has understood. "
            "You can leave this page: the training goes on, and this link finds it again."
        )
        shown_link(_link(run))
    with gather:
        st.header("What it learns from")
        _pictures([Item.from_json(entry) for entry in run.spec["items"]])
    with attempt:
        st.header("Try")
        _try(run)


def _link(run: Run) -> str:
    return f"{(st.context.url or '').partition('?')[0]}?run={run.id}"


def _pictures(items: list[Item]) -> None:
    labels = sorted({item.label for item in items})
    for label in labels[:CLASSES]:
        own = [item for item in items if item.label == label]
        st.markdown(f"**{plain(label)}** · {len(own)}")
        pictures = [(item.digest, item.name, "") for item in own[:PICTURES]]
        contact_sheet(f"Pictures of {label}", pictures, f"transfer_learnt_{label}", columns=COLUMNS, titled=False)
    if len(labels) > CLASSES:
        st.caption(f"… and {count(len(labels) - CLASSES, 'class')} more.")


def _try(run: Run) -> None:
    """Let the reader ask the arms that have learnt already."""
    try:
        found = Transfer.from_json(run.result) if run.result else None
    except ResultUnreadable:  # said once it has ended
        found = None
    if not found or not found.arms:
        st.markdown(
            "As soon as the first network has learnt, drop a photo here and it answers."
            + (" The frozen one takes seconds." if "frozen" in run.spec["options"]["arms"] else "")
        )
        return
    shares = {name: arm.accuracy for name, arm in found.arms.items()}
    balanced = {name: beside(arm.per_class) for name, arm in found.arms.items()}
    large(shares, {name: f"{share.correct} of {share.total}{balanced[name]}" for name, share in shares.items()})
    ask(run.id, found.arms)


def _drawn(run: Run) -> Callable[[Run], None]:
    """Return what draws the curves, and the whole page anew as soon as another arm can be tried."""
    at = run.progress.get("arm") or next(arm for arm in ARM_TITLES if arm in run.spec["options"]["arms"])

    def draw(now: Run) -> None:
        if now.progress.get("arm", "") not in ("", at):  # an arm has been measured: it can be tried
            st.rerun()
        draw_curves(now)

    return draw


def draw_curves(run: Run) -> None:
    """Show how the arms learn, live and after; before the first point, what is done meanwhile."""
    found = learning(run.progress) or {arm: Learning() for arm in run.spec["options"]["arms"]}
    begun = {name: arm for name, arm in found.items() if arm.epochs or arm.batches}
    waiting = ""
    if not begun:
        if not run.live:
            return
        phase = run.progress.get("phase", "preparing")
        words = "waiting for its turn" if run.state == "queued" else PHASES.get(phase, phase)
        waiting = f"{words[0].upper()}{words[1:]}…"
    plot(curves(begun or found, run.spec["options"]["epochs"], waiting), f"transfer_curves_{run.id}", _told(begun))
    if run.spec["options"].get("class_weights"):
        st.caption("In these curves every class counts the same, whatever its number of photos.")


def _told(begun: dict[str, Learning]) -> str:
    """Say how far each arm has come."""
    last = {name: arm.epochs[-1] for name, arm in begun.items() if arm.epochs}
    if not last:
        return "No curve yet: the networks have not begun to learn."
    return "; ".join(
        f"{ARM_TITLES[name]} after epoch {entry.epoch}: {entry.val_accuracy:.0%} right on the photos set aside, loss "
        f"{entry.val_loss:.2f}"
        for name, entry in last.items()
    )
