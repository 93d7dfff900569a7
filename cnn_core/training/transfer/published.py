"""A published result, for a page that has none of the reader's own yet; README has the table. Light."""

from dataclasses import dataclass

from cnn_core.arithmetic.measures import Share, wilson


@dataclass(frozen=True)
class Published:
    """What a run with the default settings found.

    Attributes:
        about: The pictures.
        shares: Right answers of each arm.
        trained: Numbers that each arm changed.
        words: What each arm took.
        chance: What always naming the biggest class would get right.
        source: Where it stands, and how it is repeated.
    """

    about: str
    shares: dict[str, Share]
    trained: dict[str, int]
    words: dict[str, str]
    chance: float
    source: str


CLOTHING = Published(
    about="Five kinds of clothing: 300 photos to learn from, 60 others to be tested on (CC0).",
    shares={"frozen": wilson(57, 60), "fine_tuned": wilson(57, 60)},
    trained={"frozen": 6_405, "fine_tuned": 1_958_533},
    words={"frozen": "some seconds", "fine_tuned": "24 s"},
    chance=12 / 60,
    source="ConvScope's README, “What to expect”: seed 0, default settings, two cores without a GPU.",
)
