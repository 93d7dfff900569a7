"""The tabs beneath a result: what was mistaken for what, figures, exports, how it was computed."""

import streamlit as st

from cnn_core.figures.transfer import confusion
from cnn_core.networks.backbones import backbone
from cnn_core.store.records import Run
from cnn_core.training.transfer.documents import UNKNOWN
from cnn_core.training.transfer.headline import again, balanced, listed
from cnn_core.training.transfer.results import Arm, Transfer
from cnn_core.training.transfer.spec import ARM_TITLES, Options
from ui.shared.charts import plot
from ui.shared.text import count, duration, plain, table
from ui.transfer.live import draw_curves
from ui.transfer.take_home import take_home


def details(run: Run, found: Transfer) -> None:
    """Show all that a run has to say beside its headline and its mistakes."""
    confused, figures, exports, computed = st.tabs(
        ["What was mistaken for what", "Figures", "Exports", "How it was computed"], key="transfer_details"
    )
    with confused:
        st.header("What was mistaken for what?")
        for column, (name, arm) in zip(st.columns(len(found.arms)), found.arms.items(), strict=True):
            with column:
                _classes(name, arm, found.classes)
    with figures:
        st.header("How did they learn?")
        draw_curves(run)
        _figures(found.arms)
    with exports:
        take_home(run, found)
    with computed:
        st.header("How was it computed?")
        _provenance(run, found)


def _figures(arms: dict[str, Arm]) -> None:
    rows = {
        "Right": lambda arm: f"{arm.accuracy.value:.1%}",
        "On other photos, likely": lambda arm: again(arm.accuracy),
        "Balanced: every class counting the same": lambda arm: f"{balanced(arm.per_class):.1%}",
        "Trained parameters": lambda arm: f"{arm.trainable_params:,}",
        "Parameters in all": lambda arm: f"{arm.total_params:,}",
        "Best epoch": lambda arm: str(arm.best_epoch),
        "Weight decay of the head": lambda arm: "–" if arm.weight_decay is None else f"{arm.weight_decay:g}",
        "Reading your photos": lambda arm: duration(arm.seconds["features"]),
        "Training": lambda arm: duration(arm.seconds["training"]),
    }
    table(["", *(ARM_TITLES[name] for name in arms)], [[row, *map(show, arms.values())] for row, show in rows.items()])
    st.caption(
        "Photos are read once and what the network makes of them is kept: 0.0 s means that it was there. A head on "
        "fixed features is solved to its end, with the weight decay of which the validation pictures have the least "
        "loss; an epoch of it is one pass. Of what is trained in steps the best epoch is tested: the highest "
        "validation accuracy, the lower loss among equals."
    )


def _classes(name: str, arm: Arm, classes: tuple[str, ...]) -> None:
    st.markdown(f"**{ARM_TITLES[name]}**")
    plot(confusion(arm.confusion, classes, name), f"transfer_confusion_{name}", _confused(name, arm, classes))
    rows = [
        [plain(row.name), *(f"{figure:.2f}" for figure in (row.precision, row.recall, row.f1)), str(row.pictures)]
        for row in arm.per_class
    ]
    table(["Class", "Precision", "Recall", "F1", "Pictures"], rows)


def _confused(name: str, arm: Arm, classes: tuple[str, ...]) -> str:
    """Say which mistake an arm makes most."""
    times, true, said = max(
        (number, classes[row], classes[column])
        for row, numbers in enumerate(arm.confusion)
        for column, number in enumerate(numbers)
        if row != column
    )
    if not times:
        return f"{ARM_TITLES[name]} mistakes no class for another."
    often = count(times, "time")
    return f"{ARM_TITLES[name]} most often takes {true} for {said}: {often}. The table below has every class."


def _provenance(run: Run, found: Transfer) -> None:
    sizes, environment = found.split_sizes, run.environment
    options = Options.from_json(run.spec["options"])
    record = backbone(options.backbone)
    # A run of version 0.1 looked for copies only, and has no groups in its result.
    apart = f"; duplicates{' and near-duplicates' if 'near' in run.result else ''} never on two sides"
    rates = {"scratch": options.head_learning_rate, "fine_tuned": options.fine_tune_learning_rate}
    stepped = [f"{rate:g} ({ARM_TITLES[arm].lower()})" for arm, rate in rates.items() if arm in options.arms]
    lines = [
        f"{sizes['train']} training, {sizes['validation']} validation, {sizes['test']} test pictures"
        f"{'' if any('too easy' in note for note in found.notes) else apart}.",
        *map(plain, found.verdicts()),
        "“Likely” is a 95% interval (Wilson's): it tells how much the choice of test pictures matters.",
        *map(plain, found.notes),
        f"Backbone {plain(record.title)}, {plain(record.paper)}"
        + (f"; {count(options.unfreeze_blocks, 'block')} unfrozen." if "fine_tuned" in options.arms else "."),
        f"Seed {options.seed}; "
        + (f"{count(options.epochs, 'epoch')} of batches of {options.batch_size}; " if stepped else "")
        + (f"learning rate {listed(stepped)}; " if stepped else "")
        + f"augmentation {'on' if options.augment else 'off'}; class weights {'on' if options.class_weights else 'off'}"
        f"{', in the loss and in all that was chosen by' if options.class_weights else ''}.",
        f"{plain(environment['device'])}; Keras {environment['keras']}, TensorFlow {environment['tensorflow']}, "
        f"Python {environment['python']}; ConvScope {environment['commit']}."
        if environment
        else UNKNOWN,
    ]
    for name, arm in found.arms.items():
        phases = ", ".join(f"{phase.replace('_', ' ')} {duration(s)}" for phase, s in arm.seconds.items())
        lines.append(f"{ARM_TITLES[name]}: {phases}.")
    st.markdown("\n".join(f"- {line}" for line in lines))
