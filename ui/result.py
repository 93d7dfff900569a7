"""What came out of a run: figures, mistakes, a trial, the download."""

from itertools import combinations
from typing import Any

import numpy as np
import streamlit as st

from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.figures.transfer import ARM_TITLES, accuracies, answers, confusion
from cnn_core.networks.backbones import backbone
from cnn_core.pictures.images import ImageRejected, decode
from cnn_core.store.runs import Run
from cnn_core.training.transfer.evaluation import paired_difference
from ui.gallery import gallery
from ui.pictures_in import SUFFIXES
from ui.session import store
from ui.take_home import take_home
from ui.text import count, duration, plain, table

_PER_CLASS = ("precision", "recall", "f1")
_QUIET = {"displayModeBar": False}


def show_result(run: Run) -> None:
    """Show all that a finished or stopped run has to say."""
    everything = run.result.get("arms", {})
    for name, arm in everything.items():
        if "error" in arm:
            st.error(f"**{ARM_TITLES[name]}**: {plain(arm['error'])}")
    arms = {name: arm for name, arm in everything.items() if "test_accuracy" in arm}
    if not arms:
        if run.state != "failed":
            st.info("Nothing was learnt before the stop, so there is nothing to measure.")
        return
    classes = run.result["classes"]
    _headline(run, arms)
    st.plotly_chart(
        accuracies(arms, _chance(arms)), key="transfer_accuracies", config=_QUIET, alt="Test accuracy of each arm."
    )
    _figures(arms)
    _try(run)
    st.subheader("Which pictures each gets wrong")
    for name, arm in arms.items():
        _mistakes(name, arm)
    st.subheader("Class by class")
    for column, (name, arm) in zip(st.columns(len(arms)), arms.items(), strict=True):
        with column:
            st.markdown(f"**{ARM_TITLES[name]}**")
            st.plotly_chart(
                confusion(arm["confusion"], classes, name),
                key=f"transfer_confusion_{name}",
                config=_QUIET,
                alt=f"Confusion matrix of the arm {ARM_TITLES[name]}; the table below says the same.",
            )
            rows = [
                [plain(row["class"]), *(f"{row[figure]:.2f}" for figure in _PER_CLASS), str(row["pictures"])]
                for row in arm["per_class"]
            ]
            table(["Class", "Precision", "Recall", "F1", "Pictures"], rows)
    take_home(run, arms)
    _provenance(run)


def _headline(run: Run, arms: dict[str, Any]) -> None:
    """Say in words who won, and whether the pictures suffice to say so."""
    total = run.result["split_sizes"]["test"]
    st.subheader(f"On {count(total, 'test picture')} that no arm has seen")
    for first, second in combinations(sorted(arms, key=lambda name: -arms[name]["correct"]), 2):
        ahead, behind, p = paired_difference(arms[first]["answers"], arms[second]["answers"])
        lead = arms[first]["correct"] - arms[second]["correct"]
        if lead == 0:
            words = f"{ARM_TITLES[first]} and {ARM_TITLES[second].lower()} get equally many right."
        else:
            verdict = "chance alone would rarely do that" if p < 0.05 else "too few pictures to call it a difference"
            words = (
                f"**{ARM_TITLES[first]}** gets {count(lead, 'picture')} more right than {ARM_TITLES[second].lower()}: "
                f"{verdict} ({ahead} right only here, {behind} only there; McNemar's exact test, p = {p:.2g})."
            )
        st.markdown(f"- {words}")


def _chance(arms: dict[str, Any]) -> float:
    per_class = next(iter(arms.values()))["per_class"]
    return max(row["pictures"] for row in per_class) / sum(row["pictures"] for row in per_class)


def _figures(arms: dict[str, Any]) -> None:
    rows = {
        "Right": lambda arm: f"{arm['test_accuracy']:.1%}",
        "95 % interval": lambda arm: "{:.1%} – {:.1%}".format(*arm["test_interval"]),
        "Trained parameters": lambda arm: f"{arm['trainable_params']:,}",
        "of all": lambda arm: f"{arm['total_params']:,}",
        "Best epoch": lambda arm: str(arm["best_epoch"]),
        "Computing features": lambda arm: duration(arm["feature_seconds"]),
        "Training": lambda arm: duration(arm["train_seconds"]),
    }
    table(["", *(ARM_TITLES[name] for name in arms)], [[row, *map(show, arms.values())] for row, show in rows.items()])
    st.caption(
        "The interval is Wilson's. The best epoch has the highest validation accuracy, the lower loss among equals: "
        "its weights were tested. Features are computed once a picture and kept: 0 s means that they were there."
    )


def _mistakes(name: str, arm: dict[str, Any]) -> None:
    wrong = arm["wrong"]
    if not wrong:
        st.markdown(f"**{ARM_TITLES[name]}**: none.")
        return
    st.markdown(f"**{ARM_TITLES[name]}**: {len(wrong)} of {len(arm['answers'])}, the surest mistake first")
    gallery(
        [
            (
                answer["digest"],
                f"{answer['name']}: is {answer['label']}, said {answer['said']}",
                f"{answer['label']}, said {answer['said']} {answer['probability']:.0%}",
            )
            for answer in wrong[:60]
        ],
        key=f"transfer_wrong_{name}",
    )


def _try(run: Run) -> None:
    st.subheader("Try a new picture")
    given = st.file_uploader(
        "A picture to ask both about",
        type=SUFFIXES,
        key="transfer_try",
        help="Drop it, choose it, or click here and paste it.",
    )
    if not given:
        return
    try:
        picture = decode(given.getvalue(), given.name)
        with st.spinner("Asking the networks…"):
            said = _ask(run.id, picture.digest, picture.pixels)
    except (ImageRejected, EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        return
    left, right = st.columns([1, 3])
    left.image(picture.pixels, alt=given.name, width=260)
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


def _provenance(run: Run) -> None:
    sizes, options, environment = run.result["split_sizes"], run.spec["options"], run.environment
    record = backbone(options["backbone"])
    lines = [
        f"{sizes['train']} training, {sizes['validation']} validation, {sizes['test']} test pictures; "
        "exact duplicates never on two sides.",
        *map(plain, run.result["notes"]),
        f"Backbone {plain(record.title)}, {plain(record.paper)}; {options['unfreeze_blocks']} blocks thawed.",
        f"Seed {options['seed']}; {options['epochs']} epochs of batches of {options['batch_size']}; learning rate "
        f"{options['head_learning_rate']:g} (new weights) and {options['fine_tune_learning_rate']:g} (thawed blocks); "
        f"augmentation {'on' if options['augment'] else 'off'}.",
        f"{plain(environment['device'])}; Keras {environment['keras']}, TensorFlow {environment['tensorflow']}, "
        f"Python {environment['python']}; ConvScope {environment['commit']}.",
    ]
    for name, arm in run.result["arms"].items():
        if "seconds" in arm:
            phases = ", ".join(f"{phase.replace('_', ' ')} {duration(s)}" for phase, s in arm["seconds"].items())
            lines.append(f"{ARM_TITLES[name]}: {phases}.")
    with st.expander("How this was computed"):
        st.markdown("\n".join(f"- {line}" for line in lines))
