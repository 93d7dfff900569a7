"""What the name of a folder says: a class, a part of a set, a camera's session, a container, something else."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

from cnn_core.pictures.formats import printable
from cnn_core.pictures.limits import LABEL_CHARACTERS

_PART_NAMES = {
    "train": ("train", "training", "trn"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "tst", "eval", "evaluation"),
}
PART_OF = {name: part for part, names in _PART_NAMES.items() for name in names}
PART = re.compile(
    r"(?:\d{1,2}[ _.-]+)?"  # 01_train beside 02_test
    rf"(?P<before>.*[ _.-])?(?P<part>{'|'.join(PART_OF)})(?:[ _.-]?(?:set|data|images?|imgs?|split|part))?"
    r"(?:[ _.-]?(?:\d{1,4}|\(\d+\))"  # train2017, train (1)
    r"|[ _.-](?:small|mini|full|final|clean|new|all))?",
    re.IGNORECASE,
)

_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
_SESSION = re.compile(  # what cameras, phones and dates make
    r"dcim|\d{3}(?:apple|canon|media|andro|msdcf|olymp|_pana|nikon|gopro|_fuji|ricoh|kodak|pentx|casio|photo)"
    r"|(?:19|20)\d\d[-_. ]?(?:0[1-9]|1[0-2])[-_. ]?(?:0[1-9]|[12]\d|3[01])(?:[-_ t.].*)?"  # 2024-05-01, 20240501_1530
    r"|(?:19|20)\d\d[-_.](?:0[1-9]|1[0-2])"  # 2024-05
    r"|(?:0?[1-9]|[12]\d|3[01])[-_.](?:0?[1-9]|1[0-2])[-_.](?:19|20)?\d\d"  # 1.5.2024
    rf"|(?:\d{{1,2}}[ ._-]*)?(?:{_MONTHS})[ ._,-]*(?:\d{{1,2}}[ ._,-]+)?(?:19|20)\d\d"  # 1 May 2024
    r"|(?:first|second|third|fourth|fifth|sixth|last|next|\d+(?:st|nd|rd|th))[ _-]?(?:day|session|visit|shoot(?:ing)?)"
    r"|(?:day|session|visit|shoot(?:ing)?)[ _-]?\d+"
    r"|recording [0-9a-f]{16}"  # of this app: frames of one burst (`bursts.folder`)
    r"|photos from (?:19|20)\d\d|whatsapp (?:images|video|animated gifs|documents|stickers)|telegram images"
)
_CAMERA = re.compile(r"\d{3}(?=.{0,4}[A-Z_])[A-Z0-9_]{5}")  # DCF: 100NCD90, 101_PANA; 100euros is a person's
# What an app makes round its pictures: never a class, unless pictures lie in it beside classes (logos of apps).
_APP = re.compile(r"whatsapp(?: business)?|telegram|android|com\.whatsapp|internal storage|sd ?card|phone storage")
_CONTAINER = re.compile(
    r"(?:all[ _-]?)?(?:images?|imgs?|pics?|jpe?gs?|pngs?|jpegimages|data|dataset|media|thumbs|thumbnails)"
)
_KEEPSAKE = re.compile(
    r"photos?|fotos?|bilder|pictures?|originals?|raw|files?|frames|samples|camera(?: roll)?|camera uploads|screenshots"
    r"|im[aá]genes|immagini|изображения|картинки|фото|图片|照片|圖片|写真|画像|사진|이미지"
)
_BATCH = re.compile(r"(?:batch|fold|roll|card|series|lot|chunk|shard)[ _-]?\d+|(?:19|20)\d\d")
_NAMED = 6  # names in a sentence, and sentences of one kind
_OTHER_PURPOSE = re.compile(
    r"annotations?|labels|masks|ground[ _-]?truths?|imagesets|segmentations?(?:class|object)?|docs?|scripts|src|code"
    r"|models?|notebooks|logs|results|outputs?|weights|checkpoints|meta(?:data)?|json|xml|csv|txt"
)


def plain(name: str) -> str:
    """Return a name as it is compared: lower case, single blanks."""
    return " ".join(name.casefold().split())


@lru_cache(maxsize=4096)
def is_session(name: str) -> bool:
    """Tell whether a camera, a phone or a date made the name, or there is none.

    Example:
        >>> [is_session(name) for name in ("100APPLE", "2024-05-01", "second_day", "7", "20240501", "12345678")]
        [True, True, True, False, True, False]
    """
    if _CAMERA.fullmatch(name.strip()):
        return True
    return _SESSION.fullmatch(plain(name)) is not None or not name.strip(" .")


@lru_cache(maxsize=4096)
def is_keepsake(name: str) -> bool:
    """Tell whether a name says where pictures are kept, but may be a class as well, such as `photos`."""
    return _KEEPSAKE.fullmatch(plain(name)) is not None


@lru_cache(maxsize=4096)
def is_own(name: str) -> bool:
    """Tell whether a folder's name says what is in it.

    Example:
        >>> [is_own(name) for name in ("cats", "images", "photos", "DCIM", "3")]
        [True, False, False, False, True]
    """
    return not (is_session(name) or is_keepsake(name) or _CONTAINER.fullmatch(plain(name)))


@lru_cache(maxsize=4096)
def is_app(name: str) -> bool:
    """Tell whether an app or a phone makes a folder of that name round those of its pictures, as `WhatsApp` is."""
    return _APP.fullmatch(plain(name)) is not None


@lru_cache(maxsize=4096)
def is_batch(name: str) -> bool:
    """Tell whether a name only counts, as `batch_2`, `fold 3` and years do."""
    return _BATCH.fullmatch(plain(name)) is not None


@lru_cache(maxsize=4096)
def part_of(name: str) -> tuple[str, str]:
    """Return the part of a set that a folder's name speaks of, and what stands before it; or nothing.

    Example:
        >>> part_of("Valid"), part_of("seg_test"), part_of("val2017"), part_of("trains")
        (('validation', ''), ('test', 'seg_'), ('validation', ''), ('', ''))
    """
    match = PART.fullmatch(plain(name))
    return (PART_OF[match["part"]], match["before"] or "") if match else ("", "")


def shown(name: str) -> str:
    """Return a class's name as it may be shown and kept."""
    return printable(name).strip()


def ill_named(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return the names of class folders that cannot be taken, each with the reason and what to do.

    Example:
        >>> ill_named(["cats", "cats "])
        {'cats ': ("the name of its class folder looks the same as another's: cats", 'rename one of the two folders')}
    """
    same = defaultdict(list)
    for name in sorted(names):
        same[shown(name)].append(name)
    refused: dict[str, tuple[str, str]] = {}
    for label, alike in same.items():
        if not label or len(label) > LABEL_CHARACTERS:
            has = f"has {len(label)} characters, the limit is {LABEL_CHARACTERS}" if label else "cannot be shown"
            refused |= dict.fromkeys(alike, (f"the name of its class folder {has}", "rename the folder"))
        else:
            first = label if label in alike else alike[0]
            why = f"the name of its class folder looks the same as another's: {label}"
            refused |= dict.fromkeys([name for name in alike if name != first], (why, "rename one of the two folders"))
    return refused


def may_be_empty_class(name: str) -> bool:
    """Tell whether a folder without a picture may be meant as a class; `annotations`, `scripts` and `test` are not.

    Example:
        >>> may_be_empty_class("cats"), may_be_empty_class("Annotations"), may_be_empty_class("test")
        (True, False, False)
    """
    return is_own(name) and not _OTHER_PURPOSE.fullmatch(plain(name)) and not part_of(name)[0]


def alike(labels: Iterable[str]) -> list[str]:
    """Return a sentence for classes that a person may have meant to be one.

    Example:
        >>> alike(["cats", "Cats", "dogs"])
        ['The classes Cats and cats are kept apart, though only small differences of their names tell them apart.']
    """
    same: dict[str, list[str]] = defaultdict(list)
    for label in sorted(labels):
        same[unicodedata.normalize("NFKC", plain(label))].append(label)
    return [
        f"The classes {named(names)} are kept apart, though only small differences of their names tell them apart."
        for names in same.values()
        if len(names) > 1
    ]


def taken_together(below: Iterable[tuple[str, Sequence[str]]]) -> list[str]:
    """Say which class took several folders of a person's own together: they may have been meant as the classes.

    Args:
        below: The class of each picture, and the folders in which it lies below the class's own.

    Example:
        >>> taken_together([("pets", ["cats"]), ("pets", ["dogs"]), ("toys", ["day 1"]), ("toys", ["day 2"])])
        ['the folders cats and dogs in pets were taken together as one class, pets; if each is a class, move them out']
    """
    inner: dict[str, set[str]] = defaultdict(set)
    for label, names in below:
        inner[label].add(next((shown(name) for name in names if is_own(name) and not is_batch(name)), ""))
    return [
        f"the folders {named([*sorted(names)[:_NAMED], *(['others'] if len(names) > _NAMED else [])])} in {label} were "
        f"taken together as one class, {label}; if each is a class, move them out"
        for label, names in sorted(inner.items())
        if len(names) > 1 and "" not in names  # pictures beside the folders: the class is meant
    ][:_NAMED]


def named(names: Sequence[str]) -> str:
    """Return names as a sentence lists them.

    Example:
        >>> named(["test", "train", "val"])
        'test, train and val'
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
