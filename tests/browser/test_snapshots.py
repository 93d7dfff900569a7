"""Each page's first view as a picture, held against the one that was last agreed to.

Rendered text differs by machine, so both are made small before they are compared: what is noticed is a block that is
gone, moved or of another colour. `make snapshots` takes them anew; look at them before you keep them.
"""

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.waiting import PATIENCE

from .conftest import Server, settled

FOLDER = Path(__file__).with_name("snapshots")
ANEW = bool(os.environ.get("CONVSCOPE_SNAPSHOTS"))
SMALL = (64, 40)  # cells: each stands for 20 × 20 pixels
MEAN, WORST = 4.0, 64.0  # of 255: of all cells, and of one in a hundred
PAGES = {
    "see": "",
    "teach": "transfer",
    "study": "laboratory",
    "convolution": "convolution",
    "pooling": "pooling",
    "channels": "channels",
    "networks": "architectures",
}


def small(picture: Image.Image) -> np.ndarray:
    """Return a picture as so many cells, int `(40, 64, 3)`."""
    return np.asarray(picture.convert("RGB").resize(SMALL, Image.Resampling.BOX), int)


def differs(one: np.ndarray, other: np.ndarray) -> str:
    """Say by how much two small pictures differ, if it is too much."""
    gap = np.abs(one - other).max(axis=2)
    mean, worst = float(gap.mean()), float(np.percentile(gap, 99))
    return f"by {mean:.1f} in the mean, by {worst:.0f} in one cell of a hundred" if mean > MEAN or worst > WORST else ""


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_page_looks_as_it_was_agreed(
    name: str, scheme: str, server: Server, visitor: Callable[..., Page], tmp_path: Path
) -> None:
    page = visitor(f"{server.url}/{PAGES[name]}", 1280, scheme, height=800)
    settled(page)
    page.mouse.move(0, 0)
    agreed = FOLDER / f"{name}-{scheme}.webp"
    for _ in range(20 * PATIENCE):  # pictures and figures come after the script
        page.wait_for_timeout(500)
        now = Image.open(io.BytesIO(page.screenshot()))
        if not ANEW and not (wrong := differs(small(now), small(Image.open(agreed)))):
            return
    if ANEW:
        FOLDER.mkdir(exist_ok=True)
        now.resize((640, 400), Image.Resampling.LANCZOS).save(agreed, quality=80, method=6)
        return
    now.save(tmp_path / f"{name}-{scheme}.png")
    pytest.fail(f"{name} in {scheme} differs from {agreed} {wrong}: {tmp_path / f'{name}-{scheme}.png'}")


def test_missing_block_and_another_theme_would_be_noticed() -> None:
    paper = Image.new("RGB", (1280, 800), "#FAFAF7")
    whole = paper.copy()
    whole.paste("#0F5C63", (100, 200, 600, 500))
    assert differs(small(whole), small(paper)) and differs(
        small(paper), small(Image.new("RGB", (1280, 800), "#101827"))
    )
    moved = paper.copy()
    moved.paste("#0F5C63", (103, 202, 603, 502))
    assert not differs(small(whole), small(moved)), "a few pixels are the rendering's"
