"""The flags of a command from the fields of a spec: what is not given is left to the spec's own default. Light."""

import argparse
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from cnn_core.training.spec import Bounds, Spec, bounds_of


def add_flags(parser: argparse.ArgumentParser, options: type[Spec]) -> None:
    """Add a flag for every option: `training_splits` becomes `--training-splits`, several values `A,B,…`.

    Example:
        >>> from dataclasses import dataclass
        >>> from cnn_core.training.spec import number, numbers
        >>> @dataclass(frozen=True)
        ... class Toy(Spec):
        ...     epochs: int = number(10, 1, 200)
        ...     top_rates: tuple[float, ...] = numbers((0.1,), 1e-6, 1.0)
        >>> parser = argparse.ArgumentParser()
        >>> add_flags(parser, Toy)
        >>> chosen(parser.parse_args(["--top-rates", "0.5,0.1"]), Toy)
        {'top_rates': (0.5, 0.1)}
    """
    for entry in fields(options):
        bounds, name = bounds_of(entry), flag(entry.name)
        usual = f" (default: {_text(entry.default)})" if entry.default != () else ""
        about = (_about(bounds) + usual).replace("%", "%%")
        if isinstance(entry.default, bool):
            parser.add_argument(name, action=argparse.BooleanOptionalAction, help=about)
            continue
        kind = str if bounds.known else int if bounds.whole else float
        metavar = "A,B,…" if bounds.many else "NAME" if bounds.known else "N" if bounds.whole else "X"
        parser.add_argument(name, type=_several(kind) if bounds.many else kind, metavar=metavar, help=about)


def flag(name: str) -> str:
    """Return the flag of an option."""
    return f"--{name.replace('_', '-')}"


def chosen(given: argparse.Namespace, options: type[Spec]) -> dict[str, Any]:
    """Return the options that were given."""
    values = {entry.name: getattr(given, entry.name) for entry in fields(options)}
    return {name: value for name, value in values.items() if value is not None}


def spelled(changed: dict[str, Any]) -> str:
    """Write options as flags.

    Example:
        >>> spelled({"epochs": 3, "sizes": (1, 5), "augment": False})
        '--epochs 3 --sizes 1,5 --no-augment'
    """
    words = []
    for name, value in changed.items():
        if isinstance(value, bool):
            words.append(flag(name) if value else flag(f"no_{name}"))
        else:
            words.append(f"{flag(name)} {_text(value)}")
    return " ".join(words)


def _about(bounds: Bounds) -> str:
    # As a control says it: its label, then the sentence, which alone need not tell what it is about.
    words = ". ".join(each.rstrip(".") for each in (bounds.label, bounds.about) if each)
    among = f"of {', '.join(bounds.known())}" if bounds.known else f"{bounds.low} to {bounds.high}"
    return f"{words}; {among}" if bounds.known or bounds.low is not None else words


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _several(kind: type) -> Callable[[str], tuple[Any, ...]]:
    def several(text: str) -> tuple[Any, ...]:
        return tuple(kind(part.strip()) for part in text.split(",") if part.strip())

    several.__name__ = f"list of {kind.__name__}"  # argparse names it where it refuses a value
    return several
