"""What a study is asked to do: parsed and checked once, immutable afterwards. Light: no Keras."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

TRAINING_PICTURES = 1438  # of the digits that ship; the rest of the 1,797 is for testing
MOMENTUM = 0.9


class StudyRefused(ValueError):
    """An option that no study can be made of; the text says what to change."""


def _number(default: float, low: float, high: float) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


def _numbers(default: tuple[float, ...], low: float, high: float, most: int) -> Any:
    """Different numbers in rising order, at most so many."""
    return field(default=default, metadata={"low": low, "high": high, "most": most})


class _Spec:
    """What the three specs share: bounds, which stand in the fields' metadata, and JSON."""

    def __post_init__(self) -> None:
        for entry in fields(self):  # type: ignore[arg-type]
            name, value, bounds = entry.name, getattr(self, entry.name), entry.metadata
            if not bounds:
                continue
            low, high = bounds["low"], bounds["high"]
            many = "most" in bounds
            if many:
                value = tuple(sorted(set(value)))
                object.__setattr__(self, name, value)
                if not 1 <= len(value) <= bounds["most"]:
                    raise StudyRefused(f"{name} has {len(value)} values; expected 1 to {bounds['most']} of them.")
            for number in value if many else (value,):
                whole = isinstance(low, int)
                if isinstance(number, bool) or not isinstance(number, int if whole else int | float):
                    raise StudyRefused(f"{name} is {number!r}; expected a {'whole ' if whole else ''}number.")
                if not low <= number <= high:
                    raise StudyRefused(f"{name} is {number}; expected {low} to {high}.")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read back what `to_json` wrote; options that are missing have their defaults.

        Raises:
            StudyRefused: If an option is not known, or out of bounds.
        """
        known = [entry.name for entry in fields(cls)]  # type: ignore[arg-type]
        if unknown := sorted(set(values) - set(known)):
            raise StudyRefused(f"{unknown[0]!r} is no option of this study; expected some of {', '.join(known)}.")
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        values = asdict(self)  # type: ignore[call-overload]
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

    def seed_list(self) -> range:
        """Return the seeds of the repetitions, one after the other."""
        return range(self.seed, self.seed + self.seeds)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Degradation(_Spec):
    """Plain against residual, shallow against deep.

    Attributes:
        shallow_depth: Layers with weights of the shallow nets, 6n + 2.
        deep_depth: The same of the deep ones; more than `shallow_depth`.
        width: Filters of the first stage (the paper: 16).
        input_size: Pixels along each side; the digits have 8 and are enlarged (the paper: 32).
        epochs: Passes over the training pictures.
        batch_size: Pictures a step (the paper: 128).
        learning_rate: Of SGD with momentum 0.9, the same for all arms.
        batch_norm: BatchNorm after every convolution, as in the paper.
        seeds: Repetitions, each with other weights and another order; the same for all arms.
        seed: The first of them.

    Example:
        >>> Degradation(deep_depth=57)
        Traceback (most recent call last):
        cnn_core.training.studies.spec.StudyRefused: deep_depth is 57; expected 6n + 2: 8, 14, 20, 26, … 110.
    """

    shallow_depth: int = _number(20, 8, 104)
    deep_depth: int = _number(56, 14, 110)
    width: int = _number(8, 2, 64)
    input_size: int = _number(8, 8, 32)
    epochs: int = _number(15, 1, 200)
    batch_size: int = _number(128, 8, 512)
    learning_rate: float = _number(0.02, 1e-5, 1.0)
    batch_norm: bool = True
    seeds: int = _number(3, 1, 10)
    seed: int = _number(0, 0, 2**31 - 100)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("shallow_depth", "deep_depth"):
            if getattr(self, name) % 6 != 2:
                raise StudyRefused(f"{name} is {getattr(self, name)}; expected 6n + 2: 8, 14, 20, 26, … 110.")
        if self.deep_depth <= self.shallow_depth:
            shallow = self.shallow_depth
            raise StudyRefused(f"deep_depth is {self.deep_depth}; expected more than shallow_depth, {shallow}.")


@dataclass(frozen=True)
class LeNet(_Spec):
    """LeNet-5 on the digits.

    Attributes:
        epochs: Passes over the training pictures.
        batch_size: Pictures a step.
        learning_rate: Of Adam.
        shift: Training pictures are moved by up to so many of their 32 pixels, so that drawn digits need not sit well.
        seed: Of weights, order and shifts.
    """

    epochs: int = _number(15, 1, 100)
    batch_size: int = _number(32, 8, 512)
    learning_rate: float = _number(1e-3, 1e-5, 0.1)
    shift: int = _number(2, 0, 6)
    seed: int = _number(0, 0, 2**31 - 100)


@dataclass(frozen=True)
class InductiveBias(_Spec):
    """A small convnet against a small ViT of as many parameters, on ever more pictures.

    Attributes:
        sizes: Numbers of training pictures, equally many of each digit as far as possible.
        steps: Steps of every training, whatever the number of pictures; more of them help the ViT more.
        batch_size: Pictures a step.
        learning_rates: Of Adam, at the start, then down to zero on a half cosine; each network gets the one that is
            best for it on the validation pictures.
        shuffled: Repeat all with the pixels of every picture moved by one fixed permutation: the same information
            without neighbourhood.
        seeds: Repetitions, each with other weights and other training pictures; the same for both networks.
        seed: The first of them.
    """

    sizes: tuple[int, ...] = _numbers((50, 100, 200, 500, 1138), 20, 1138, 8)
    steps: int = _number(400, 1, 20000)
    batch_size: int = _number(32, 8, 512)
    learning_rates: tuple[float, ...] = _numbers((1e-3, 3e-3, 1e-2, 3e-2), 1e-5, 0.1, 5)
    shuffled: bool = True
    seeds: int = _number(3, 1, 10)
    seed: int = _number(0, 0, 2**31 - 100)
