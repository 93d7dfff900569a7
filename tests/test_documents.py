"""What the documents name is there: links, paths, names of the code, settings, commands and their options."""

import argparse
import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from cnn_core.__main__ import _parser as core_parser
from cnn_core.engine.cluster import _parser as cluster_parser

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")], key=lambda path: path.name
)
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in DOCUMENTS}
each_document = pytest.mark.parametrize("document", TEXTS)
of_today = pytest.mark.parametrize("document", [name for name in TEXTS if name != "CHANGELOG.md"])

CODE = (
    "app.py",
    "cnn_core",
    "ui",
    "pages",
    "benchmarks",
    "tests",
    "conftest.py",
    "deploy",
    "Makefile",
    "pyproject.toml",
)
SUFFIXES = {".py", ".js", ".css", ".html", ".conf", ".yaml", ".toml", ".service", ""}
LINK = re.compile(r"\]\(([^)\s]+)\)")
QUOTED = re.compile(r"`([^`\n]+)`")
SETTING = re.compile(r"CONVSCOPE_[A-Z_]+")
# Folders of others, addresses, and what is made at run time: they are not in the repository.
ELSEWHERE = re.compile(r"/|var/|\.streamlit/secrets|cats|pets/|dataset/|raw/|edited/|web/")
# Names of other people's programs, of formats, and of what documents say is not here.
OTHERS = frozenset(
    re.findall(
        r"\w+",
        "AWS_ TrustedHostMiddleware close_gracefully pg_dump pi heif pillow server allowedHosts enableXsrfProtection "
        "Referrer Cache cProfile prof tmp filter_by confident_learning systemctl xsrfCookieSameSite tsc conv_pad_2",
    )
)


@cache
def code() -> frozenset[str]:
    """Every word of the repository's own files but its documents, and the name of each file."""
    tracked = subprocess.run(["git", "ls-files", *CODE], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    if not tracked:
        pytest.skip("this is no git checkout: nothing tells which files belong to it")
    words: set[str] = set()
    for path in map(Path, tracked):
        words |= {path.stem, path.name, *path.parts}
        if path.suffix in SUFFIXES and path.name != Path(__file__).name and (ROOT / path).is_file():
            words |= set(re.findall(r"\w+", (ROOT / path).read_text(encoding="utf-8")))
    return frozenset(words)


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@each_document
def test_every_link_leads_somewhere(document: str) -> None:
    folder, broken = (ROOT / document).parent, []
    for target in LINK.findall(re.sub(r"```.*?```", "", TEXTS[document], flags=re.S)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        place = folder / path if path else ROOT / document
        if not place.exists() or (anchor and anchor not in anchors(place.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


@of_today
def test_every_path_is_there(document: str) -> None:
    missing, text = [], TEXTS[document]
    made_here = set(re.findall(r"^\*\*\d\. [^\n]*?`([\w./]+\.py)`", text, re.M))  # by who follows a how-to
    for words in QUOTED.findall(text):
        if not re.fullmatch(r"[\w.-]+(/[\w.*-]+)+/?", words) or ELSEWHERE.match(words) or words in made_here:
            continue
        places = [ROOT / words, (ROOT / document).parent / words, ROOT / "cnn_core" / words, ROOT / "ui" / words]
        tried = [place.with_name(place.name + end) for place in places for end in ("", ".py")]
        tried += [place.with_name(place.name.partition(".")[0] + ".py") for place in places]  # module.function
        if not any(place.exists() for place in tried):
            missing.append(words)
    assert missing == []


@each_document
def test_every_test_that_is_named_is_there(document: str) -> None:
    for file, name in re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", TEXTS[document]):
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{name}"


@of_today
def test_every_name_of_the_code_is_one(document: str) -> None:
    text = TEXTS[document]
    blocks = " ".join(re.findall(r"```.*?```|(?:^    .*\n)+", text, re.S | re.M))
    told = {word for words in QUOTED.findall(text) for word in re.findall(r"[A-Za-z_]\w{2,}", words)}
    unknown = {word for word in told if word not in code() and word not in OTHERS and word not in blocks}
    unknown -= {word for word in unknown if re.search(rf"\d{word}|{word}…|/{word}|{word}/|<\w+>{word}", text)}
    assert unknown == set()


# Settings -------------------------------------------------------------------------------------------------------------


def settings(*folders: str) -> set[str]:
    files = [path for folder in folders for path in [ROOT / folder, *(ROOT / folder).rglob("*.py")] if path.is_file()]
    return {name for path in files for name in re.findall(r'"(CONVSCOPE_[A-Z_]+)"', path.read_text(encoding="utf-8"))}


def test_settings_of_the_code_are_those_of_the_table() -> None:
    read = settings("app.py", "cnn_core", "ui", "pages")
    section = TEXTS["docs/hosting.md"].partition("## All settings")[2].partition("\n## ")[0]
    rows = [SETTING.findall(line.split("|")[1]) for line in section.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in row} == read - {"CONVSCOPE_SLIP"}, "which a nanny tells its worker"


@of_today
def test_every_setting_is_read(document: str) -> None:
    read = settings("app.py", "cnn_core", "ui", "pages", "benchmarks", "tests")
    assert set(SETTING.findall(TEXTS[document])) <= read


# Commands -------------------------------------------------------------------------------------------------------------


def commands(text: str) -> list[str]:
    """What a document tells to type: lines of its blocks, and what stands between backquotes."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.S)
    lines = re.findall(r"^(?:    |    \$ )(.+)$", text, re.M) + [
        line for block in blocks for line in block.splitlines()
    ]
    return [re.split(r"\s{2,}| #", line)[0] for line in [*lines, *QUOTED.findall(text)]]


@pytest.mark.parametrize(
    ("program", "parser"),
    [("cnn_core", core_parser), ("cnn_core.engine.cluster", cluster_parser)],
    ids=["core", "cluster"],
)
def test_every_command_has_its_options(program: str, parser: Callable[[], argparse.ArgumentParser]) -> None:
    tried = 0
    for document, text in TEXTS.items():
        for command in commands(text):
            _, there, words = command.partition(f"python -m {program} ")
            if not there:
                continue
            known, tried = parser(), tried + 1
            for word in words.split():
                (chosen,) = [each for each in known._actions if isinstance(each, argparse._SubParsersAction)] or [None]
                if word.startswith("--"):
                    assert word.partition("=")[0] in known._option_string_actions, f"{document}: {command}"
                elif chosen:
                    if word.isupper() or word in ("…", "neighbours"):  # a placeholder; what a how-to adds
                        break
                    assert set(word.split("|")) <= set(chosen.choices), f"{document}: {command}"
                    known = chosen.choices[word.partition("|")[0]]
    assert tried > 5


def test_every_target_and_variable_of_make_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    for document, text in TEXTS.items():
        for words in re.findall(r"\bmake ([^&|;\n]+)", "\n".join(commands(text))):
            assert words.split()[0] in targets, f"{document}: make {words}"
            for name in re.findall(r"([A-Z_]+)=", words):
                assert f"$({name}" in makefile, f"{document}: make {words}"


@each_document
def test_every_benchmark_is_there(document: str) -> None:
    for name in re.findall(r"python -m benchmarks\.(\w+)", TEXTS[document]):
        assert (ROOT / "benchmarks" / f"{name}.py").is_file()
