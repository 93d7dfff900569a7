"""The limits stand in three places (code, its docstring, the documentation) and are the same."""

import re
import tomllib
from pathlib import Path

from cnn_core.pictures import limits

ROOT = Path(__file__).resolve().parents[2]


def rows(text: str) -> list[str]:
    return re.findall(r"^\| .*$", text, re.MULTILINE)


def test_documentation_has_the_table_of_the_code() -> None:
    assert rows((ROOT / "docs" / "pictures.md").read_text(encoding="utf-8")) == rows(limits.__doc__ or "")


def test_table_says_what_the_numbers_are() -> None:
    table = " ".join(rows(limits.__doc__ or "")).replace(",", "")
    megabyte = 10**6
    for words in (
        f"a file | {limits.FILE_BYTES // megabyte} MB",
        f"JPEG picture | {limits.PHOTO_PIXELS // 10**6} MP",
        f"any other picture | {limits.PICTURE_PIXELS // 10**6} MP",
        f"a side of a picture | {limits.SIDE} pixels",
        f"decoding a file | {limits.DECODING_SECONDS:g} s {limits.DECODING_BYTES // 10**9} GB",
        f"an upload | {limits.UPLOAD_FILES} files {limits.UPLOAD_BYTES // megabyte} MB",
        f"a recording | {limits.BURST_FRAMES} frames",
        f"a zip | {limits.ZIP_BYTES // megabyte} MB {limits.ZIP_ENTRIES} entries zips in it at most {limits.ZIP_DEPTH}",
        f"unpacked | {limits.ZIP_UNPACKED // 10**9} GB; at most {limits.ZIP_RATIO} times its size",
        f"every entry above {limits.ZIP_RATIO_FROM // 1000} kB",
        f"a set in the browser | {limits.SET_PICTURES} pictures {limits.SET_CLASSES} classes",
        f"a class name | {limits.LABEL_CHARACTERS} characters",
    ):
        assert words in table


def test_server_takes_what_the_table_allows() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["maxUploadSize"] * 2**20 >= limits.ZIP_BYTES
