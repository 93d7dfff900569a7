"""What an experiment is asked to do: options with bounds, checked once, immutable afterwards. Light: no Keras.

Every experiment's options are a frozen dataclass derived from `Spec` whose fields are made by `number`, `numbers`,
`choice`, `choices` or `flag`. From the fields come the checks, the JSON, the flags of the command line and the controls
of the page; nothing else needs to be told of an option.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Generic, Self, TypeVar

from cnn_core.pictures import bursts
from cnn_core.pictures.items import YOURS, Item, SpecRefused, quoted, shortage

MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class Bounds:
    """What a field may be, and what people are told of it.

    Attributes:
        label: In a few words, for a control.
        about: In a sentence or less, for a help text.
        low, high: Of a number; whole numbers where both are.
        known: Of a choice: the names, read when they are needed; a mapping of names has a title for each.
        many: Several at once; `fewest` and `most` of them.
        empty: Where none may be chosen: what none stands for.
        ordered: Several are kept in the order of `known` (of numbers: rising), each once.
    """

    label: str = ""
    about: str = ""
    low: float | None = None
    high: float | None = None
    known: Callable[[], Collection[str]] | None = None
    many: bool = False
    fewest: int = 1
    most: int = 100
    empty: str = ""
    ordered: bool = True

    @property
    def whole(self) -> bool:
        """True for whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def titles(self) -> dict[str, str]:
        """Of a choice: each name with its title for people, which is the name where it has none."""
        known = self.known() if self.known else ()
        return dict(known) if isinstance(known, Mapping) else {name: name for name in known}


def number(default: float, low: float, high: float, label: str = "", about: str = "") -> Any:
    """Return a field for a number; a whole one where both bounds are whole."""
    return field(default=default, metadata={"bounds": Bounds(label, about, low, high)})


def numbers(
    default: Sequence[float],
    low: float,
    high: float,
    label: str = "",
    about: str = "",
    *,
    fewest: int = 1,
    most: int = 100,
    empty: str = "",
) -> Any:
    """Return a field for different numbers in rising order."""
    bounds = Bounds(label, about, low, high, many=True, fewest=fewest, most=most, empty=empty)
    return field(default=tuple(default), metadata={"bounds": bounds})


def choice(default: str, known: Callable[[], Collection[str]], label: str = "", about: str = "") -> Any:
    """Return a field for one of some names."""
    return field(default=default, metadata={"bounds": Bounds(label, about, known=known)})


def choices(
    default: Sequence[str],
    known: Callable[[], Collection[str]],
    label: str = "",
    about: str = "",
    *,
    fewest: int = 1,
    empty: str = "",
) -> Any:
    """Return a field for several of some names, kept in their order."""
    bounds = Bounds(label, about, known=known, many=True, fewest=fewest, empty=empty)
    return field(default=tuple(default), metadata={"bounds": bounds})


def flag(default: bool, label: str = "", about: str = "") -> Any:
    """Return a field that is on or off."""
    return field(default=default, metadata={"bounds": Bounds(label, about)})


def seed() -> Any:
    """Return the field of a seed."""
    return number(0, 0, MAX_SEED, "Seed", "Of divisions, draws, order and new weights.")


@dataclass(frozen=True)
class Spec:
    """The options of an experiment.

    Raises:
        SpecRefused: If an option is of the wrong type or out of bounds.

    Example:
        >>> @dataclass(frozen=True)
        ... class Toy(Spec):
        ...     epochs: int = number(10, 1, 200)
        ...     rates: tuple[float, ...] = numbers((0.1,), 1e-6, 1.0)
        >>> Toy.from_json(Toy(epochs=3).to_json())
        Toy(epochs=3, rates=(0.1,))
        >>> Toy(epochs=2.5)
        Traceback (most recent call last):
        cnn_core.pictures.items.SpecRefused: epochs is 2.5; expected a whole number from 1 to 200.
        >>> Toy.from_json({"epoch": 3})
        Traceback (most recent call last):
        cnn_core.pictures.items.SpecRefused: 'epoch' is no option here; expected some of epochs, rates.
    """

    # Options that version 0.1 wrote into every spec although they belonged to another: read over, not refused.
    foreign: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = _checked(entry.name, getattr(self, entry.name), bounds_of(entry), entry.default)
            object.__setattr__(self, entry.name, value)
        self.check()

    def check(self) -> None:
        """Refuse what the fields alone cannot tell: for a spec to override."""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read back what `to_json` wrote; options that are missing have their defaults.

        Raises:
            SpecRefused: If an option is not known, or out of bounds.
        """
        known = [entry.name for entry in fields(cls)]
        if unknown := sorted(set(values) - set(known) - cls.foreign):
            raise SpecRefused(f"{quoted(unknown[0])} is no option here; expected some of {', '.join(known)}.")
        chosen = {key: value for key, value in values.items() if key in known}
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in chosen.items()})

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def bounds_of(entry: Any) -> Bounds:
    """Return the bounds of a dataclass field made here."""
    bounds: Bounds = entry.metadata["bounds"]
    return bounds


def _checked(name: str, value: Any, bounds: Bounds, default: Any) -> Any:
    """Return a value in its one form, or refuse it."""
    if bounds.known is None and bounds.low is None:
        if not isinstance(value, bool):
            raise SpecRefused(f"{name} is {quoted(value)}; expected true or false.")
        return value
    if not bounds.many:
        return _one(name, value, bounds)
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise SpecRefused(f"{name} is {quoted(value)}; expected a list of them.")
    values = [_one(name, each, bounds) for each in value]
    if not bounds.fewest <= len(set(values)) <= bounds.most:
        expected = f"{bounds.fewest} to {bounds.most}" if bounds.most < 100 else f"{bounds.fewest} or more"
        known = f" of {', '.join(bounds.known())}" if bounds.known else " of them"
        raise SpecRefused(f"{name} has {len(set(values))} values; expected {expected}{known}.")
    if not bounds.ordered:
        return tuple(dict.fromkeys(values))
    return tuple(each for each in bounds.known() if each in values) if bounds.known else tuple(sorted(set(values)))


def _one(name: str, value: Any, bounds: Bounds) -> Any:
    if bounds.known is not None:
        known = bounds.known()
        if value not in known:
            raise SpecRefused(f"{name} is {quoted(value)}; expected one of {', '.join(known)}.")
        return value
    kind = "whole number" if bounds.whole else "number"
    right = isinstance(value, int) if bounds.whole else isinstance(value, int | float)
    if isinstance(value, bool) or not right or not bounds.low <= value <= bounds.high:
        raise SpecRefused(f"{name} is {quoted(value)}; expected a {kind} from {bounds.low} to {bounds.high}.")
    return value if bounds.whole else float(value)


# Pictures and options -------------------------------------------------------------------------------------------------

Options = TypeVar("Options", bound=Spec)


@dataclass(frozen=True)
class OnPictures(Generic[Options]):
    """Labelled pictures and options, by value: all that a run on a reader's pictures needs.

    Raises:
        SpecRefused: If there are too few classes, pictures or recordings.
    """

    items: tuple[Item, ...]
    options: Options
    source: str = YOURS

    def __post_init__(self) -> None:
        if trouble := shortage([item.label for item in self.items if item.part != "test"]):
            raise SpecRefused(trouble)
        if trouble := bursts.shortage(self.items):
            raise SpecRefused(trouble)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, sorted; a label's index is its place here."""
        return tuple(sorted({item.label for item in self.items}))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        items = [item.to_json() for item in self.items]
        return {"items": items, "options": self.options.to_json(), "source": self.source}

    @classmethod
    def read(cls, values: Mapping[str, Any], options: type[Options]) -> Self:
        """Read back what `to_json` wrote."""
        items = tuple(Item.from_json(entry) for entry in values["items"])
        return cls(items, options.from_json(values["options"]), values["source"])
