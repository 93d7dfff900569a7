"""One receipt: the figure as published, ours beside it, and where it is written."""

import streamlit as st

from cnn_core.receipts.check import provenance
from cnn_core.receipts.records import PAGES, Checked, Kind, Receipt, Verdict, written
from ui.architectures.record import paper_link
from ui.shared.text import plain, table

STANDS = {  # for people, beginning with what one wants to know
    Kind.COMPUTED: "Computed here",
    Kind.CITED: "Cited",
    Kind.UNVERIFIED: "Not verified",
}
_ADDRESS = ("github.com/", "keras.io/", "pytorch.org/")


def figure(checked: Checked) -> None:
    """Show the figure beside ours, and in a sentence how they stand."""
    one = checked.receipt
    ours = "–" if checked.ours is None else written(checked.ours, one.unit)
    rows = [[plain(one.quantity), f"**{plain(written(one.value, one.unit))}**", f"**{plain(ours)}**"]]
    rows += [[plain(name), "", plain(_signed(value, one.unit))] for name, value in one.terms.items()]
    table([plain(one.about), "published", "computed here"], rows)
    st.markdown(sentence(checked))


def sentence(checked: Checked) -> str:
    """Say how a published figure and ours stand."""
    one = checked.receipt
    if one.kind is Kind.UNVERIFIED:
        begin = "**Not verified:** no text that could be reached holds this figure."
        return begin + (f" {plain(one.why)}" if one.why else "")
    if one.kind is Kind.CITED:
        return f"**Cited, not computed.** {plain(one.why)}"
    verdicts = {
        Verdict.EQUAL: "**The same, to the last digit.**",
        Verdict.ROUNDED: "**The same, to the last digit that is printed.**",
        Verdict.NEAR: "**The same, but for one in the last digit that is printed.**",
        Verdict.TERMS: "**They differ, and the terms say by what.**",
        Verdict.FAILED: "**They do not agree, and nothing here says why.**",
    }
    said = verdicts[checked.verdict] if checked.verdict else "**Not computed yet.**"
    return f"{said} {plain(one.why)}".rstrip()


def source(checked: Checked) -> None:
    """Show where the figure is written, how it was measured, and how ours comes about."""
    one, made = checked.receipt, provenance()
    lines = [f"**Published in** {plain(one.source)}: {link(one)}"]
    if one.protocol:
        lines.append(f"**How it was measured:** {plain(one.protocol)}")
    if one.seen:
        lines.append(f"**Looked up in** {plain(one.seen)}")
    shown = [f"[{plain(PAGES[page])}]({_beside(page)})" for page in one.pages]
    lines.append(f"**Shown in** {', '.join(shown) or 'no page: it is only reproduced'}")
    st.markdown("\n\n".join(lines))
    if one.ours:
        called = " ".join(map(str, one.ours))
        st.caption(
            f"Computed by *{plain(called)}* on {made['date']} with Keras {made['versions']['keras']}. Again, now: "
            f"`python -m cnn_core receipts {one.key}`"
        )


def link(one: Receipt) -> str:
    """Return where a receipt's figure is written, as a link if it is an address."""
    if one.link.startswith(_ADDRESS):
        address, _, folder = one.link.partition(", ")
        return f"[{plain(one.link)}](https://{address}{f'/tree/HEAD/{folder}' if folder else ''})"
    return paper_link(one.link)


def _beside(page: str) -> str:
    """A page's address as seen from this one: the app may lie in a folder."""
    return page.removeprefix("/") or "./"


def _signed(value: float, unit: str) -> str:
    return f"{'+' if value > 0 else '−'} {written(abs(value), unit)}"
