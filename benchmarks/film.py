"""A film for a pretended camera: frames as the file that Chromium's `--use-file-for-fake-video-capture` plays."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

PRETENDED = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")  # a camera, and leave to it


def options(path: Path | None = None) -> list[str]:
    """Return what gives Chromium a camera that shows a film, or by default a green picture with a clock.

    Example:
        >>> options(Path("/tmp/film.y4m"))[-1]
        '--use-file-for-fake-video-capture=/tmp/film.y4m'
    """
    return [*PRETENDED, *([f"--use-file-for-fake-video-capture={path}"] if path else [])]


def film(path: Path, frames: Sequence[np.ndarray], rate: int = 8) -> Path:
    """Write frames as YUV4MPEG2, 4:2:0; the camera plays them again and again.

    Args:
        path: Of the file, `.y4m`.
        frames: uint8 `(H, W, 3)`, all of one size, even in both directions.
        rate: Frames a second.

    Returns:
        The path.

    Source:
        ITU-R BT.601: of a video black is 16, white 235, and a colour without colour 128.
    """
    height, width, _ = frames[0].shape
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420\n".encode())
        for frame in frames:
            planes = np.asarray(Image.fromarray(frame).convert("YCbCr")).astype(np.float64)
            bright = 16 + planes[..., 0] * 219 / 255
            quarters = planes[..., 1:].reshape(height // 2, 2, width // 2, 2, 2).mean(axis=(1, 3))
            colours = 128 + (quarters - 128) * 224 / 255
            for plane in (bright, colours[..., 0], colours[..., 1]):
                file.write((b"FRAME\n" if plane is bright else b"") + plane.round().astype(np.uint8).tobytes())
    return path
