"""Contact sheets: kept pictures to look at, each enlarged and named under the pointer, a finger or the keyboard."""

from collections.abc import Sequence

import streamlit as st

from cnn_core.pictures import kept
from cnn_core.pictures.picture import thumbnail
from ui.shared.picture import forgotten
from ui.shared.session import small, store
from ui.widgets.wall.wall import Tile, wall

_SIDE = 224  # pixels of a picture that is to be judged


def contact_sheet(
    label: str,
    pictures: Sequence[tuple[str, str, str]],
    key: str,
    *,
    columns: int = 6,
    least: int = 72,
    titled: bool = True,
) -> None:
    """Show pictures that lie in the store.

    Args:
        label: Of the whole, spoken.
        pictures: Digest, title and name of each.
        key: Of the widget.
        columns: In a row, at most.
        least: Pixels of a picture, from left to right; see `wall`.
        titled: Show the titles beneath.
    """
    tiles = [Tile(f"{n} {digest}", title, name, small(digest)) for n, (digest, title, name) in enumerate(pictures)]
    wall(label, tiles, "", key, columns=columns, least=least, titled=titled, shape="1 / 1", headed=False)


@forgotten
@st.cache_data(max_entries=500, show_spinner=False)
def judged(digest: str) -> bytes:
    """Return the middle of a kept picture, large enough to be judged, JPEG."""
    return thumbnail(kept.pixels(store(), digest), _SIDE)
