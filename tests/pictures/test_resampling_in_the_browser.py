"""`resample.js` gives what Pillow gives, to the bit; here Node runs it, a browser test runs it in Chromium."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from cnn_core.pictures.images import square

NODE = shutil.which("node")
DRIVER = Path(__file__).with_name("resample_driver.mjs")
SIZES = (1, 7, 32, 96, 160, 224, 225, 299)
CROPS = (1.0, 0.875, 0.9, 0.965, 0.5)

pytestmark = pytest.mark.skipif(NODE is None and not os.environ.get("CI"), reason="no Node found (Debian: nodejs)")


def resampled(folder: Path, pictures: list[np.ndarray], wanted: list[tuple[int, float]]) -> list[np.ndarray]:
    """Return what the script makes of each picture for each size and crop."""
    cases = [
        {"width": pixels.shape[1], "height": pixels.shape[0], "size": size, "crop": crop}
        for pixels, (size, crop) in zip(pictures, wanted, strict=True)
    ]
    opaque = (np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)]) for pixels in pictures)
    (folder / "cases.json").write_text(json.dumps(cases))
    (folder / "pixels").write_bytes(b"".join(pixels.tobytes() for pixels in opaque))
    assert NODE is not None
    files = [str(folder / name) for name in ("cases.json", "pixels", "results")]
    done = subprocess.run([NODE, str(DRIVER), *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = np.frombuffer((folder / "results").read_bytes(), np.uint8)
    ends = np.cumsum([3 * size * size for size, _ in wanted])
    return [part.reshape(size, size, 3) for part, (size, _) in zip(np.split(results, ends), wanted, strict=False)]


def test_any_picture_is_as_pillow_has_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(17)
    pictures, wanted = [], []
    for number in range(90):
        most = 60 if number % 3 == 0 else 500  # enlarged, or made small
        height, width = rng.integers(1, most, 2)
        height, width = max(height, width // 20 + 1), max(width, height // 20 + 1)
        noise = rng.integers(0, 256, (height, width, 3), np.uint8)
        pictures.append(noise if number % 2 else np.where(noise < 128, 0, 255).astype(np.uint8))  # overshoots, clipped
        wanted.append((int(rng.choice(SIZES)), float(rng.choice([*CROPS, rng.uniform(0.3, 1)]))))
    shapes = {"tall": 0, "wide": 0}  # Pillow filters the columns of tall ones first
    for pixels, (size, crop), found in zip(pictures, wanted, resampled(tmp_path, pictures, wanted), strict=True):
        assert np.array_equal(found, square(pixels, size, crop)), (pixels.shape, size, crop)
        shapes["tall"] += pixels.shape[0] > 2 * pixels.shape[1] and size / crop < pixels.shape[1]
        shapes["wide"] += pixels.shape[1] > 2 * pixels.shape[0] and size / crop < pixels.shape[0]
    assert min(shapes.values()) >= 2


def test_a_square_of_the_right_size_stays_as_it_is(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    assert np.array_equal(resampled(tmp_path, [pixels], [(96, 1.0)])[0], pixels)
