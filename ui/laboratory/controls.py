"""The controls of a study, made of the fields of its options, and how long it will take."""

from collections.abc import Callable
from dataclasses import Field, fields, replace
from typing import Any

import streamlit as st

from cnn_core.networks.backbones import BACKBONES, DEFAULT, backbone
from cnn_core.pictures.items import SpecRefused
from cnn_core.training.lab.recipes import RIGHT
from cnn_core.training.lab.spec import MEASURED_PICTURES, LabOptions
from cnn_core.training.spec import bounds_of
from cnn_core.training.study import Study
from ui.shared.text import count, duration
from ui.transfer.settings import away

RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3)
ALWAYS = {"recipes": (RIGHT,)}  # is tried whatever else is chosen, so that it is not offered
PASS = 0.038  # seconds of a picture's way through EfficientNet-Lite0, on the machine of the studies' costs
_STAYS: dict[str, Any] = {"persist_state": "session"}


def controls(study: Study, place: Any = st) -> tuple[LabOptions | None, str]:
    """Show a study's controls; return its options, or None and why they cannot be used."""
    entries = fields(study.options)
    with place.container(key="laboratory_settings"):
        # What cuts a network into blocks comes first: it says how many there are.
        chosen: dict[str, Any] = {entry.name: _one(study.key, entry, 0) for entry in entries if _control(entry) is _one}
        name = chosen.get("backbone", DEFAULT)
        blocks = len(backbone(name).block_starts)
        columns = st.columns(2)
        for control in (_number, _rate):
            for number, entry in enumerate(entry for entry in entries if _control(entry) is control):
                with columns[number % 2]:
                    chosen[entry.name] = control(study.key, entry, blocks)
        for entry in entries:
            if entry.name not in chosen:
                chosen[entry.name] = _control(entry)(study.key, entry, blocks)
    if "backbone" in chosen and name in away():
        return None, away()[name]
    # What nobody has changed is left to the study: it makes no more trainings than there are divisions.
    changed = {entry.name: chosen[entry.name] for entry in entries if chosen[entry.name] != entry.default}
    try:
        options: LabOptions = study.options.of(**changed)
    except SpecRefused as refusal:
        return None, _in_words(str(refusal), study)
    return options, ""


def _in_words(refusal: str, study: Study) -> str:
    """Call an option that is refused as its control is called."""
    name, blank, rest = refusal.partition(" ")
    called = {entry.name: bounds_of(entry).label for entry in fields(study.options)}
    return f"{called.get(name, name)}{blank}{rest}"


def _control(entry: Field[Any]) -> Callable[..., Any]:
    """Which control an option has, by its bounds."""
    bounds = bounds_of(entry)
    if bounds.known:
        return _one if not bounds.many else _any if bounds.fewest == 0 else _some
    if bounds.many:
        return _numbers
    if isinstance(entry.default, bool):
        return _flag
    return _number if bounds.whole else _share if bounds.low == 0 else _rate


def _usual(entry: Field[Any]) -> Any:
    return entry.default


def _key(kind: str, entry: Field[Any], blocks: int = 0) -> str:
    """The widget's key: an option that counts blocks has one for each number of blocks."""
    of_network = f"_{blocks}" if blocks and entry.name.endswith("_blocks") else ""
    return f"laboratory_{kind}_{entry.name}{of_network}"


def _titles(entry: Field[Any]) -> dict[str, str]:
    titles = bounds_of(entry).titles
    missing = away() if entry.name in ("backbone", "backbones") else {}
    return {name: title + (" (unavailable here)" if name in missing else "") for name, title in titles.items()}


def _one(kind: str, entry: Field[Any], blocks: int) -> str:
    bounds, titles = bounds_of(entry), _titles(entry)
    name = st.selectbox(
        bounds.label,
        list(titles),
        list(titles).index(_usual(entry)),
        format_func=titles.__getitem__,
        key=_key(kind, entry),
        **_STAYS,
    )
    return str(name)


def _some(kind: str, entry: Field[Any], blocks: int) -> tuple[str, ...]:
    """At least one of a few."""
    bounds, titles, always = bounds_of(entry), _titles(entry), ALWAYS.get(entry.name, ())
    picked = st.pills(
        bounds.label,
        [name for name in titles if name not in always],
        selection_mode="multi",
        default=[name for name in _usual(entry) if name not in always],
        format_func=titles.__getitem__,
        key=_key(kind, entry),
        help=bounds.about,
        **_STAYS,
    )
    return tuple(name for name in titles if name in (*always, *picked))


def _any(kind: str, entry: Field[Any], blocks: int) -> tuple[str, ...]:
    """Any of them, or none, which stands for something."""
    bounds, titles = bounds_of(entry), _titles(entry)
    picked = st.multiselect(
        bounds.label,
        list(titles),
        key=_key(kind, entry),
        format_func=titles.__getitem__,
        placeholder=bounds.empty,
        help=bounds.about,
        **_STAYS,
    )
    return tuple(name for name in titles if name in picked)


def _numbers(kind: str, entry: Field[Any], blocks: int) -> tuple[int, ...]:
    """Some of the usual numbers; of blocks any number that the network has."""
    bounds = bounds_of(entry)
    picked = st.multiselect(
        bounds.label,
        range(blocks) if entry.name.endswith("_blocks") else _usual(entry),
        _usual(entry),
        key=_key(kind, entry, blocks),
        placeholder=bounds.empty or "Choose some",
        help=bounds.about,
        **_STAYS,
    )
    return tuple(sorted(picked))


def _number(kind: str, entry: Field[Any], blocks: int) -> int:
    bounds = bounds_of(entry)
    low, high = int(bounds.low or 0), int(bounds.high or 0)
    if entry.name.endswith("_blocks"):
        high = blocks
    key = _key(kind, entry, blocks)
    value = st.number_input(bounds.label, low, high, min(_usual(entry), high), key=key, help=bounds.about, **_STAYS)
    return min(high, max(low, int(value)))


def _rate(kind: str, entry: Field[Any], blocks: int) -> float:
    bounds = bounds_of(entry)
    rate = st.select_slider(
        bounds.label,
        RATES,
        _usual(entry),
        format_func="{:g}".format,
        key=_key(kind, entry),
        help=bounds.about,
        **_STAYS,
    )
    return float(rate)


def _flag(kind: str, entry: Field[Any], blocks: int) -> bool:
    bounds = bounds_of(entry)
    return st.toggle(bounds.label, _usual(entry), key=_key(kind, entry), help=bounds.about, **_STAYS)


def _share(kind: str, entry: Field[Any], blocks: int) -> float:
    bounds = bounds_of(entry)
    most, usual = round(100 * (bounds.high or 0)), round(100 * _usual(entry))
    key = _key(kind, entry)
    percent = st.slider(bounds.label, 0, most, usual, 5, "%d %%", key=key, help=bounds.about, **_STAYS)
    return min(most, max(0, int(percent))) / 100


def expected(study: Study, options: LabOptions, pictures: int) -> tuple[str, str]:
    """Say how long a study will take, and whence that is known."""
    several: Any = options
    if hasattr(several, "backbones"):  # only networks that are here cost anything
        here = [name for name in several.backbones or BACKBONES if name not in away()]
        options = replace(several, backbones=tuple(here) or (DEFAULT,))
    trained, read = study.seconds(options, pictures), PASS * pictures
    return (
        f"About {_roughly(trained + read)}.",
        f"{duration(trained)} of processor time, by what {MEASURED_PICTURES} photos took with EfficientNet-Lite0 on "
        f"two cores, and once {duration(read)} to read pictures that this server has not read yet.",
    )


def _roughly(seconds: float) -> str:
    """Write a duration as one would say it.

    Example:
        >>> [_roughly(seconds) for seconds in (3, 47, 73, 200, 5000)]
        ['10 seconds', '50 seconds', '1 minute', '3 minutes', '1 hour']
    """
    if seconds < 55:
        return f"{max(10, round(seconds, -1)):.0f} seconds"
    minutes = max(1, round(seconds / 60))
    return count(minutes, "minute") if minutes < 60 else count(round(minutes / 60), "hour")
