"""Every key under which something is kept: objects (bytes), lists (rows) and features. No other module makes one up.

    pictures/<digest>.<coding>           a picture, by its content; beside it its record (.json)
    runs/<run>/<arm>.keras               a trained network; beside it its other formats and their self-test
    runs/<run>/<arm>.head.npz            of a frozen arm: its network is written when it is first wanted
    runs/<run>/live/<file>               parts of its networks that answer in a browser, and their manifest
    runs/<run>/checkpoints/<arm>         of an arm that is not trained to its end: gone when its run ends
    runs/<run>/deaths/<attempt>.json     how the worker ended that carried this attempt
    backbones/<weights>.keras            the carried network without its head, for downloads
    backbones/<weights>-….tflite         its parts that all runs' live answers share
    albums/<album>.json                  a set of labelled pictures
    visitors/<visit>.json                what a visitor has chosen: the picture, the sets
    shares/<token>.json                  pictures that a visitor gave to whoever has a link
    lessons/<token>.json                 a list of views with notes, in an order
    classes/<token>.json                 a class: its title, its list of views
    classes/<token>/<student>.json       what one student of it has done: a file each, so that two at once lose nothing
    secret                               what the server signs its visitors' names with

A list is named `visit/<visit>`, `key/<key>` (a reader's private link), `studies/<pictures>/<kind>`,
`asked/<kind>/<question>`, `shares/<visit>`, `lessons/<visit>`, `classes/<visit>`, `attends/<visit>` (tokens), `adopted`
(visits of unsigned cookies) or `samples` (the pictures that come with the installation). Objects below `lists/` and
`laboratory/` are those of version 0.1, read once.

Beside the store, in a machine's cache, lie files by the digest of a picture, too: `maps/<origin>/<digest>.map`.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

FORMATS = {"keras": "{arm}.keras", "tflite": "{arm}.tflite", "int8": "{arm}.int8.tflite", "onnx": "{arm}.onnx"}
SECRET = "secret"
ADOPTED = "adopted"  # a list: visits whose cookie was unsigned and has been replaced
SAMPLES = "samples"  # a list: digests of pictures that come with the installation and stay
CODINGS = ("png", "jpg", "webp")  # of pictures
RECORD = "json"
MANIFEST = "manifest.json"  # of the live answers of a run
MAX_EXTRACTOR = 255  # characters, as wide as the column


def picture(digest: str, suffix: str = "png") -> str:
    """Return the key of a picture in one of its codings; of version 0.1 all are PNG.

    Example:
        >>> picture("3fa9", "jpg")
        'pictures/3fa9.jpg'
    """
    return f"pictures/{digest}.{suffix}"


def picture_record(digest: str) -> str:
    """Return the key of what is known of a picture: its coding, how to turn it, what was done to it, a thumbnail."""
    return f"pictures/{digest}.json"


def picture_files(digest: str) -> list[str]:
    """Return every key under which something of a picture may lie, its record first.

    Example:
        >>> picture_files("3fa9")
        ['pictures/3fa9.json', 'pictures/3fa9.png', 'pictures/3fa9.jpg', 'pictures/3fa9.webp']
    """
    return [picture(digest, suffix) for suffix in (RECORD, *CODINGS)]


def map_file(digest: str) -> str:
    """Return the name of the files that hold what a network makes of a picture at a cut, in a machine's cache."""
    return f"{digest}.map"


def backbone(weights: str) -> str:
    """Return the key of a pretrained network as a file, by the name of its weights."""
    return f"backbones/{weights}.keras"


def shared_part(file: str) -> str:
    """Return the key of a part that the live answers of all runs of a backbone share; its name tells its content.

    Example:
        >>> owner(shared_part("efficientnet_lite0-579344248a93-trunk-litert-2.1.0.abc.tflite")).kind
        'server'
    """
    return f"backbones/{file}"


def album(album_id: str) -> str:
    """Return the key of a set of labelled pictures."""
    return f"albums/{album_id}.json"


def visitor(visit_id: str) -> str:
    """Return the key of what a visitor has chosen."""
    return f"visitors/{visit_id}.json"


def share(token: str) -> str:
    """Return the key of what travels with a link."""
    return f"shares/{token}.json"


def shares(visit_id: str) -> str:
    """Return the list of the tokens of the links that a visitor has given pictures to."""
    return f"shares/{visit_id}"


def lesson(token: str) -> str:
    """Return the key of a list of views."""
    return f"lessons/{token}.json"


def lessons(visit_id: str) -> str:
    """Return the list of the tokens of a visitor's lists of views."""
    return f"lessons/{visit_id}"


def school_class(token: str) -> str:
    """Return the key of a class."""
    return f"classes/{token}.json"


def students(token: str) -> str:
    """Return the folder of what the students of a class have done."""
    return f"classes/{token}"


def student(token: str, name: str) -> str:
    """Return the key of what one student of a class has done.

    Example:
        >>> owner(student("t0", "5f")), owner(school_class("t0"))
        (Owner(kind='class', name='t0'), Owner(kind='class', name='t0'))
    """
    return f"{students(token)}/{name}.json"


def classes(visit_id: str) -> str:
    """Return the list of the tokens of the classes that a visitor teaches."""
    return f"classes/{visit_id}"


def attended(visit_id: str) -> str:
    """Return the list of the tokens of the classes that a visitor is a student of."""
    return f"attends/{visit_id}"


def run(run_id: str) -> str:
    """Return the folder of all that belongs to one run, which goes with it when it is deleted."""
    return f"runs/{run_id}"


def file(run_id: str, arm: str, name: str = "keras") -> str:
    """Return the file name of a trained network in one of FORMATS, with the folder of its run.

    Example:
        >>> file("1f", "frozen"), file("1f", "frozen", "int8")
        ('runs/1f/frozen.keras', 'runs/1f/frozen.int8.tflite')
    """
    return f"{run(run_id)}/{FORMATS[name].format(arm=arm)}"


def self_test(run_id: str, arm: str) -> str:
    """Return the key of what testing an arm's exports has found."""
    return f"{run(run_id)}/{arm}.selftest.json"


def head(run_id: str, arm: str) -> str:
    """Return the key of what was trained of a frozen arm: its linear head."""
    return f"{run(run_id)}/{arm}.head.npz"


def heads(run_id: str) -> str:
    """Return the key of the linear heads, one a division, by which a study of labels has judged its pictures."""
    return f"{run(run_id)}/heads.npz"


def live(run_id: str, file: str) -> str:
    """Return the key of a part of a run's networks that answers in a browser, or of their MANIFEST."""
    return f"{run(run_id)}/live/{file}"


def checkpoint(run_id: str, arm: str) -> str:
    """Return the key of an arm that is not trained to its end yet."""
    return f"{checkpoints(run_id)}/{arm}"


def checkpoints(run_id: str) -> str:
    """Return the folder of a run's checkpoints."""
    return f"{run(run_id)}/checkpoints"


def death(run_id: str, attempt: int) -> str:
    """Return the key of how the worker ended that carried an attempt of a run."""
    return f"{deaths(run_id)}/{attempt}.json"


def deaths(run_id: str) -> str:
    """Return the folder of how a run's workers ended."""
    return f"{run(run_id)}/deaths"


def visit(visit_id: str) -> str:
    """Return the list of the runs that a visit has started or opened."""
    return f"visit/{visit_id}"


def private(key: str) -> str:
    """Return the list of the runs behind a private link."""
    return f"key/{key}"


def studies(pictures: str, kind: str) -> str:
    """Return the list of the studies of one kind that were started for some pictures (their fingerprint)."""
    return f"studies/{pictures}/{kind}"


def asked(kind: str, spec: Mapping[str, Any]) -> str:
    """Return the list of the runs that answer one and the same question.

    Example:
        >>> asked("identity", {"blocks": 2, "version": 1}) == asked("identity", {"version": 1, "blocks": 2})
        True
    """
    return f"asked/{kind}/{hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]}"


def extractor(*parts: str) -> str:
    """Return the name of a feature's origin: all that it depends on besides the picture, in words while they fit.

    Example:
        >>> extractor("efficientnet_lite0 5c1f", "pool", "float32")
        'efficientnet_lite0 5c1f pool float32'
        >>> len(extractor("x" * 300))
        255
    """
    words = " ".join(parts)
    if len(words) <= MAX_EXTRACTOR:
        return words
    digest = hashlib.sha256(words.encode()).hexdigest()
    return f"{words[: MAX_EXTRACTOR - 1 - len(digest)]} {digest}"


# Read backwards -------------------------------------------------------------------------------------------------------


class Owner(NamedTuple):
    """What an object belongs to: its kind, and its name among them."""

    kind: str
    name: str


PICTURE, RUN, SET, VISITOR, SHARE = "picture", "run", "set", "visitor", "share"
LESSON, CLASS = "lesson list", "class"
SERVER = "server"  # what no reader brought and every reader uses
UNFINISHED = "unfinished file"  # of a process that ended while it wrote
_OBJECTS = (
    (UNFINISHED, re.compile(r"(.+)\.[0-9a-f]{8}\.partial")),
    (PICTURE, re.compile(rf"pictures/([^/.]+)\.(?:{RECORD}|{'|'.join(CODINGS)})")),
    (RUN, re.compile(r"runs/([^/]+)/.+")),
    (SET, re.compile(r"albums/([^/.]+)\.json")),
    (VISITOR, re.compile(r"visitors/([^/]+)\.json")),
    (SHARE, re.compile(r"shares/([^/.]+)\.json")),
    (LESSON, re.compile(r"lessons/([^/.]+)\.json")),
    (CLASS, re.compile(r"classes/([^/.]+)(?:/[^/.]+)?\.json")),
    (SERVER, re.compile(rf"(backbones/[^/]+\.(?:keras|tflite)|{SECRET}|lists/.+|laboratory/.+)")),
)


def owner(key: str) -> Owner | None:
    """Return what the object under a key belongs to; None if the key is none of this catalogue.

    Example:
        >>> owner(picture("3fa9", "jpg")), owner(file("1f", "frozen", "int8"))
        (Owner(kind='picture', name='3fa9'), Owner(kind='run', name='1f'))
        >>> owner("somewhere/else") is None
        True
    """
    for kind, pattern in _OBJECTS:
        if found := pattern.fullmatch(key):
            return Owner(kind, found[1])
    return None
