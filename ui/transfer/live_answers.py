"""Live answers beside a result: the run's networks in the reader's own browser, which sends no picture to anybody."""

import streamlit as st

from cnn_core.pictures.picture import MAX_SIDE
from cnn_core.store.records import Run
from cnn_core.training.transfer.manifest import live_manifest
from cnn_core.training.transfer.results import Transfer
from ui.shared.asked import answer
from ui.shared.charts import palette
from ui.shared.serving import PARTS, RUNTIME
from ui.shared.session import store
from ui.widgets.live.live import live


def live_answers(run: Run, found: Transfer) -> None:
    """Offer to let the arms of a finished run answer in the browser, of a camera, a video or pictures."""
    if not st.toggle(
        "Live: answer in my browser",
        key="transfer_live_on",
        help="The networks come to your browser and answer there, many times a second. No picture leaves it.",
    ):
        return
    manifest, arms = live_manifest(store(), run.id), list(found.arms)
    if not manifest or set(manifest["arms"]) != set(arms):
        answer(
            "live",
            {"run": run.id, "arms": arms},
            title=f"live answers of {run.title}",
            begin="Make the networks ready",
            key="transfer_live",
            about="Converts what was trained to LiteRT, which browsers run, and asks the server about up to ten "
            "test pictures, by which your browser is checked. Half a minute, once.",
            of=run,
            what="make its networks ready for browsers",
            at_once=True,
        )
        return
    live(
        manifest,
        f"transfer_live_{run.id}",
        runtime=RUNTIME,
        parts=PARTS,
        colours={arm: palette().arms[arm] for arm in arms},
    )
    st.caption(
        f"Of a photo larger than {MAX_SIDE:,} pixels a side the server sees a reduced copy, your browser the photo: "
        "its answer to such a one can differ a little."
    )
