"""What came out of a run of transfer learning: figures, mistakes, a trial, the download."""

import numpy as np
import streamlit as st

from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.figures.transfer import accuracies, answers, confusion, curves
from cnn_core.networks.backbones import backbone
from cnn_core.pictures.images import ImageRejected
from cnn_core.store.runs import Run
from cnn_core.training.results import ResultUnreadable
from cnn_core.training.transfer.results import Arm, Transfer, learning
from cnn_core.training.transfer.spec import ARM_TITLES, Options
from ui.shared.picture import FILE_MB, decoded, notes
from ui.shared.session import store
from ui.shared.text import asking, count, duration, plain, table
from ui.transfer.take_home import take_home
from ui.widgets.gallery.gallery import gallery

_QUIET = {"displayModeBar": False}


def draw_curves(run: Run) -> None:
    """Show how the arms learn, live and after."""
    found = learning(run.progress)
    if any(arm.epochs or arm.batches for arm in found.values()):
        st.plotly_chart(
            curves(found, run.spec["options"]["epochs"]),
            key=f"transfer_curves_{run.id}",
            config=_QUIET,
            alt="Loss and accuracy of each arm over the epochs, on training and validation pictures.",
        )


def show_result(run: Run) -> None:
    """Show all that a run has to say that has ended."""
    try:
        found = Transfer.from_json(run.result) if run.result else None
    except ResultUnreadable as trouble:
        st.error(plain(str(trouble)))
        return
    for name, why in found.failed.items() if found else ():
        st.error(f"**{ARM_TITLES[name]}**: {plain(why)}")
    if not found or not found.arms:
        if run.state != "failed":
            st.info("Nothing was learnt before the stop, so there is nothing to measure.")
        return
    st.subheader(f"On {count(found.split_sizes['test'], 'test picture')} that no arm has seen")
    for verdict in found.verdicts():
        st.markdown(f"- {plain(verdict)}")
    st.plotly_chart(
        accuracies(found.arms, found.chance), key="transfer_accuracies", config=_QUIET, alt="Test accuracy of each arm."
    )
    _figures(found.arms)
    _try(run)
    st.subheader("Which pictures each gets wrong")
    for name, arm in found.arms.items():
        _mistakes(name, arm)
    st.subheader("Class by class")
    for column, (name, arm) in zip(st.columns(len(found.arms)), found.arms.items(), strict=True):
        with column:
            _classes(name, arm, found.classes)
    take_home(run, found)
    _provenance(run, found)


def _figures(arms: dict[str, Arm]) -> None:
    rows = {
        "Right": lambda arm: f"{arm.accuracy.value:.1%}",
        "95 % interval": lambda arm: f"{arm.accuracy.low:.1%} – {arm.accuracy.high:.1%}",
        "Trained parameters": lambda arm: f"{arm.trainable_params:,}",
        "of all": lambda arm: f"{arm.total_params:,}",
        "Best epoch": lambda arm: str(arm.best_epoch),
        "Weight decay of the head": lambda arm: "–" if arm.weight_decay is None else f"{arm.weight_decay:g}",
        "Computing features": lambda arm: duration(arm.seconds["features"]),
        "Training": lambda arm: duration(arm.seconds["training"]),
    }
    table(["", *(ARM_TITLES[name] for name in arms)], [[row, *map(show, arms.values())] for row, show in rows.items()])
    st.caption(
        "The interval is Wilson's. A head on fixed features is solved to its end, with the weight decay of which the "
        "validation pictures have the least loss; an epoch of it is one pass. Of what is trained in steps the best "
        "epoch is tested: the highest validation accuracy, the lower loss among equals. "
        "Features are computed once a picture and kept: 0 s means that they were there."
    )


def _classes(name: str, arm: Arm, classes: tuple[str, ...]) -> None:
    st.markdown(f"**{ARM_TITLES[name]}**")
    st.plotly_chart(
        confusion(arm.confusion, classes, name),
        key=f"transfer_confusion_{name}",
        config=_QUIET,
        alt=f"Confusion matrix of the arm {ARM_TITLES[name]}; the table below says the same.",
    )
    rows = [
        [plain(row.name), *(f"{figure:.2f}" for figure in (row.precision, row.recall, row.f1)), str(row.pictures)]
        for row in arm.per_class
    ]
    table(["Class", "Precision", "Recall", "F1", "Pictures"], rows)


def _mistakes(name: str, arm: Arm) -> None:
    wrong = arm.wrong
    if not wrong:
        st.markdown(f"**{ARM_TITLES[name]}**: none.")
        return
    st.markdown(f"**{ARM_TITLES[name]}**: {len(wrong)} of {len(arm.answers)}, the surest mistake first")
    gallery(
        [
            (
                answer.digest,
                f"{answer.name}: is {answer.label}, said {answer.said}",
                f"{answer.label}, said {answer.said} {answer.probability:.0%}",
            )
            for answer in wrong[:60]
        ],
        key=f"transfer_wrong_{name}",
    )


def _try(run: Run) -> None:
    st.subheader("Try a new picture")
    given = st.file_uploader(
        "A picture to ask both about",
        max_upload_size=FILE_MB,
        key="transfer_try",
        help="Drop it, choose it, or click here and paste it.",
    )
    if not given:
        return
    try:
        picture = decoded(given.getvalue(), given.name)
        with st.spinner(asking("Asking the networks…")):
            said = _ask(run.id, picture.digest, picture.pixels)
    except (ImageRejected, EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        return
    left, right = st.columns([1, 3])
    left.image(picture.pixels, alt=given.name, width="stretch")
    with left:
        notes(picture)
    right.plotly_chart(answers(said), key="transfer_answers", config=_QUIET, alt=_spoken(said))
    if max(max(arm.values()) for arm in said.values()) > 0.9:
        st.caption("A network must choose among its classes: it can be sure of a picture that belongs to none of them.")


@st.cache_data(max_entries=200, show_spinner=False)
def _ask(run_id: str, digest: str, _pixels: np.ndarray) -> dict[str, dict[str, float]]:
    answer: dict[str, dict[str, float]] = client.current().ask("predict", run_id, _pixels, location=store().location)
    return answer


def _spoken(said: dict[str, dict[str, float]]) -> str:
    return "; ".join(
        f"{ARM_TITLES[arm]} says {max(labels, key=lambda name: labels[name])} at {max(labels.values()):.0%}"
        for arm, labels in said.items()
    )


def _provenance(run: Run, found: Transfer) -> None:
    sizes, environment = found.split_sizes, run.environment
    options = Options.from_json(run.spec["options"])
    record = backbone(options.backbone)
    lines = [
        f"{sizes['train']} training, {sizes['validation']} validation, {sizes['test']} test pictures; "
        "exact duplicates never on two sides.",
        *map(plain, found.notes),
        f"Backbone {plain(record.title)}, {plain(record.paper)}; {options.unfreeze_blocks} blocks thawed.",
        f"Seed {options.seed}; {options.epochs} epochs of batches of {options.batch_size}; learning rate "
        f"{options.head_learning_rate:g} (from scratch) and {options.fine_tune_learning_rate:g} (thawed blocks); "
        f"augmentation {'on' if options.augment else 'off'}.",
        f"{plain(environment['device'])}; Keras {environment['keras']}, TensorFlow {environment['tensorflow']}, "
        f"Python {environment['python']}; ConvScope {environment['commit']}."
        if environment
        else "Device and versions are not known: the run ended before it wrote them.",
    ]
    for name, arm in found.arms.items():
        phases = ", ".join(f"{phase.replace('_', ' ')} {duration(s)}" for phase, s in arm.seconds.items())
        lines.append(f"{ARM_TITLES[name]}: {phases}.")
    with st.expander("How this was computed"):
        st.markdown("\n".join(f"- {line}" for line in lines))
