"""One room runs a network on pictures: as Keras' `predict` says, whoever carries it out; made once, kept, mended."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from cnn_core.networks import backbones, devices, flatbuffer, forward
from cnn_core.networks.backbones import BACKBONES, Backbone
from cnn_core.pictures import kept, sets
from cnn_core.pictures.images import Picture
from cnn_core.store.report import Stopped
from cnn_core.store.runs import Store

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
DEFAULT = backbones.backbone(backbones.DEFAULT)


def small(seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    image = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    return keras.Model(image, layers.BatchNormalization()(x))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where flatbuffers are kept, empty."""
    monkeypatch.setattr(flatbuffer, "FOLDER", tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "store")
    yield store
    store.close()


def in_another_process() -> None:
    flatbuffer._open.clear()


# The same numbers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_batches_of_any_length_and_dtype_are_as_keras_says(folder: Path, count: int, dtype: type) -> None:
    model, pictures = small(), PIXELS[:count].astype(dtype)
    expected = model.predict(pictures, verbose=0)
    for network in (forward.fixed("small", lambda: model), forward.compiled(model)):
        found = network(pictures)
        assert found.dtype == np.float32 and found.shape == (count, 16, 16, 4)
        assert np.abs(found - expected).max() < 1e-5


def test_embedded_network_is_as_keras_says() -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (3, 224, 224, 3)).astype(np.uint8)
    pictures[1] = np.linspace(0, 255, 224, dtype=np.uint8)[:, None, None]
    base = backbones.build(backbones.DEFAULT)
    expected = base.predict(pictures, verbose=0)
    assert np.abs(forward.trunk(DEFAULT)(pictures) - expected).max() < 1e-4
    assert np.abs(forward.features(DEFAULT)(pictures) - expected.mean(axis=(1, 2))).max() < 1e-4
    cut = keras.Model(base.input, base.get_layer("block6a_expand_conv").input)
    blocks = DEFAULT.block_starts.index("block6a_expand_conv")
    expected = cut.predict(pictures, verbose=0)  # up to some dozens: nothing bounds it there
    assert np.abs(forward.lower(DEFAULT, blocks)(pictures) - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("int8", [False, True])
def test_flatbuffer_takes_one_picture_at_a_time(int8: bool) -> None:
    """A browser's LiteRT refuses any other batch."""
    from ai_edge_litert.interpreter import Interpreter

    made = flatbuffer.convert(small(), int8=int8)
    interpreter = Interpreter(model_content=made)
    for tensor in (*interpreter.get_input_details(), *interpreter.get_output_details()):
        assert tensor["shape_signature"][0] == tensor["shape"][0] == 1 and tensor["dtype"] is np.float32
    expected = small().predict(PIXELS, verbose=0)
    assert np.abs(flatbuffer.Flatbuffer(made)(PIXELS) - expected).max() < (0.1 if int8 else 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("record", [r for r in BACKBONES.values() if not r.embedded], ids=lambda record: record.name)
def test_every_backbone_becomes_a_flatbuffer(record: Backbone, folder: Path) -> None:
    """With random weights, and scaled so that a picture comes through."""
    base = backbones.build(record.name, pretrained=False)
    pictures = np.random.default_rng(1).integers(0, 256, (2, 224, 224, 3)).astype(np.uint8)
    expected = base.predict(pictures, verbose=0)
    found = flatbuffer.kept(record.name, lambda: base)(pictures)
    assert np.abs(found - expected).max() <= 1e-4 * max(1, np.abs(expected).max())


def test_gpu_computes_by_keras(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "accelerated", lambda: True)
    model = small()
    assert np.allclose(forward.fixed("small", lambda: model)(PIXELS), model.predict(PIXELS, verbose=0), atol=1e-6)
    assert not folder.exists()


def test_pictures_of_another_size_are_refused_in_words(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"^This network takes pictures of \(32, 32, 3\); received \(30, 32, 3\)\.$"):
        forward.fixed("small", small)(PIXELS[:, 2:])


# Made once, kept, mended ----------------------------------------------------------------------------------------------


def test_flatbuffer_is_made_once(folder: Path) -> None:
    made = []
    for _ in range(2):
        network = forward.fixed("small 1f", lambda: made.append(1) or small())
        assert forward.fixed("small 1f", lambda: pytest.fail("made again")) is network
        in_another_process()
    assert made == [1]
    (file,) = folder.iterdir()
    assert file.name.startswith("small-1f-litert-") and file.suffix == ".tflite"


def test_another_name_is_another_network(folder: Path) -> None:
    one, two = (forward.fixed(f"small {seed}", lambda seed=seed: small(seed)) for seed in (0, 1))
    assert not np.allclose(one(PIXELS), two(PIXELS))


def test_process_holds_a_few_only(folder: Path) -> None:
    for number in range(flatbuffer.OPEN + 2):
        forward.fixed(f"small {number}", small)
    assert len(flatbuffer._open) == flatbuffer.OPEN


@pytest.mark.parametrize("damage", [lambda data: data[:-10], lambda data: bytes(len(data)), lambda data: b""])
def test_damaged_flatbuffer_is_made_again(folder: Path, damage, warned) -> None:
    expected = forward.fixed("small", small)(PIXELS)
    (file,) = folder.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    in_another_process()
    assert np.allclose(forward.fixed("small", small)(PIXELS), expected, atol=1e-6)
    assert warned() == [
        f"The kept network {file.name} is of no use (its bytes are not those that were written); it is made again."
    ]
    in_another_process()
    forward.fixed("small", lambda: pytest.fail("made again"))


def test_folder_that_cannot_be_written_costs_time_only(folder: Path, warned) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file")
    assert np.allclose(forward.fixed("small", small)(PIXELS), small().predict(PIXELS, verbose=0), atol=1e-5)
    (message,) = warned()
    assert "is not kept" in message and message.endswith("every start makes it again.")


def test_network_that_differs_runs_by_tensorflow(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(flatbuffer, "TOLERANCE", -1.0)
    expected = small().predict(PIXELS, verbose=0)
    assert np.allclose(forward.fixed("small", small)(PIXELS), expected, atol=1e-6)
    assert "small runs by TensorFlow, not by LiteRT: it differs from Keras by" in caplog.text
    monkeypatch.setattr(flatbuffer, "convert", lambda model: pytest.fail("tried again"))
    assert np.allclose(forward.fixed("small", small)(PIXELS), expected, atol=1e-6)


def test_network_that_cannot_be_converted_runs_by_tensorflow(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    image = keras.Input((32, 32, 3))
    model = keras.Model(image, keras.ops.erfinv(image / 256))  # LiteRT has no such operation
    found = forward.fixed("erfinv", lambda: model)(PIXELS)
    assert np.allclose(found, model.predict(PIXELS, verbose=0), atol=1e-6)
    assert "erfinv runs by TensorFlow, not by LiteRT: it cannot be converted (" in caplog.text


def test_what_is_no_flatbuffer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(flatbuffer.FlatbufferRefused, match="^LiteRT does not take it: "):
        flatbuffer.Flatbuffer(b"no flatbuffer at all")


# Traced once ----------------------------------------------------------------------------------------------------------


def test_model_is_traced_once_and_sees_its_weights_change() -> None:
    traced = []

    class Counting(layers.Layer):
        def call(self, x):
            traced.append(x.shape)
            return 1.0 * x

    image = keras.Input((32, 32, 3))
    model = keras.Model(image, layers.Dense(2, use_bias=False)(Counting()(image)))
    before = len(traced)
    first = forward.compiled(model)(PIXELS)
    for count in (1, 4):
        assert forward.compiled(model)(PIXELS[:count]).shape == (count, 32, 32, 2)
    assert len(traced) == before + 1
    model.layers[-1].kernel.assign(2 * model.layers[-1].kernel)
    assert np.allclose(forward.compiled(model)(PIXELS), 2 * first, rtol=1e-5)


def test_model_that_nobody_holds_goes() -> None:
    model = small()
    forward.compiled(model)(PIXELS)
    gone = weakref.ref(model)
    del model
    keras.backend.clear_session()
    gc.collect()
    assert gone() is None


# Many pictures --------------------------------------------------------------------------------------------------------


def test_many_pictures_are_looked_at_batch_by_batch() -> None:
    sizes, done = [], []

    def network(batch: np.ndarray) -> np.ndarray:
        sizes.append(len(batch))
        return batch.astype(np.float32)

    pictures = np.arange(70)[:, None]
    assert np.array_equal(forward.forward(network, pictures, lambda n: bool(done.append(n))), pictures)
    assert sizes == [32, 32, 6] and done == [32, 64, 70]
    with pytest.raises(Stopped):
        forward.forward(network, pictures, lambda n: True)
    assert sizes == [32, 32, 6, 32]


def test_pictures_are_read_when_they_are_asked_for(shelf: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    items = [
        sets.keep(shelf, Picture(random.integers(0, 256, (40, 50, 3)).astype(np.uint8), str(n)), "a") for n in range(4)
    ]
    read, pixels = [], kept.pixels
    monkeypatch.setattr(kept, "pixels", lambda store, digest: read.append(digest) or pixels(store, digest))
    pictures = forward.Pictures(shelf, items, DEFAULT)
    assert len(pictures) == 4 and read == []
    assert pictures[1:3].shape == (2, 224, 224, 3) and read == [items[1].digest, items[2].digest]
    assert np.array_equal(pictures[:], forward.network_input(shelf, items, DEFAULT))
