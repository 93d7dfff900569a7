"""The tutorials name what there is: each of their links opens a view without a complaint, each picture is a link."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from benchmarks.screenshots import LIVE, SHOTS, TEACH
from cnn_core.engine.errors import EngineError

FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"
APP = "http://localhost:8501/"
TUTORIALS = sorted(FOLDER.glob("[a-z]*.md"))
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in TUTORIALS}
TARGET, PICTURE = re.compile(r"(?<!!)\[[^\]]+\]\(([^)]+)\)"), re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
LINKS = sorted({link for text in TEXTS.values() for link in TARGET.findall(text) if link.startswith(APP)})


@pytest.mark.parametrize("link", LINKS, ids=[link.removeprefix(APP) or "home" for link in LINKS])
def test_link_opens_its_view(link: str, page: Any, engine: Any) -> None:
    engine.answers = defaultdict(lambda: EngineError("The engine is away."), engine.answers)
    address = urlsplit(link)
    asked = dict(parse_qsl(address.query, keep_blank_values=True))
    app = page(address.path.strip("/") or "home", **asked)
    assert not app.exception and not app.warning
    kept = app.query_params
    assert {name: kept[name][0] if isinstance(kept[name], list) else kept[name] for name in asked} == asked


def test_a_lesson_has_each_of_its_pictures_from_a_link() -> None:
    shots = {shot.name for shot in (*SHOTS, TEACH, LIVE)}
    for name, text in TEXTS.items():
        pictures = PICTURE.findall(text)
        assert 2 <= len(pictures) <= 3, name
        for alt, target in pictures:
            path = FOLDER / target
            assert path.is_file() and path.parent.resolve() == FOLDER.parent / "pictures", f"{name}: {target}"
            assert path.stem in shots, f"{path.stem} is no link in benchmarks/screenshots.py"
            assert len(alt.split()) > 3, f"{name}: {target} says nothing to who does not see it"


def test_a_picture_is_shown_somewhere() -> None:
    readme = (FOLDER.parents[1] / "README.md").read_text(encoding="utf-8")
    shown = {Path(target).stem for text in (*TEXTS.values(), readme) for _, target in PICTURE.findall(text)}
    assert shown == {shot.name for shot in (*SHOTS, TEACH, LIVE)}
    assert shown == {path.stem for path in (FOLDER.parent / "pictures").iterdir()}


def test_index_leads_to_each_tutorial() -> None:
    index = TARGET.findall((FOLDER / "README.md").read_text(encoding="utf-8"))
    assert sorted(index) == [path.name for path in TUTORIALS]
