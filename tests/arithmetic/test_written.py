"""Numbers are written one way on every page."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cnn_core.arithmetic.written import in_bytes, minus

ROOT = Path(__file__).parents[2]
SPACED = re.compile(r"[\d}][ \u00a0]%(?!\{(?!receipt)|[\w(]| \d)")


def texts() -> Iterator[tuple[str, str]]:
    for folder in ("cnn_core", "pages", "ui"):
        for file in [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.js")]:
            code, name = file.read_text(), str(file.relative_to(ROOT))
            if "litert" in file.parts:
                continue
            if file.suffix == ".js":
                yield name, code
            else:
                parts = tokenize.generate_tokens(io.StringIO(code).readline)
                kinds = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
                yield name, "\n".join(part.string for part in parts if part.type in kinds)


def test_percent_sign_stands_close_to_its_number() -> None:
    assert SPACED.search("f'{share:.1f} % of'") and SPACED.search("87 %{receipt('x')}")
    assert not SPACED.search("f'%{{x}} %{{y}}'")
    assert {name: found.group() for name, code in texts() if (found := SPACED.search(code))} == {}


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
def test_minus_keeps_the_number_and_signs_no_zero(value: float, digits: int) -> None:
    said = minus(f"{value:.{digits}f}")
    assert "-" not in said and float(said.replace("−", "-")) == float(f"{value:.{digits}f}")
    assert said.startswith("−") == (float(f"{value:.{digits}f}") < 0)


@given(st.integers(0, 10**14))
def test_bytes_are_within_half_of_their_third_digit(count: int) -> None:
    number, unit = in_bytes(count).split(" ")
    said = float(number) * 1000 ** (1 + ("kB", "MB", "GB", "TB").index(unit))
    assert "e" not in number and abs(said - count) <= 0.005 * count
