"""Inductive bias: what a convnet's knowledge of neighbourhood is worth against a ViT, and for how many pictures."""

from collections.abc import Callable, Sequence
from math import sqrt
from statistics import mean, stdev
from typing import Any

import streamlit as st

from cnn_core.figures import studies as figures
from cnn_core.training.studies.spec import InductiveBias, StudyRefused
from ui.lessons.study import LINKED, link, plot, study, whole
from ui.teaching import one_of
from ui.text import plain, table

SIZES = (20, 50, 100, 200, 500, 1138)
WHOLE = ("steps", "seeds", "seed")
LINK: dict[str, Callable[[str], bool]] = {
    "architectures_size": one_of(*SIZES),
    **link("inductive_bias", *WHOLE),
}
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)  # 97.5 % of t, 1 to 9 degrees of freedom


def inductive_bias() -> bool:
    """Show the experiment. True if the reader marks the size at which the neighbourhood itself is worth most."""
    st.markdown(
        "A convolution assumes that neighbours belong together, and that a pattern means the same everywhere. A ViT "
        "has to learn it from pictures. Equal parameters, pictures and steps; each its own best learning rate."
    )
    spec = _settings()
    title = f"convnet and ViT, {', '.join(map(str, spec.sizes))} pictures" if spec else ""
    shown = study("inductive_bias", spec, title=title, draw=_live)
    if shown is None:
        return False
    result, points = shown.result, shown.result["points"]
    if not points:
        st.info("It was stopped before its first point.")
        return False
    params, pictures = result["params"], result["pictures"]
    st.markdown(
        f"Convnet {params['convnet']:,} parameters, ViT {params['vit']:,}; {shown.spec['steps']} steps each, whatever "
        f"the number of pictures; {pictures['test']} digits to test on. Learning rates, chosen on "
        f"{pictures['validation']} other digits: {_rates(result['learning_rates'])}."
    )
    _curves(points, "")
    found = leads(points)
    sizes = sorted({entry["size"] for entry in found})
    if not sizes:
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
    _table(found, sizes)
    st.caption(
        "Mean over the seeds, which both networks share, with the 95 % interval of Student's t of the paired "
        "differences. Shuffled: the pixels of all pictures in one other order, the same information without "
        "neighbourhood (Zhang et al. 2017, arXiv:1611.03530); the ViT's patches of 2 × 2 go with it. Dosovitskiy et "
        "al. 2021, arXiv:2010.11929, section 4.3: pre-trained on parts of JFT, their ViT-B/32 is behind ResNet-50 with "
        "9 million pictures and ahead with 90 million. Nothing here reaches that far."
    )
    return chosen == _worth_most(found)


def _settings() -> InductiveBias | None:
    with st.expander("Settings (none needs changing)", icon=":material/tune:"):
        sizes = st.pills(
            "Training pictures",
            SIZES,
            selection_mode="multi",
            default=InductiveBias().sizes,
            key="architectures_sizes",
            format_func=str,
            persist_state="session",
        )
        left, middle, right = st.columns(3)
        steps = whole("inductive_bias", "steps", "Steps of each training", left)
        seeds = whole("inductive_bias", "seeds", "Seeds", middle)
        seed = whole("inductive_bias", "seed", "First seed", right)
        shuffled = st.toggle("Again with shuffled pixels", True, key="architectures_shuffled", **LINKED)
        try:
            return InductiveBias(sizes=tuple(sizes), steps=steps, seeds=seeds, seed=seed, shuffled=shuffled)
        except StudyRefused as refusal:
            st.error(plain(str(refusal)))
            return None


def _live(spec: dict[str, Any], progress: dict[str, Any]) -> None:
    if points := progress.get("points"):
        _curves(points, "_live")


def _curves(points: list[dict[str, Any]], suffix: str) -> None:
    both = any(point["shuffled"] for point in points)
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


def leads(points: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return how far the convnet leads, seed by seed, for each size and order.

    Returns:
        Records with `size`, `shuffled`, `convnet` and `vit` (mean accuracies), `mean` (of the differences), `half` (of
        its 95 % interval; None from one seed) and `seeds`.

    Example:
        >>> accuracies = {("convnet", 0): 0.9, ("vit", 0): 0.7, ("convnet", 1): 0.8, ("vit", 1): 0.8}
        >>> points = [{"net": net, "seed": seed, "size": 50, "shuffled": False, "test_accuracy": accuracy}
        ...           for (net, seed), accuracy in accuracies.items()]
        >>> [(round(lead["mean"], 3), round(lead["half"], 3)) for lead in leads(points)]
        [(0.1, 1.271)]
    """
    accuracy = {(p["shuffled"], p["size"], p["net"], p["seed"]): p["test_accuracy"] for p in points}
    found = []
    for shuffled, size in sorted({(p["shuffled"], p["size"]) for p in points}):
        seeds = [s for o, n, net, s in accuracy if (o, n, net) == (shuffled, size, "convnet")]
        pairs = [
            (accuracy[shuffled, size, "convnet", seed], accuracy[shuffled, size, "vit", seed])
            for seed in seeds
            if (shuffled, size, "vit", seed) in accuracy
        ]
        if pairs:
            gaps = [convnet - vit for convnet, vit in pairs]
            half = STUDENT[len(gaps) - 2] * stdev(gaps) / sqrt(len(gaps)) if len(gaps) > 1 else None
            convnet, vit = (mean(each) for each in zip(*pairs, strict=True))
            found.append(
                {
                    "size": size,
                    "shuffled": shuffled,
                    "convnet": convnet,
                    "vit": vit,
                    "mean": mean(gaps),
                    "half": half,
                    "seeds": len(gaps),
                }
            )
    return found


def bias_words(found: Sequence[dict[str, Any]]) -> str:
    """Return where the prior pays, where it stops, and what of it is neighbourhood: the numbers choose the words."""
    natural = [lead for lead in found if not lead["shuffled"]]
    if not natural:
        return "There is no pair of trainings to compare yet."
    first, last = natural[0], natural[-1]
    if any(lead["half"] is None for lead in natural):
        words = (
            f"**With {first['size']} pictures the convnet leads by {_points(first['mean'])} points, with "
            f"{last['size']} by {_points(last['mean'])}.** One seed: whether that is chance cannot be said. "
        )
    else:
        pays = [lead["size"] for lead in natural if lead["mean"] > lead["half"]]
        where = (
            f"with {_listed(pays)} pictures the convnet's lead is beyond chance" if pays else "nowhere beyond chance"
        )
        rest = [lead["size"] for lead in natural if lead["size"] not in pays]
        stops = f"; with {_listed(rest)} it is not" if pays and rest else ""
        words = (
            f"**The prior pays: {where}{stops}.** It goes from {_points(first['mean'])} points at {first['size']} to "
            f"{_points(last['mean'])} at {last['size']}. "
            if pays
            else f"**The prior pays {where}.** "
        )
        if pays and not rest:
            words += "Within these sizes it does not end. "
    words += _catch_up(natural)
    return words + _control(found)


def _catch_up(natural: Sequence[dict[str, Any]]) -> str:
    """With how many pictures the ViT is where the convnet was with the fewest."""
    first = natural[0]
    level = next((lead["size"] for lead in natural if lead["vit"] >= first["convnet"]), None)
    reach = f"the ViT gets there with {level}" if level else f"the ViT does not get there with {natural[-1]['size']}"
    return f"With {first['size']} pictures the convnet is right on {first['convnet']:.1%}; {reach}. "


def _control(found: Sequence[dict[str, Any]]) -> str:
    shuffled = {lead["size"]: lead for lead in found if lead["shuffled"]}
    both = [(lead, shuffled[lead["size"]]) for lead in found if not lead["shuffled"] and lead["size"] in shuffled]
    if not both:
        return ""
    natural, mixed = (mean(pair[n]["mean"] for pair in both) for n in (0, 1))
    words = (
        f"Shuffled, its lead is {_points(mixed)} points on average over the sizes, instead of {_points(natural)}: "
        f"**{_points(natural - mixed)} points go with the neighbourhood**"
    )
    if mixed > 0:
        words += ", the rest does not: a small ViT is also harder to train on so few pictures, whatever they show"
    sure = [other["size"] for _, other in both if other["half"] is not None and other["mean"] > other["half"]]
    return f"{words}. Beyond chance the shuffled lead is {f'with {_listed(sure)}' if sure else 'nowhere'}."


def _worth_most(found: Sequence[dict[str, Any]]) -> int | None:
    """The size at which shuffling costs the convnet most of its lead; None without the control."""
    shuffled = {lead["size"]: lead["mean"] for lead in found if lead["shuffled"]}
    worth = {
        lead["size"]: lead["mean"] - shuffled[lead["size"]]
        for lead in found
        if not lead["shuffled"] and lead["size"] in shuffled
    }
    return max(worth, key=lambda size: worth[size]) if worth else None


def _table(found: Sequence[dict[str, Any]], sizes: Sequence[int]) -> None:
    by = {(lead["size"], lead["shuffled"]): lead for lead in found}
    rows = []
    for size in sizes:
        lead = by.get((size, False))
        shuffled = by.get((size, True))
        rows.append(
            [
                str(size),
                f"{lead['convnet']:.1%}" if lead else "–",
                f"{lead['vit']:.1%}" if lead else "–",
                _interval(lead),
                _interval(shuffled),
            ]
        )
    table(["pictures", "convnet", "ViT", "lead, points", "lead, shuffled"], rows)


def _interval(lead: dict[str, Any] | None) -> str:
    if lead is None:
        return "–"
    return _points(lead["mean"]) + (f" ± {100 * lead['half']:.1f}" if lead["half"] is not None else "")


def _points(share: float) -> str:
    return f"{100 * share:.1f}".replace("-", "−")


def _listed(sizes: Sequence[int]) -> str:
    *most, last = (f"{size:,}" for size in sizes)
    return f"{', '.join(most)} and {last}" if most else last
