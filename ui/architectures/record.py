"""The record of an architecture: what is computed of it, what was published, and how the two add up."""

import re

import streamlit as st

from cnn_core.networks import atlas
from cnn_core.networks.zoo.architectures import architecture
from cnn_core.networks.zoo.pairing import error_of
from cnn_core.networks.zoo.records import Architecture, Count, Result
from cnn_core.receipts import check
from cnn_core.receipts.networks import counts_key, recipe, result_key
from cnn_core.receipts.records import written
from ui.shared.receipts import receipt
from ui.shared.text import count, plain, table


def card(key: str) -> None:
    """Show the record of an architecture: what it is, what is computed of it, and what was published."""
    record = architecture(key)
    with st.container(border=True):
        st.markdown(
            f"### {plain(record.title)}, {record.year}\n{plain(record.authors)}. {paper_link(record.paper)}\n\n"
            f"**What it is.** {plain(record.description)}\n\n**What it put right.** {plain(record.fixed)}"
        )
        left, right = st.columns(2, gap="large")
        with left:
            st.markdown("**Computed here**")
            _computed(key)
        with right:
            st.markdown("**Published counts, term by term**")
            for number, published in enumerate(record.counts):
                mark = receipt(counts_key(key, number))
                _adds_up(published, atlas.read()["architectures"][key]["trainable_params"], mark)
        st.markdown("**Published errors**")
        _errors(key, record)
        _costs(key)


def _computed(key: str) -> None:
    content, record = atlas.read(), architecture(key)
    facts, made = content["architectures"][key], content["provenance"]
    field = facts["receptive_field"]
    rows = [
        ["trainable parameters", f"{facts['trainable_params']:,}"],
        ["with BatchNorm's statistics", f"{facts['total_params']:,}"],
        ["multiply-adds", f"{facts['macs']:,}"],
        *([["of these, attention's own products", f"{facts['attention_macs']:,}"]] if facts["attention_macs"] else []),
        ["multiply-adds for each parameter", f"{macs_per_param(key):.1f}"],
        ["depth, as the paper counts", f"{facts['depth']}"],
        ["convolutions and dense layers in a row", f"{facts['longest_path']}"],
        ["receptive field", "whole image" if field is None else f"{field:,} px"],
    ]
    table([f"input {facts['input_size']} × {facts['input_size']} × {record.input_shape[2]}", "value"], rows)
    notes = [note for note in (record.depth_note, facts["reason"]) if note]
    versions = ", ".join(f"{name} {number}" for name, number in made["versions"].items())
    st.caption(" ".join(plain(note) for note in [*notes, f"By {made['command']}, {made['date']}, {versions}."]))


def _errors(key: str, record: Architecture) -> None:
    if not record.results:
        st.markdown("None was published for this network.")
        return
    rows = []
    for result in record.results:
        percents = [
            "–" if error is None else f"{error:.4g}%{receipt(result_key(key, result, which))}"
            for which, error in (("top-1", result.top1_error), ("top-5", result.top5_error))
        ]
        other = f" Of another network: {result.variant.what}." if result.variant else ""
        rows.append([plain(result.whose), *percents, plain(recipe(result) + "." + other)])
    table(["source", "top-1", "top-5", "measured on, trained by"], rows, numbers=False)


def _costs(key: str) -> None:
    """Published multiply-adds beside ours, and by what they differ."""
    found = check.costs_of(key)
    if not found:
        return
    st.markdown("**Published multiply-adds**")
    rows = []
    for each in found:
        one = each.receipt
        terms = "".join(f"; {written(value, one.unit)}: {name}" for name, value in one.terms.items())
        ours = "–" if each.ours is None else written(each.ours, one.unit)
        told = each.verdict.value if each.verdict else "not computed"
        of = plain(one.source if one.about == architecture(key).title else f"{one.source}: {one.about}")
        rows.append([of, written(one.value, one.unit) + receipt(one.key), ours, plain(told + terms)])
    table(["source", "published", "here", "how they stand"], rows, numbers=False)


def _adds_up(published: Count, trainable: int, mark: str) -> None:
    """A published count as a sum that begins with ours."""
    total = trainable + sum(published.terms.values())
    rows = [[plain(name), f"{'+' if term > 0 else '−'} {abs(term):,}"] for name, term in published.terms.items()]
    table(
        ["trainable parameters here", f"{trainable:,}"],
        [*rows, [f"**= {plain(published.whose)}**{mark}", f"**{total:,}**"]],
    )
    if total != published.count:
        st.error(f"Published is {published.count:,}: {count(abs(published.count - total), 'parameter')} unexplained.")


def paper_link(paper: str) -> str:
    """Return a paper as a link if it is nothing but an arXiv number or a DOI, else as it is.

    >>> paper_link("arXiv:1512.03385"), paper_link("doi:10.1145/3065386")
    ('[arXiv:1512.03385](https://arxiv.org/abs/1512.03385)', '[doi:10.1145/3065386](https://doi.org/10.1145/3065386)')
    """
    for place, url in (("arXiv", "https://arxiv.org/abs/"), ("doi", "https://doi.org/")):
        if found := re.fullmatch(rf"{place}:(\S+)", paper):
            return f"[{paper}]({url}{found[1]})"
    return plain(paper)


# Numbers of a record ------------------------------------------------------------------------------------------------


def macs_per_param(key: str) -> float:
    """Return in how many multiply-adds each parameter takes part, on average, for one picture."""
    facts = atlas.read()["architectures"][key]
    return float(facts["macs"] / facts["trainable_params"])


def published_error(record: Architecture, which: str, measure: str) -> Result | None:
    """Return the first published error on ImageNet that was measured so, None if there is none.

    Of one crop, an error of the very network that is built here comes before those of its variants.

    Args:
        record: Of the architecture.
        which: `"top-1"` or `"top-5"`.
        measure: `"one-crop"` for the middle of each picture alone, as libraries measure; `"as-published"` for any way.
    """
    found = [each for each in record.results if each.dataset == "ImageNet" and error_of(each, which) is not None]
    if measure == "one-crop":
        found = sorted((each for each in found if each.one_crop), key=lambda each: each.variant is not None)
    return found[0] if found else None


def apart(result: Result, cost: str = "") -> str:
    """Say why an error is not that of the network at the cost that is computed here; empty if it is.

    Args:
        result: The error.
        cost: What it stands against: `"multiply-adds"`, else anything.
    """
    if result.variant:
        return f"the error is of another network of this name: {result.variant.what}"
    if cost == "multiply-adds" and not result.once:
        return f"the error was not measured in one pass at this size: {result.protocol}"
    return ""


def short(number: float) -> str:
    """Write a large number in three digits.

    >>> short(61706), short(25557032), short(15470264320)
    ('61.7 k', '25.6 M', '15.5 G')
    """
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:,.3g}"
