"""Pictures that come with the installation: photos with credit, the chapter's bar, handwritten digits."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn_core.pictures.images import Picture, decode


@dataclass(frozen=True)
class Bundled:
    """A picture at hand.

    Attributes:
        name: Key in BUNDLED, and in links.
        title: For people.
        credit: Who made it, and its licence.
        load: Reads it.
    """

    name: str
    title: str
    credit: str
    load: Callable[[], Picture]


def installed(package: str, file: str) -> Path:
    """Return a file of a package, found without importing it: scikit-learn alone costs a second and 60 MB.

    Args:
        package: Its name.
        file: Its path within the package.
    """
    found = importlib.util.find_spec(package)
    assert found is not None and found.origin is not None
    return Path(found.origin).parent / file


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the UCI digits as scikit-learn has them.

    Returns:
        Ink, 0 to 16, float64 `(1797, 8, 8)`, and which digits they are, int64 `(1797,)`.

    Example:
        >>> ink, labels = digits()
        >>> ink.shape, labels[:3].tolist()
        ((1797, 8, 8), [0, 1, 2])
    """
    table = np.loadtxt(installed("sklearn", "datasets/data/digits.csv.gz"), delimiter=",")
    return table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(np.int64)


def _photo(package: str, file: str) -> Callable[[], Picture]:
    return lambda: decode(installed(package, file).read_bytes(), Path(file).stem)


def _bar() -> Picture:
    image = np.zeros((6, 6, 3), np.uint8)
    image[:, 2:4] = 255
    return Picture(image, "bar")


def _digit(label: int) -> Callable[[], Picture]:
    def load() -> Picture:
        images, labels = digits()
        ink = images[int(np.flatnonzero(labels == label)[0])]  # 0…16
        return Picture(np.repeat(np.round(ink * (255 / 16)).astype(np.uint8)[..., None], 3, axis=2), f"digit-{label}")

    return load


_SKIMAGE = "scikit-image"
_PHOTOS = {
    "chelsea": ("Chelsea the cat", f"Stéfan van der Walt, CC0 ({_SKIMAGE})"),
    "coffee": ("Cup of coffee", f"Rachel Michetti, CC0 ({_SKIMAGE})"),
    "astronaut": ("Astronaut", f"NASA: Eileen Collins, public domain ({_SKIMAGE})"),
    "camera": ("Photographer", f"Lav Varshney, CC0 ({_SKIMAGE})"),
    "rocket": ("Rocket", f"SpaceX, CC0 ({_SKIMAGE})"),
}
_CHINA, _FLOWER = "danielbuechele, CC BY 2.0 (scikit-learn)", "vultilion, CC BY 2.0 (scikit-learn)"
_DIGITS = "UCI digits, CC BY 4.0 (scikit-learn)"

BUNDLED: dict[str, Bundled] = {
    entry.name: entry
    for entry in (
        *(
            Bundled(name, title, credit, _photo("skimage", f"data/{name}.{'jpg' if name == 'rocket' else 'png'}"))
            for name, (title, credit) in _PHOTOS.items()
        ),
        Bundled("china", "Temple in China", _CHINA, _photo("sklearn", "datasets/images/china.jpg")),
        Bundled("flower", "Flower", _FLOWER, _photo("sklearn", "datasets/images/flower.jpg")),
        Bundled("bar", "The 6 × 6 bar", "the 6 × 6 bar of equation N2.1", _bar),
        *(Bundled(f"digit-{n}", f"A handwritten {n}", _DIGITS, _digit(n)) for n in (3, 7)),
    )
}

PHOTOS = (*_PHOTOS, "china", "flower")  # of these, the photographs
