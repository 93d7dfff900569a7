"""The generator of load speaks with a server as a browser does."""

import asyncio
import random
from collections.abc import Iterator

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.hand import another
from benchmarks.serving import serving
from benchmarks.wire import Reader, WireError
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving("tests/benchmarks/tiny.py") as server:
        yield server.url


def words(reader: Reader) -> list[str]:
    """What the page says, shortened."""
    return [one.proto.body[:60] for _, one in sorted(reader.drawn.items()) if one.kind == "markdown"]


def test_a_reader_turns_presses_uploads_and_goes_on(url: str) -> None:
    async def visit() -> None:
        async with Reader(url, "?size=7") as reader:
            assert words(reader)[:2] == ["visitor 2|", "size 7, link {'size': '7'}"]
            assert [one.proto.label for one in reader.controls()] == ["Size", "Kind", "Turn"]
            size = reader.named("slider", "Size")
            value = WidgetState()
            value.double_array_value.data.append(3)
            assert 0 < await reader.turn(size, value) < 10 * PATIENCE
            assert "size 3, link {'size': '3'}" in words(reader)
            assert words(reader)[2].startswith("long long")  # which came by its hash only

            kind = reader.named("button_group", "Kind")
            chosen = another(kind, reader.kept(kind), random.Random(0))
            assert chosen is not None
            await reader.turn(kind, chosen)
            assert {"size 3, link {'size': '3'}", "kind mean"} <= set(words(reader))  # what was turned stays

            drawn = next(word for word in words(reader) if word.startswith("part "))
            await reader.turn(reader.named("checkbox", "Turn"), WidgetState(bool_value=True))
            number = int(drawn.split()[1].strip(",")) + 1
            assert f"part {number}, True" in words(reader)

            await reader.upload(reader.named("file_uploader", "Files"), [("a.jpg", b"123"), ("b.jpg", bytes(10**6))])
            assert {"a.jpg has 3 bytes", "b.jpg has 1000000 bytes"} <= set(words(reader))
            await reader.press(reader.named("button", "Again"))
            assert "size 3, link {'size': '3'}" in words(reader)

            await reader.go("clock")
            assert words(reader)[0].startswith("tick ") and len(words(reader)) == 1
            async with asyncio.timeout(PATIENCE * 10):
                while int(words(reader)[0].split()[1]) < 3:  # the fragment draws itself again
                    await asyncio.sleep(0.05)
            await reader.go("")
            assert words(reader)[0] == "visitor 2|"
            assert reader.seen.errors == reader.seen.refusals == []

    asyncio.run(visit())


def test_what_goes_wrong_is_seen(url: str) -> None:
    async def visit() -> None:
        async with Reader(url) as reader:
            await reader.press(reader.named("button", "Refuse"))
            assert (reader.seen.errors, reader.seen.refusals) == ([], ["No."])
            await reader.press(reader.named("button", "Fail"))
            assert len(reader.seen.errors) == 1 and "RuntimeError" in reader.seen.errors[0]
            with pytest.raises(WireError, match="There is no slider 'Weight' on the first page; there are 1"):
                reader.named("slider", "Weight")
            with pytest.raises(WireError, match="There is no page 'cellar'; there are , clock"):
                await reader.go("cellar")
        async with Reader(url, "cellar") as reader:
            assert reader.seen.errors == ["there is no page 'cellar'"]

    asyncio.run(visit())


def test_a_reader_stays_on_this_machine() -> None:
    with pytest.raises(ValueError, match=r"goes to localhost only; received https://example\.com/"):
        Reader("https://example.com/")
