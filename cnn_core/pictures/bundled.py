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
        credit: Who made it, and its licence.
        load: Reads it.
    """

    name: str
    credit: str
    load: Callable[[], Picture]


def _photo(package: str, folder: str, file: str) -> Callable[[], Picture]:
    def load() -> Picture:
        found = importlib.util.find_spec(package)  # found, not imported: scikit-learn alone costs a second
        assert found is not None and found.origin is not None
        path = Path(found.origin).parent / folder / file
        return decode(path.read_bytes(), Path(file).stem)

    return load


def _bar() -> Picture:
    image = np.zeros((6, 6, 3), np.uint8)
    image[:, 2:4] = 255
    return Picture(image, "bar")


def _digit(label: int) -> Callable[[], Picture]:
    def load() -> Picture:
        from sklearn.datasets import load_digits

        bunch = load_digits()
        ink = bunch.images[int(np.flatnonzero(bunch.target == label)[0])]  # 0…16
        return Picture(np.repeat(np.round(ink * (255 / 16)).astype(np.uint8)[..., None], 3, axis=2), f"digit-{label}")

    return load


_SKIMAGE = "scikit-image"
_CREDITS = {
    "chelsea": f"Stéfan van der Walt, CC0 ({_SKIMAGE})",
    "coffee": f"Rachel Michetti, CC0 ({_SKIMAGE})",
    "astronaut": f"NASA: Eileen Collins, public domain ({_SKIMAGE})",
    "camera": f"Lav Varshney, CC0 ({_SKIMAGE})",
    "rocket": f"SpaceX, CC0 ({_SKIMAGE})",
}

BUNDLED: dict[str, Bundled] = {
    entry.name: entry
    for entry in (
        *(
            Bundled(name, credit, _photo("skimage", "data", f"{name}.{'jpg' if name == 'rocket' else 'png'}"))
            for name, credit in _CREDITS.items()
        ),
        Bundled("china", "danielbuechele, CC BY 2.0 (scikit-learn)", _photo("sklearn", "datasets/images", "china.jpg")),
        Bundled("flower", "vultilion, CC BY 2.0 (scikit-learn)", _photo("sklearn", "datasets/images", "flower.jpg")),
        Bundled("bar", "the 6 × 6 bar of equation N2.1", _bar),
        *(Bundled(f"digit-{n}", "UCI digits, CC BY 4.0 (scikit-learn)", _digit(n)) for n in (3, 7)),
    )
}
