"""Kernels that people know by name, small changes to a kernel, and its form in a link.

All are written for `cross_correlate`: a bright-to-the-right edge makes Sobel x positive.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnn_core.arithmetic.convolution import binomial

MAX_SIZE = 7  # rows and columns of a kernel in a link
LIMIT = 1000  # every cell of a kernel in a link is smaller, in absolute value
_NUMBER = re.compile(r"[+-]?(\d{1,3}(\.\d{0,10})?|\.\d{1,10})(e-\d{1,2})?", re.ASCII)  # three digits: below LIMIT
_MAX_TEXT = MAX_SIZE**2 * 16  # characters; a longer text is not even read


@dataclass(frozen=True)
class Preset:
    """A kernel with a name.

    Attributes:
        name: Key in PRESETS, and in links.
        title: As people write it.
        meaning: What it does to a picture, in plain words.
        sizes: Heights (and widths) it is made for.
        source: Where it comes from; empty where nobody in particular is to be named.
        make: Size and seed → `(size, size)`; only the random one looks at the seed.
    """

    name: str
    title: str
    meaning: str
    sizes: tuple[int, ...]
    source: str
    make: Callable[[int, int], np.ndarray]

    def kernel(self, size: int | None = None, seed: int = 0) -> np.ndarray:
        """Return the weights, float64 `(size, size)`; by default 3 × 3.

        Raises:
            ValueError: If the preset is not made for this size.

        Example:
            >>> PRESETS["sobel_x"].kernel()
            array([[-1.,  0.,  1.],
                   [-2.,  0.,  2.],
                   [-1.,  0.,  1.]])
        """
        size = 3 if size is None else size
        if size not in self.sizes:
            sizes = ", ".join(map(str, self.sizes))
            raise ValueError(f"{self.title} is made for size {sizes}; received {size!r}.")
        return self.make(size, seed)


def _fixed(*rows: tuple[float, ...]) -> Callable[[int, int], np.ndarray]:
    return lambda size, seed: np.array(rows, np.float64)


def _identity(size: int, seed: int) -> np.ndarray:
    kernel = np.zeros((size, size))
    kernel[size // 2, size // 2] = 1
    return kernel


def _random(size: int, seed: int) -> np.ndarray:
    """Of variance 1 / cells, as a layer is initialised; two decimals, so that a link carries it exactly."""
    return np.round(np.random.default_rng(seed).standard_normal((size, size)) / size, 2) + 0.0  # no -0


_ODD = (1, 3, 5, 7)

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("identity", "Identity", "Leaves the picture as it is.", _ODD, "", _identity),
        Preset(
            "sobel_x",
            "Sobel x",
            "Finds vertical edges: positive where it gets brighter to the right.",
            (3,),
            "Sobel & Feldman 1968, Stanford Artificial Intelligence Project",
            _fixed((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
        ),
        Preset(
            "sobel_y",
            "Sobel y",
            "Finds horizontal edges: positive where it gets brighter downwards.",
            (3,),
            "Sobel & Feldman 1968, Stanford Artificial Intelligence Project",
            _fixed((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
        ),
        Preset(
            "prewitt_x",
            "Prewitt x",
            "Finds vertical edges, all three rows counting alike.",
            (3,),
            "Prewitt 1970, Object Enhancement and Extraction",
            _fixed((-1, 0, 1), (-1, 0, 1), (-1, 0, 1)),
        ),
        Preset(
            "prewitt_y",
            "Prewitt y",
            "Finds horizontal edges, all three columns counting alike.",
            (3,),
            "Prewitt 1970, Object Enhancement and Extraction",
            _fixed((-1, -1, -1), (0, 0, 0), (1, 1, 1)),
        ),
        Preset(
            "laplacian",
            "Laplacian",
            "Finds spots and edges of any direction: how much the neighbours differ.",
            (3,),
            "Second differences; Marr & Hildreth 1980",
            _fixed((0, 1, 0), (1, -4, 1), (0, 1, 0)),
        ),
        Preset(
            "sharpen",
            "Sharpen",
            "Makes edges crisper: the picture minus its Laplacian.",
            (3,),
            "",
            _fixed((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
        ),
        Preset(
            "box",
            "Box blur",
            "Averages all pixels under it alike.",
            _ODD,
            "",
            lambda size, seed: np.full((size, size), 1 / size**2),
        ),
        Preset(
            "gaussian",
            "Gaussian blur",
            "Averages, the nearer a pixel the more it counts.",
            _ODD,
            "Binomial weights, close to a Gaussian of variance (size − 1) / 4",
            lambda size, seed: binomial(size),
        ),
        Preset(
            "emboss",
            "Emboss",
            "Lights the picture from the top left, as if it were a relief.",
            (3,),
            "",
            _fixed((-2, -1, 0), (-1, 1, 1), (0, 1, 2)),
        ),
        Preset(
            "motion",
            "Motion blur",
            "Averages along the diagonal, as if the camera had moved.",
            _ODD,
            "",
            lambda size, seed: np.eye(size) / size,
        ),
        Preset(
            "random",
            "Random",
            "No meaning yet: what a layer starts from before it has learnt.",
            _ODD,
            "Variance 1 / number of weights; LeCun et al. 1998, Efficient BackProp",
            _random,
        ),
    )
}


def preset(name: str) -> Preset:
    """Return the preset of this name.

    Raises:
        ValueError: If there is none.

    Example:
        >>> preset("box").title
        'Box blur'
    """
    if name not in PRESETS:
        raise ValueError(f"There is no kernel {name!r}. Choose one of: {', '.join(PRESETS)}.")
    return PRESETS[name]


# Changes -------------------------------------------------------------------------------------------------------------


def flip(kernel: np.ndarray) -> np.ndarray:
    """Return the kernel turned by 180°: what tells a convolution from a cross-correlation.

    Example:
        >>> flip(np.array([[1, 2], [3, 4]]))
        array([[4, 3],
               [2, 1]])
    """
    return kernel[::-1, ::-1].copy()


def transpose(kernel: np.ndarray) -> np.ndarray:
    """Return the kernel with rows and columns exchanged: x becomes y.

    Example:
        >>> transpose(np.array([[1, 2], [3, 4]]))
        array([[1, 3],
               [2, 4]])
    """
    return np.swapaxes(kernel, 0, 1).copy()


def negate(kernel: np.ndarray) -> np.ndarray:
    """Return the kernel with all signs changed: it answers where it was against.

    Example:
        >>> negate(np.array([[1.0, 0.0, -2.0]]))
        array([[-1.,  0.,  2.]])
    """
    return 0 - kernel  # unlike -kernel without -0


def normalise(kernel: np.ndarray) -> tuple[np.ndarray, str]:
    """Scale a kernel so that what it computes stays in the range of a picture, and say how.

    A kernel with a sum is divided by it: flat areas keep their brightness. One that sums to zero is divided by the sum
    of its positive weights: on a picture of 0 to 1 its answer stays within -1 and 1.

    Args:
        kernel: `(kh, kw)`.

    Returns:
        The scaled kernel, float64, and a sentence.

    Example:
        >>> normalise(np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]))[1]
        'It sums to 0, so it was divided by the sum of its positive weights, 4: its answer stays between −1 and 1.'
    """
    kernel = np.asarray(kernel, np.float64)
    total, positive = kernel.sum(), kernel[kernel > 0].sum()
    if not kernel.any():
        return kernel.copy(), "All weights are 0; there is nothing to scale."
    if abs(total) <= 1e-9 * np.abs(kernel).sum():  # rounding, not a sum
        return kernel / positive + 0.0, (
            f"It sums to 0, so it was divided by the sum of its positive weights, {_number(positive)}: its answer "
            "stays between −1 and 1."
        )
    return kernel / total + 0.0, f"It was divided by its sum, {_number(total)}: flat areas keep their brightness."


# In a link -----------------------------------------------------------------------------------------------------------


def to_text(kernel: np.ndarray) -> str:
    """Return the kernel as short text: rows between `;`, cells between `,`, six significant digits.

    Args:
        kernel: Square, at most `MAX_SIZE` a side.

    Returns:
        Text that `from_text` reads.

    Raises:
        ValueError: If `from_text` would not take it back.

    Example:
        >>> to_text(np.array([[-1, 0, 0.5], [-2, 0, 2], [-1, 0, 1]]))
        '-1,0,0.5;-2,0,2;-1,0,1'
    """
    kernel = np.asarray(kernel)
    if kernel.ndim != 2:
        raise ValueError(f"A kernel in a link has rows and columns; received shape {kernel.shape}.")
    text = ";".join(",".join(_number(cell) for cell in row) for row in kernel.tolist())
    from_text(text)
    return text


def from_text(text: str) -> np.ndarray:
    """Return the kernel that a text means.

    Args:
        text: Rows between `;`, cells between `,`, as `to_text` writes it.

    Returns:
        float64, square.

    Raises:
        ValueError: If it is none, with a sentence that says why.

    Example:
        >>> from_text("0,1;-1,.5")
        array([[ 0. ,  1. ],
               [-1. ,  0.5]])
    """
    if len(text) > _MAX_TEXT:
        raise ValueError(f"A kernel takes at most {_MAX_TEXT} characters; received {len(text)}.")
    rows = [row.split(",") for row in text.split(";")]
    lengths = {len(row) for row in rows}
    if lengths != {len(rows)} or len(rows) > MAX_SIZE:
        raise ValueError(
            f"A kernel is square, 1 × 1 to {MAX_SIZE} × {MAX_SIZE}; received {len(rows)} row{'s' * (len(rows) > 1)} of "
            f"{' or '.join(map(str, sorted(lengths)))} number{'s' * (lengths != {1})}."
        )
    for cell in (cell for row in rows for cell in row):
        if not _NUMBER.fullmatch(cell.strip(" ")):
            raise ValueError(f"A cell of a kernel is a number between −{LIMIT} and {LIMIT}; received {cell[:20]!r}.")
    return np.array([[float(cell) for cell in row] for row in rows]) + 0.0  # no -0


def _number(value: float) -> str:
    """Six significant digits, without .0 or -0; what is below a billionth counts as 0."""
    return f"{value if abs(value) >= 1e-9 else 0:.6g}"
