"""Names in the code page of the computer that wrote them, which an archive does not tell: guessed over all of them.

For each page that can decode every name the likelihood of the text is summed, character by character, from how common
each is in names of the page's language. The likeliest page wins. Single names are too short to tell; a whole archive's
folders mostly do.
"""

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from cnn_core.pictures.common_characters import HANGUL, JAPANESE, SIMPLIFIED, TRADITIONAL

# Letters and how common they are, of a thousand.
_RUSSIAN = (
    "о110 е85 а80 и73 н67 т63 с55 р47 в45 л44 к35 м32 д30 п28 у26 я20 ы19 ь17 г17 з16 б16 ч14 й12 х10 ж9 ш7 ю6 ц5 щ4 "
    "э3 ф3 ъ1 ё3"
)
_LATIN = (  # of those with marks, over the languages of Western Europe
    "é14 è5 ê4 à6 ç6 ü9 ö9 ä9 ñ6 ó7 í6 á7 ú4 ã6 õ3 å5 ø4 æ3 ß4 â3 î2 ô3 û2 ë3 ï2 ò3 ù3 ì2 É2 Ä2 Ö3 Ü3 Å2 Ø2 "
    "Á1 Í1 Ó1 Ú1 Ñ1 Ç1 À1 È1 Ê1 Æ1 Î1 Ô1 Ã1 Õ1 Â1"
)
_NEVER = -13.0  # what stands in no name


def _table(text: str) -> dict[str, float]:
    return {entry[0]: math.log(int(entry[1:]) / 1000) for entry in text.split()}


_RUSSIAN_LETTERS, _LATIN_LETTERS = _table(_RUSSIAN), _table(_LATIN)
_SIMPLIFIED, _TRADITIONAL = frozenset(SIMPLIFIED), frozenset(TRADITIONAL)
_JAPANESE, _HANGUL = frozenset(JAPANESE), frozenset(HANGUL)


def _ascii(character: str) -> float:
    """Score what every page has; second bytes of other pages' characters come out as such."""
    return -3.3 if character.isalnum() else -3.5 if character in " _-.,()" else -7.0


def _russian(character: str, before: str, after: str) -> float:
    lower = character.lower()
    if lower not in _RUSSIAN_LETTERS:
        return -8.0 if character in "ІіЇїЄєҐґЎў№«»–—" else _NEVER
    score = _RUSSIAN_LETTERS[lower]
    if character != lower:
        score -= 6.0 if before.islower() else 1.5
    return score - 4.0 * (_is_ascii_letter(before) + _is_ascii_letter(after))


def _latin(character: str, before: str, after: str) -> float:
    if character not in _LATIN_LETTERS:
        return -9.0 if character in "ªº°’–" else _NEVER
    # Mostly one among ASCII letters; capitals at the beginning.
    score = _LATIN_LETTERS[character] - (2.0 if not before.isascii() else 0.0)
    score -= 0.0 if _is_ascii_letter(before) or _is_ascii_letter(after) else 3.0
    return score - (6.0 if character.isupper() and before.islower() else 0.0)


def _any(character: str, before: str, after: str) -> float:
    """Score a character of UTF-8, which holds all scripts."""
    if character.lower() in _RUSSIAN_LETTERS:
        return _russian(character, before, after)
    if character in _LATIN_LETTERS:
        return _latin(character, before, after)
    if "\u0300" <= character <= "\u036f":
        return -4.0  # a mark that macOS writes after its letter
    return -6.0 if character >= "\u3000" else -7.0 if character.isalpha() else -9.0


def _is_ascii_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


def _simplified(character: str) -> float:
    if character in _SIMPLIFIED:
        return -6.3
    first, *rest = character.encode("gbk")
    if "\u4e00" <= character <= "\u9fff":  # the levels of GB 2312, which GBK surrounds
        return -12.5 if first < 0xB0 or rest[0] < 0xA1 else -8.8 if first <= 0xD7 else -11.0
    return _wide(character)


def _traditional(character: str) -> float:
    if character in _TRADITIONAL:
        return -6.3
    if "\u4e00" <= character <= "\u9fff":
        return -9.0 if character.encode("cp950")[0] <= 0xC6 else -12.5
    return _wide(character)


def _japanese(character: str) -> float:
    if "\u3041" <= character <= "\u3093":
        return -4.2
    if "\u30a1" <= character <= "\u30f6" or character == "ー":
        return -4.4
    if character in _JAPANESE:
        return -6.6
    if "\uff66" <= character <= "\uff9f":
        return -6.5  # half width: a byte each
    if "\u4e00" <= character <= "\u9fff" or character == "々":
        return -9.2 if character.encode("cp932")[0] <= 0x98 else -12.5
    return _wide(character)


def _korean(character: str) -> float:
    if character in _HANGUL:
        return -5.8
    if "\uac00" <= character <= "\ud7a3":
        first, second = character.encode("cp949")
        return -8.8 if first >= 0xB0 and second >= 0xA1 else -12.0  # of KS X 1001, or what cp949 adds
    return _wide(character)


def _wide(character: str) -> float:
    return -9.0 if "\uff01" <= character <= "\uff5e" or character in "　（）、。·・—「」" else _NEVER


def _in_a_row(score: Callable[[str], float]) -> Callable[[str, str, str], float]:
    """Make a character rarer beside a small ASCII letter."""

    def with_neighbours(character: str, before: str, after: str) -> float:
        mixed = sum(_is_ascii_letter(one) and one.islower() for one in (before, after))
        return score(character) - 2.5 * mixed

    return with_neighbours


@dataclass(frozen=True)
class _Page:
    codec: str
    language: str
    score: Callable[[str, str, str], float]


_PAGES = (  # of equals the first
    _Page("utf-8", "", _any),
    _Page("cp437", "Western European", _latin),
    _Page("cp850", "Western European", _latin),
    _Page("cp1252", "Western European", _latin),
    _Page("cp866", "Russian", _russian),
    _Page("cp1251", "Russian", _russian),
    _Page("cp932", "Japanese", _in_a_row(_japanese)),
    _Page("gbk", "simplified Chinese", _in_a_row(_simplified)),
    _Page("cp950", "traditional Chinese", _in_a_row(_traditional)),
    _Page("cp949", "Korean", _in_a_row(_korean)),
)
_LANGUAGES = {page.codec: page.language for page in _PAGES}


def guess(names: Iterable[bytes]) -> str:
    """Return the codec that names were most likely written in.

    Args:
        names: Paths as they stand in the archive, with `/` between folders (in all these pages that byte is no part of
            another character; the backslash is).

    Returns:
        "ascii" or "utf-8" where that is true of all; else one of cp437, cp850, cp1252, cp866, cp1251, cp932, gbk,
        cp950, cp949.

    Example:
        >>> guess([name.encode("cp932") for name in ("猫/1.jpg", "ソファ/2.jpg")])
        'cp932'
    """
    parts = {part for name in names for part in name.split(b"/") if not part.isascii()}
    if not parts:
        return "ascii"
    scores = {}
    for page in _PAGES:
        with suppress(UnicodeDecodeError):  # then it is not this one
            scores[page.codec] = sum(_likelihood(page, part.decode(page.codec)) for part in sorted(parts))
    return max(scores, key=scores.__getitem__)  # cp437 decodes everything


def language(codec: str) -> str:
    """Return the language that a code page is for, in words."""
    return _LANGUAGES[codec]


def _likelihood(page: _Page, text: str) -> float:
    neighbours = zip(text, " " + text, text[1:] + " ", strict=False)
    return sum(_ascii(one) if one.isascii() else page.score(one, before, after) for one, before, after in neighbours)
