"""A picture as every page, network and command sees it, and its middle, large or small."""

import hashlib
import io
import struct
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

MAX_SIDE = 1024  # of a picture, in pixels


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture. Two pictures are the same picture when their digests agree.

    Args:
        pixels: uint8 (H, W, 3), sRGB 0..255, at most `MAX_SIDE` a side; kept read-only (copied if it was writeable).
        name: The file's name, for people; no identity.
        notes: What was done to the pixels, one phrase each.

    Raises:
        ValueError: If the pixels have another type or shape.

    Example:
        >>> picture = Picture(np.zeros((2, 3, 3), np.uint8), "black.png")
        >>> picture.digest[:12], picture.pixels.flags.writeable
        ('045811a72b23', False)
    """

    pixels: np.ndarray
    name: str
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
            raise ValueError(f"A picture is uint8 (H, W, 3); received {pixels.dtype} {pixels.shape}.")
        if max(pixels.shape) > MAX_SIDE:
            raise ValueError(f"A picture is at most {MAX_SIDE} pixels a side; received {pixels.shape}.")
        pixels = np.array(pixels, order="C") if pixels.flags.writeable else np.ascontiguousarray(pixels)
        pixels.flags.writeable = False  # the digest is computed once
        object.__setattr__(self, "pixels", pixels)

    def __reduce__(self) -> tuple[type["Picture"], tuple[np.ndarray, str, tuple[str, ...]]]:
        return Picture, (self.pixels, self.name, self.notes)  # a plain copy or pickle would come back writeable

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 over height, width and pixels: the same for the same pixels, whatever file they came in."""
        height, width, _ = self.pixels.shape
        digest = hashlib.sha256(struct.pack(">II", height, width))
        digest.update(self.pixels.data)  # without a copy
        return digest.hexdigest()

    def png(self) -> bytes:
        """Return the pixels as a PNG file: lossless, without the metadata of the file they came in."""
        buffer = io.BytesIO()
        Image.fromarray(self.pixels).save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()


def square(pixels: np.ndarray, size: int, crop_fraction: float) -> np.ndarray:
    """Return the middle of a picture as a network is evaluated on it.

    The shorter side is scaled to round(size / crop_fraction), bicubic, and the central size x size taken.

    Args:
        pixels: uint8 (H, W, 3).
        size: The network's input, in pixels.
        crop_fraction: Share of the shorter side that is kept, above 0 and at most 1.

    Returns:
        uint8 (size, size, 3).

    Raises:
        ValueError: If the fraction or the size is out of range.

    Example:
        >>> square(np.zeros((300, 400, 3), np.uint8), size=224, crop_fraction=0.875).shape  # shorter side to 256
        (224, 224, 3)

    Source:
        Krizhevsky et al. 2012, section 2 (256, central crop); rounding as torchvision's Resize and CenterCrop,
        which timm evaluates with (crop_pct).
    """
    if size < 1 or not 0 < crop_fraction <= 1:
        raise ValueError(f"size must be positive and crop_fraction in (0, 1]; received {size} and {crop_fraction}.")
    height, width, top, left = framed(pixels.shape, size, crop_fraction)
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image.crop((left, top, left + size, top + size)))


def framed(shape: tuple[int, ...], size: int, crop_fraction: float) -> tuple[int, int, int, int]:
    """Return how `square` lays its frame: height and width to which a picture is scaled, first row and column taken.

    Args:
        shape: Of the picture: height, width.
        size: Of the frame, in pixels.
        crop_fraction: Share of the shorter side that is kept.

    Example:
        >>> framed((300, 400, 3), size=224, crop_fraction=0.875)
        (256, 341, 16, 58)
    """
    shorter = round(size / crop_fraction)
    height, width = (side * shorter // min(shape[:2]) for side in shape[:2])
    return height, width, round((height - size) / 2), round((width - size) / 2)


def thumbnail(pixels: np.ndarray, side: int) -> bytes:
    """Return a small JPEG file for a contact sheet: the central square, side x side pixels.

    Args:
        pixels: uint8 (H, W, 3).
        side: Of the thumbnail, in pixels.

    Example:
        >>> thumbnail(np.zeros((30, 40, 3), np.uint8), side=16)[:3]
        b'\\xff\\xd8\\xff'
    """
    height, width, _ = pixels.shape
    shorter = min(height, width)
    left, top = (width - shorter) / 2, (height - shorter) / 2
    middle = (left, top, left + shorter, top + shorter)
    small = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC, middle, reducing_gap=2.0)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
