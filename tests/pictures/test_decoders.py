"""Untrusted files are decoded by worker processes: with the same result, under limits, and nobody waits for ever."""

import io
import os
import signal
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image, TiffImagePlugin

from cnn_core.pictures import limits
from cnn_core.pictures.decoders import Decoders
from cnn_core.pictures.images import ImageRefused, decode


def picture(seed: int, file_format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with Decoders(workers=1) as made:
        yield made


def process(decoders: Decoders) -> int:
    """The process of the one worker, idle now."""
    with decoders._borrowed() as slot:
        assert slot[0] is not None
        return slot[0].pid


def test_bytes_a_file_and_a_zip_entry_give_the_picture_that_this_process_decodes(
    decoders: Decoders, tmp_path: Path
) -> None:
    data = picture(0, "JPEG")
    (tmp_path / "a.jpg").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cats/a.jpg", data)
    (entry,) = (file.found for file in decoders.tree(tmp_path / "a.zip", "a.zip").files)
    expected = decode(data, "a.jpg")
    for kept in (
        decoders.take("a.jpg", data=data),
        decoders.take("a.jpg", path=tmp_path / "a.jpg"),
        decoders.take("a.jpg", path=tmp_path / "a.zip", member=entry.where),
    ):
        assert (kept.digest, kept.width, kept.height, kept.name) == (expected.digest, 30, 20, "a.jpg")
        np.testing.assert_array_equal(kept.picture().pixels, expected.pixels)
        with Image.open(io.BytesIO(kept.thumbnail)) as small:
            assert small.size == (96, 96)
    assert decoders.extract("a.jpg", path=tmp_path / "a.zip", member=entry.where) == data


def test_refusal_crosses_the_border_word_by_word(decoders: Decoders, tmp_path: Path) -> None:
    with pytest.raises(ImageRefused) as here:
        decode(b"%PDF-1.7", "cat.jpg")
    with pytest.raises(ImageRefused) as there:
        decoders.take("cat.jpg", data=b"%PDF-1.7")
    assert vars(there.value) == vars(here.value)
    with pytest.raises(ImageRefused, match=r"this file is empty \(0 bytes\)"):
        decoders.take("empty.jpg", data=b"")
    with pytest.raises(ImageRefused, match=r"gone\.jpg: there is no such file; give the path of a picture file"):
        decoders.take("gone.jpg", path=tmp_path / "gone.jpg")
    with (tmp_path / "large.jpg").open("wb") as file:
        file.truncate(10**10)  # sparse: nobody may read all of it
    with pytest.raises(ImageRefused, match=r"the limit is 25 MB"):
        decoders.take("large.jpg", path=tmp_path / "large.jpg")


def test_file_that_takes_too_long_is_refused_and_the_next_is_not() -> None:
    with Decoders(workers=1, seconds=0.01) as hasty:  # less than a process needs to start
        with pytest.raises(ImageRefused) as caught:
            hasty.take("slow.png", data=picture(1))
        assert str(caught.value) == (
            "slow.png: it takes more than 0.01 seconds to decode; "
            "open it elsewhere and save it smaller, as JPEG or PNG."
        )
        hasty.seconds = 60
        assert hasty.take("a.png", data=picture(1)).digest == decode(picture(1), "a.png").digest


def test_file_that_brings_the_decoder_down_is_refused_and_the_next_is_not(decoders: Decoders) -> None:
    decoders.take("a.png", data=picture(2))
    os.kill(process(decoders), signal.SIGSTOP)  # it holds still until it is shot, with the file in its hands
    shot = threading.Timer(0.3, os.kill, (process(decoders), signal.SIGKILL))
    shot.start()
    with pytest.raises(ImageRefused, match=r"b\.png: decoding it brought the decoder down \(exit code -9\)"):
        decoders.take("b.png", data=picture(2))
    shot.join()
    assert decoders.take("c.png", data=picture(3)).digest == decode(picture(3), "c.png").digest


def test_worker_that_died_idle_costs_no_file(decoders: Decoders) -> None:
    decoders.take("a.png", data=picture(4))
    before = process(decoders)
    os.kill(before, signal.SIGKILL)
    os.waitid(os.P_PID, before, os.WEXITED | os.WNOWAIT)
    assert decoders.take("b.png", data=picture(5)).digest == decode(picture(5), "b.png").digest
    assert process(decoders) != before


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory by RLIMIT_AS, which only Linux enforces")
def test_worker_is_limited_and_stays_alive_between_files(decoders: Decoders) -> None:
    decoders.take("a.png", data=picture(6))
    worker = process(decoders)
    assert psutil.Process(worker).rlimit(psutil.RLIMIT_AS) == (limits.DECODING_BYTES, limits.DECODING_BYTES)
    decoders.take("b.png", data=picture(7))
    assert process(decoders) == worker


def test_largest_pictures_that_are_allowed_fit_into_a_worker(decoders: Decoders) -> None:
    side = 8000
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), "teal").save(buffer, "JPEG")  # 64 MP
    assert decoders.take("large.jpg", data=buffer.getvalue()).width == 1024
    buffer = io.BytesIO()
    Image.new("RGBA", (7070, 7070), (9, 90, 200, 128)).save(buffer, "PNG", compress_level=1)  # 50 MP
    assert decoders.take("large.png", data=buffer.getvalue()).width == 1024


def test_what_libraries_write_does_not_reach_our_terminal(
    decoders: Decoders, capfd: pytest.CaptureFixture[str]
) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[40_000] = "a tag that libtiff does not know"
    data = picture(8, "TIFF", compression="tiff_lzw", tiffinfo=tags)
    spoilt = data[:200] + bytes(200) + data[400:]
    for name, tried in (("whole.tif", data), ("spoilt.tif", spoilt)):
        try:
            decoders.take(name, data=tried)
        except ImageRefused:
            assert tried is spoilt
    assert capfd.readouterr() == ("", "")


def test_many_threads_share_few_workers() -> None:
    with Decoders(workers=2) as two:
        found: dict[int, str] = {}

        def ask(seed: int) -> None:
            found[seed] = two.take(f"{seed}.png", data=picture(seed)).digest

        threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {seed: decode(picture(seed), "x").digest for seed in range(12)}
