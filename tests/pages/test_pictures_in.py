"""What comes in by the transfer page and by the pickers: the same words everywhere, and nothing is lost on the way."""

import io
import zipfile
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnn_core.store.runs import Store

HEIC = b"\0\0\0\x18ftypheic" + bytes(60)


def picture(seed: int, file_format: str = "JPEG", side: int = 60, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, file_format, **options)
    return buffer.getvalue()


def upload_zip(app: Any, **files: bytes) -> Any:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, data in files.items():
            packed.writestr(name.replace("__", "/"), data)
    key = f"transfer_zip_{app.session_state.transfer_serial}"
    return app.file_uploader(key=key).upload("set.zip", buffer.getvalue()).run()


def texts(app: Any) -> str:
    kinds = (app.markdown, app.info, app.warning, app.success, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


@pytest.fixture
def two_classes(page: Any) -> Any:
    """The page with twelve pictures of two classes."""
    return upload_zip(page("transfer"), **{f"{'cats' if n < 6 else 'dogs'}__{n}": picture(n) for n in range(12)})


def test_files_of_all_kinds_dropped_together_are_all_spoken_of(two_classes: Any) -> None:
    app = two_classes
    box = app.file_uploader(key="transfer_files_1_cats")
    dropped = {"a.jpg": picture(20), "b.jfif": picture(21), "IMG_0000.HEIC": HEIC}
    box.set_value([(name, data, "") for name, data in dropped.items()])
    app.run()
    assert "2 added, 1 skipped." in texts(app)
    assert ".HEIC**: this is a HEIC photo; save it as JPEG (iPhone: Camera, Formats, Most Compatible)." in texts(app)
    assert app.session_state.album.counts == {"cats": 8, "dogs": 6}


def test_what_was_done_to_pictures_is_said(two_classes: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    app = upload_zip(
        two_classes,
        cats__turned=picture(30, exif=exif),
        cats__also=picture(31, exif=exif),
        dogs__large=picture(32, side=1500),
        dogs__Thumbs_db=b"x",
    )
    assert "3 added, 1 skipped." in texts(app)
    assert "**also, turned**: turned upright (EXIF orientation 6)." in texts(app)
    assert "**large**: scaled down from 1500 x 1500 to 1024 x 1024 pixels." in texts(app)


def test_what_systems_left_is_passed_over_by_name(two_classes: Any) -> None:
    app = upload_zip(two_classes, **{"cats__new": picture(40), "cats__Thumbs.db": b"x", "@eaDir__x.jpg": b"x"})
    assert "1 added, 2 other files passed over." in texts(app)
    assert "**Thumbs.db**: " in texts(app)
    assert app.session_state.album.counts == {"cats": 7, "dogs": 6}


def test_label_is_not_cut(two_classes: Any) -> None:
    first, second = (f"Animalia_Arthropoda_Insecta_Lepidoptera_Danaus_{name}" for name in ("plexippus", "gilippus"))
    app = upload_zip(two_classes, **{f"{first}__1": picture(50), f"{second}__1": picture(51)})
    assert app.session_state.album.counts == {"cats": 6, "dogs": 6, first: 1, second: 1}


def test_more_classes_than_the_browser_shows_are_refused_whole(two_classes: Any) -> None:
    app = upload_zip(two_classes, **{f"class {n:03}__1": picture(60 + n) for n in range(60)})
    assert "With these there would be 62 classes; a set in the browser holds at most 50. Nothing was added." in texts(
        app
    )
    assert app.session_state.album.counts == {"cats": 6, "dogs": 6}


def test_store_that_is_full_leaves_the_set_as_it_was(
    two_classes: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, left = Store.write, [40]

    def fills_up(self: Store, key: str, data: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        write(self, key, data)

    monkeypatch.setattr(Store, "write", fills_up)
    app = upload_zip(two_classes, **{f"cats__{n}": picture(200 + n) for n in range(40)})
    assert not app.exception
    (error,) = app.error
    assert "could not keep the pictures (No space left on device), after " in error.value.replace("\\", "")
    assert "of 40 files. Nothing was added; the set is as it was." in error.value.replace("\\", "")
    assert app.session_state.album.counts == {"cats": 6, "dogs": 6}


def test_samples_stay_if_nothing_can_be_kept(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page("transfer")

    def full(self: Store, key: str, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "write", full)
    app = upload_zip(app, cats__1=picture(1))
    assert "Nothing was added" in app.error[0].value
    assert app.session_state.album.is_sample and len(app.session_state.album.items) == 192


def test_front_door_says_what_was_done_and_why_not(page: Any, engine: Any) -> None:
    app = page("home")
    values = np.linspace(0, 4000, 64 * 64).reshape(64, 64).astype(np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    app.file_uploader(key="home_picture_0").upload("deep.png", buffer.getvalue()).run()
    assert "12-bit values in a 16-bit file stretched to 8-bit." in texts(app)
    app.file_uploader(key="home_picture_1").upload("IMG_1.HEIC", HEIC).run()
    assert "IMG_1.HEIC: this is a HEIC photo; save it as JPEG" in texts(app)


def test_picked_picture_says_what_was_done(page: Any, bring: Any) -> None:
    app = bring(page("convolution"), "large.jpg", picture(5, side=1300))
    assert not app.exception
    app.button(key="visitor_change").click().run()
    assert "Now: large.jpg. scaled down from 1300 x 1300 to 1024 x 1024 pixels." in texts(app)
    app = bring(app, "IMG_1.HEIC", HEIC)
    assert "IMG_1.HEIC: this is a HEIC photo; save it as JPEG" in texts(app)
    assert "You keep large.jpg." in texts(app) and app.session_state.visitor.own.name == "large.jpg"
