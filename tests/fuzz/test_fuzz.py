"""Whatever a stranger sends ends in a result or in one sentence: the corpus each time, and a search beyond it.

`make fuzz` looks on for `FUZZ_SECONDS`, 120 by default, with another seed each time; `FUZZ_SEED` repeats one. Links are
looked at in `tests/pages/test_random_links.py`.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from cnn_core.pictures.decoders import Decoders
from cnn_core.pictures.trees import Found, place
from cnn_core.store.runs import Store
from tests.corpus import make
from tests.fuzz import properties
from tests.fuzz.mutations import files, texts

CORPUS = Path(make.__file__).parent
SECONDS = float(os.environ.get("FUZZ_SECONDS", 0)) / 5  # of each search; links have as much
SEED = int(os.environ.get("FUZZ_SEED", 0))
EXAMPLES = 30  # of a round
NAMES = ("../../etc/passwd", "<script>.png", "a\nb", "\u202egpj.exe", "é" * 400, "\udcff.png", "", "=1+1", "$x$|`b`")


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with Decoders(workers=1) as made:
        yield made


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder deep enough that a path that leads outside leads to where it is seen."""
    inner = tmp_path / "a" / "b" / "c"
    (inner / "in").mkdir(parents=True)
    (inner / "in" / "upload.zip").touch()
    monkeypatch.chdir(inner / "in")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "a"))
    return inner


def search(holds: Callable[[Any], object], found: st.SearchStrategy[Any]) -> None:
    """Try a property in rounds until the time is over, one round at least."""
    until, number = time.monotonic() + SECONDS, SEED

    def once(data: Any) -> None:
        holds(data)

    while True:
        seed(number)(settings(max_examples=EXAMPLES, database=None)(given(found)(once)))()
        number += 1
        if time.monotonic() >= until:
            return


def cases(kind: str) -> list[Any]:
    return [pytest.param(name, expected, id=name) for name, expected in make.EXPECTED[kind].items()]


def check(said: str, expected: str) -> None:
    assert (expected in said) if expected else not said, said


def seeds(kind: str) -> list[bytes]:
    """The files of the corpus that are taken: what is read deepest."""
    return [(CORPUS / kind / name).read_bytes() for name, expected in make.EXPECTED[kind].items() if not expected]


def test_the_corpus_is_what_its_script_makes() -> None:
    for kind, made in make.KINDS.items():
        names = sorted(path.name for path in (CORPUS / kind).iterdir())
        assert names == sorted(make.EXPECTED[kind]) == sorted(name for name, _ in made())


# Pictures ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "expected"), cases("pictures"))
def test_pictures_of_the_corpus(name: str, expected: str, decoders: Decoders) -> None:
    check(properties.a_picture((CORPUS / "pictures" / name).read_bytes(), decoders), expected)


@pytest.mark.parametrize("name", NAMES)
def test_names_are_harmless(name: str, decoders: Decoders) -> None:
    check(properties.a_picture(b"", decoders, name), "this file is empty (0 bytes)")
    check(properties.a_picture((CORPUS / "pictures" / "one-pixel.png").read_bytes(), decoders, name), "")


def test_spoilt_pictures(decoders: Decoders, room: Path) -> None:
    with properties.nothing_beside(room):
        search(lambda data: properties.a_picture(data, decoders), files(seeds("pictures")))


# Zips and trees ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "expected"), cases("zips"))
def test_zips_of_the_corpus(name: str, expected: str, decoders: Decoders, store: Store, room: Path) -> None:
    check(properties.a_zip((CORPUS / "zips" / name).read_bytes(), decoders, store, room), expected)


def test_spoilt_zips(decoders: Decoders, store: Store, room: Path) -> None:
    every = [path.read_bytes() for path in sorted((CORPUS / "zips").iterdir())]
    search(lambda data: properties.a_zip(data, decoders, store, room), files(every))


def test_any_tree_loses_nothing() -> None:
    names = st.one_of(
        st.sampled_from(["train", "test", "cats", "100APPLE", "..", ".", "", "a.zip", "__MACOSX", "2024-05-01", "raw"]),
        st.text(st.characters(exclude_categories=()), max_size=12),
    )
    paths = st.lists(st.lists(names, min_size=1, max_size=6).map("/".join), unique=True, max_size=12)

    def holds(given: tuple[list[str], list[str]]) -> None:
        tree = place([Found(path, 1) for path in given[0]], given[1])
        assert sorted(file.found.path for file in tree.files) == sorted(given[0])
        for file in tree.files:
            assert bool(file.label) + bool(file.passed_over) + (file.refusal is not None) == 1
            if file.refusal:
                properties.sentence(str(file.refusal))
        assert all(label.isprintable() and label.strip() for label in tree.labels)

    search(holds, st.tuples(paths, paths))


# Models and bundles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "expected"), cases("models"))
def test_models_of_the_corpus(name: str, expected: str) -> None:
    check(properties.a_model((CORPUS / "models" / name).read_text()), expected)


def test_spoilt_models() -> None:
    search(properties.a_model, texts([text.decode() for text in seeds("models")]))


@pytest.mark.parametrize(("name", "expected"), cases("bundles"))
def test_bundles_of_the_corpus(name: str, expected: str, decoders: Decoders, store: Store, room: Path) -> None:
    check(properties.a_bundle((CORPUS / "bundles" / name).read_bytes(), decoders, store, room), expected)


def test_spoilt_bundles(decoders: Decoders, store: Store, room: Path) -> None:
    import io
    import zipfile

    whole = (CORPUS / "bundles" / "whole.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    (name, text), *pictures = entries

    def bundle(settings_text: str) -> bytes:
        return make.zipped([(name, settings_text.encode("utf-8", "surrogatepass")), *pictures], zipfile.ZIP_STORED)

    assert json.loads(text)
    spoilt = st.one_of(texts([text.decode()]).map(bundle), files([whole]))
    search(lambda data: properties.a_bundle(data, decoders, store, room), spoilt)
