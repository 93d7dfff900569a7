"""What a reader takes home from a run: its networks, each format tested in a fresh process, and what belongs to it."""

from collections.abc import Collection
from typing import Any

import streamlit as st

from cnn_core.engine import client
from cnn_core.networks.backbones import Backbone, backbone
from cnn_core.pictures import kept
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.training.transfer import onnx_extra
from cnn_core.training.transfer.export import (
    FORMAT_TITLES,
    begun_with,
    bundle,
    epochs_csv,
    has_page,
    is_current,
    metrics_csv,
    self_test_of,
)
from cnn_core.training.transfer.results import Transfer
from cnn_core.training.transfer.spec import ARM_TITLES
from cnn_core.training.transfer.web import page_bytes
from ui.shared.asked import answer
from ui.shared.session import store
from ui.shared.text import count, in_bytes, plain, table


@st.fragment
def take_home(run: Run, found: Transfer) -> None:
    """Offer each arm's network as a bundle, and the test of its formats."""
    st.header("Take it home")
    st.markdown(
        "Each network comes as a zip: the `.keras` file with its preprocessing inside, `labels.json`, `predict.py` and "
        "`train.py` in plain Keras, which do not need ConvScope, a notebook that measures and trains again with them, "
        "a model card and the figures. Once tested, it can also hold files for LiteRT and ONNX, and a page that runs "
        "the network in any browser. Dropped under “Zip” on the page “Teach it yours”, here or on another server, it "
        "brings back pictures, classes and settings."
    )
    pictures = st.toggle("Put the pictures into the zip", True, key="transfer_bundle_pictures")
    st.caption(
        "With pictures, whoever gets the zip can see them and repeat the experiment. They go in as kept, without what "
        "the camera wrote: no place, no time."
        if pictures
        else "Without pictures the zip still holds their file names and labels. Nobody can repeat the experiment from "
        "it, and no server can restore it."
    )
    if lacking := onnx_extra.missing():
        st.caption(plain(lacking))
    along = _pictures_bytes(run.id, tuple(dict.fromkeys(entry[0] for entry in run.spec["items"]))) if pictures else 0
    for name, arm in found.arms.items():
        _arm(run, name, arm.model_bytes + along, pictures)
    tables = {"metrics": ("Figures (CSV)", metrics_csv), "epochs": ("Epochs (CSV)", epochs_csv)}
    with st.container(horizontal=True):
        for name, (title, table_of) in tables.items():
            st.download_button(
                title,
                table_of(found.arms),
                f"convscope-{run.id}-{name}.csv",
                "text/csv",
                key=f"transfer_csv_{name}",
                on_click="ignore",
            )


def _arm(run: Run, name: str, size: int, pictures: bool) -> None:
    """Show one arm's formats with their test, and its download."""
    with st.container(border=True):
        st.markdown(f"**{ARM_TITLES[name]}**")
        tested, lacking = self_test_of(store(), run.id, name), onnx_extra.missing()
        again = [entry["name"] for entry in (tested or {"formats": ()})["formats"] if not is_current(entry)]
        again = [each for each in again if each != "onnx" or not lacking]  # installed since that test, which said how
        if tested is None or again or len(tested["formats"]) < len(FORMAT_TITLES):
            answer(
                "exports",
                {"run": run.id, "arm": name} | ({"again": ", ".join(again)} if again else {}),
                title=f"exports of {run.title}, {ARM_TITLES[name].lower()}",
                begin="Test the exports",
                key=f"transfer_export_{name}",
                about=f"Converts to LiteRT{'' if lacking else ' and ONNX'} and asks each format about up to ten test "
                "pictures, as its reader will: in a fresh process, by predict.py. About a minute.",
                of=run,
                what="test its exports",
            )
        formats = tested["formats"] if tested else []
        if tested:
            _show_test(formats, len(tested["pictures"]))
        offered = [entry["name"] for entry in formats if entry["passed"]]
        if tested and "keras" not in offered:
            return  # said above, in red
        extra = [entry for entry in offered if entry != "keras"]
        chosen = extra and st.pills(
            "Beside `.keras` in the zip",
            extra,
            selection_mode="multi",
            default=extra,
            format_func=FORMAT_TITLES.__getitem__,
            key=f"transfer_formats_{name}",
        )
        size += sum(entry["bytes"] for entry in formats if entry["name"] in (chosen or ()))
        record = backbone(run.spec["options"]["backbone"])
        size += store().size(filter(None, [begun_with(store(), name, record)]))
        page = has_page(tested) and _wants_page(name, formats, pictures)
        if page:
            size += _page_bytes(formats)
        st.download_button(
            f"{ARM_TITLES[name]} model ({in_bytes(size)})",
            lambda: _bundle(run, name, record, pictures, chosen or (), page),
            f"convscope-{run.id}-{name}.zip",
            "application/zip",
            key=f"transfer_download_{name}",
            on_click="ignore",
            icon=":material/download:",
        )


@st.cache_data(max_entries=50, show_spinner=False)
def _pictures_bytes(_run_id: str, digests: tuple[str, ...]) -> int:
    """Return what the pictures of a run add to a download."""
    return sum(len(kept.file(store(), digest)[0]) for digest in digests)


def _wants_page(name: str, formats: list[dict[str, Any]], pictures: bool) -> bool:
    """Ask whether a page for the browser goes into the zip."""
    wanted = st.toggle(
        f"A page for the browser (`web/`, {in_bytes(_page_bytes(formats))})", True, key=f"transfer_page_{name}"
    )
    if wanted:
        st.caption(
            "It runs the network on the camera and on pictures, which stay in the browser, and asks nobody else for "
            "anything. Put the folder `web` onto any web space, or open it with "
            "`python -m http.server 8000 --directory web`; a phone's camera needs an https address."
            + (
                " Up to ten of the test pictures go with it: whoever can open the page can see them."
                if pictures
                else ""
            )
        )
    return wanted


def _page_bytes(formats: list[dict[str, Any]]) -> int:
    return page_bytes(next(entry["bytes"] for entry in formats if entry["name"] == "tflite"))


def _bundle(run: Run, arm: str, record: Backbone, pictures: bool, formats: Collection[str], page: bool) -> bytes:
    if not store().exists(keys.file(run.id, arm)):  # of a frozen arm, wanted for the first time
        client.current().ask("write_network", run.id, arm, timeout=120)
    return bundle(store(), run, arm, record, pictures=pictures, formats=formats, page=page)


def _show_test(formats: list[dict[str, Any]], asked: int) -> None:
    st.markdown(f"Each in a fresh process, on {count(asked, 'test picture')}, against this page's probabilities:")
    rows = []
    for entry in formats:
        if "largest_difference" not in entry:
            continue
        verdict = ":green[passed]" if entry["passed"] else ":red[**failed**]"
        if entry["tolerance"]:
            verdict += f", ≤ {entry['tolerance']:g}"
        elif entry["passed"]:
            verdict = "reported"  # 8-bit weights: no limit that it could fail
        title = f"{FORMAT_TITLES[entry['name']]}, {in_bytes(entry['bytes'])}"
        agreed = f"{round(entry['agreement'] * asked)} of {asked}"
        rows.append([title, agreed, f"{entry['largest_difference']:.1e}", verdict])
    table(["Format", "Same answer", r"Largest \|Δ\|", "Test"], rows)
    for entry in formats:
        if not entry["passed"] and "file" in entry:
            st.error(f"**{FORMAT_TITLES[entry['name']]}**: {plain(entry['words'])}")
        elif not entry["passed"]:
            st.caption(plain(entry["words"]))  # not tested: its converter was not installed
