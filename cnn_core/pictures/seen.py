"""What there is to see: transparency laid on a ground, and what is said of pictures that show little."""

import numpy as np
from PIL import Image, ImageFile

from cnn_core.pictures.formats import ImageRefused

_SPREAD = 8  # levels: a picture whose channels all vary by no more shows nothing

# CleanVision (cleanlab, 2023), image_property_issue_manager.py: dark where the 99th percentile of brightness is below
# 0.32; of low information where the entropy of all samples is below 0.3 / 0.1 = 3 bits.
_DARK, _ENTROPY = 0.32, 3.0
# Ours: black leaves a tenth of what is dark; drawings have few colours too, but not one of nearly all pixels; Keras's
# networks take no picture below 32 pixels (keras.applications).
_BLACK, _ONE_COLOUR, _SMALL = _DARK / 10, 0.98, 32
_SAMPLED = 64  # rows and columns that the figures are taken from, at most twice as many


def shows(image: Image.Image) -> bool:
    """Whether a picture of mode L or RGB is more than one even colour."""
    extrema = image.getextrema()
    pairs = extrema if isinstance(extrema[0], tuple) else (extrema,)
    return any(high - low > _SPREAD for low, high in pairs)


def laid(image: Image.Image, name: str) -> tuple[Image.Image, str]:
    """Return a picture as RGB, what is transparent laid on white, and what was done.

    Where alpha is 0 everywhere it is no alpha: many writers leave the fourth byte empty. Where nothing shows on white,
    as white ink, it is laid on black.

    Raises:
        ImageRefused: If it is wholly transparent and its colours show nothing either.
    """
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB"), ""  # convert would copy
    if image.mode == "La":  # premultiplied grey, for which Pillow knows one way only
        image = image.convert("LA")
    layer = image if image.mode == "RGBA" else image.convert("RGBA")
    least, most = layer.getchannel("A").getextrema()
    if least == 255:
        return layer.convert("RGB"), ""
    if most == 0:
        colours = layer.convert("RGB")
        if not shows(colours):
            raise ImageRefused(
                name, "this picture is fully transparent: nothing to see", "save it without transparency"
            )
        return colours, "transparency left out: it hides the whole picture"
    on_white = _on("white", layer)
    if not shows(on_white):
        on_black = _on("black", layer)
        if shows(on_black):
            return on_black, "transparency laid on black: on white nothing shows"
    return on_white, "transparency laid on white"


def quality_notes(pixels: np.ndarray) -> list[str]:
    """Return what is to be said of a picture that shows little: very small, nearly black, very dark, nearly blank.

    Args:
        pixels: uint8 (H, W, 3); a grid of some hundred rows and columns is looked at.

    Example:
        >>> quality_notes(np.zeros((64, 64, 3), np.uint8))
        ['nearly black']

    Source:
        CleanVision's `dark` and `low_information`, with its thresholds.
    """
    height, width, _ = pixels.shape
    notes = [f"very small: {width} x {height} pixels"] if min(height, width) < _SMALL else []
    grid = pixels[:: max(1, height // _SAMPLED), :: max(1, width // _SAMPLED)]
    red, green, blue = np.moveaxis(grid.astype(np.float32), 2, 0)
    bright = np.sqrt(0.241 * red**2 + 0.691 * green**2 + 0.068 * blue**2) / 255
    lightest = float(np.partition(bright, rank := round(0.99 * (bright.size - 1)), axis=None)[rank])  # 99th percentile
    if lightest < _BLACK:
        return [*notes, "nearly black"]
    if lightest < _DARK:
        notes.append("very dark")
    counts = np.bincount(grid.reshape(-1), minlength=256)
    share = counts[counts > 0] / grid.size
    if -(share * np.log2(share)).sum() < _ENTROPY:
        near = (np.abs(grid - np.median(grid, axis=(0, 1))) <= _SPREAD).all(axis=2)
        if near.mean() >= _ONE_COLOUR:
            notes.append("nearly blank: almost one colour")
    return notes


def frame_note(image: ImageFile.ImageFile, index: int = 0) -> str:
    """Say which frame is taken, if there are several."""
    if not getattr(image, "is_animated", False):
        return ""
    if image.format == "TIFF":  # to count them, Pillow takes quadratic time
        return f"page {index + 1}: those before it are blank" if index else "first page of several"
    frames: int = getattr(image, "n_frames")  # noqa: B009 (only some formats have it)
    if image.format == "MPO":  # a JPEG of a phone, with a depth or brightness map behind the photo
        return f"first of {frames} pictures in the file"
    if index:
        return f"frame {index + 1} of an animation of {frames}: those before it are blank"
    return f"first frame of an animation of {frames}"


def _on(colour: str, layer: Image.Image) -> Image.Image:
    ground = Image.new("RGB", layer.size, colour)
    ground.paste(layer, mask=layer)
    return ground
