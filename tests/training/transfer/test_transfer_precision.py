"""A network trained in mixed precision goes out in float32: the same answers, and every converter takes it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from cnn_core.networks import backbones, flatbuffer
from cnn_core.store import keys
from cnn_core.store.runs import Store
from cnn_core.training.transfer import training
from cnn_core.training.transfer.answers import load_model
from cnn_core.training.transfer.export import in_float32, save_model
from cnn_core.training.transfer.formats import to_onnx

RNG = np.random.default_rng(0)
BATCH = RNG.integers(0, 256, (3, 224, 224, 3)).astype(np.float32)


@contextlib.contextmanager
def tensor_cores() -> Iterator[None]:
    """As `devices.placed` on a GPU that has them."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@pytest.fixture(scope="module")
def mixed() -> keras.Model:
    """The embedded network under a head of three classes."""
    with tensor_cores():
        base = backbones.build(backbones.DEFAULT)
        return training._joined(base, 3)


@pytest.fixture(scope="module")
def saved(mixed: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    store = Store(tmp_path_factory.mktemp("precision"))
    size = save_model(store, "1f", "frozen", mixed)
    data = store.read(keys.file("1f", "frozen"))
    store.close()
    assert size == len(data)
    return data


@pytest.fixture(scope="module")
def expected(mixed: keras.Model) -> np.ndarray:
    assert mixed.get_layer("stem_conv").compute_dtype == "float16", "the test begins with mixed precision"
    return np.asarray(mixed(BATCH, training=False))


def test_saved_network_computes_in_float32_and_answers_alike(saved: bytes, expected: np.ndarray) -> None:
    model = load_model(saved)
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert np.asarray(model(BATCH, training=False)) == pytest.approx(expected, abs=1e-2)


def test_copy_has_the_same_weights_and_leaves_the_network_as_it_is(mixed: keras.Model) -> None:
    with tensor_cores():
        copy = in_float32(mixed)
    assert copy is not mixed and mixed.get_layer("stem_conv").compute_dtype == "float16"
    assert [layer.name for layer in copy.layers] == [layer.name for layer in mixed.layers]
    for mine, theirs in zip(copy.get_weights(), mixed.get_weights(), strict=True):
        assert np.array_equal(mine, theirs)
    assert in_float32(copy) is copy, "what is float32 already is not copied"


@pytest.mark.slow
def test_litert_takes_it(saved: bytes, expected: np.ndarray) -> None:
    made = flatbuffer.convert(load_model(saved))
    assert flatbuffer.Flatbuffer(made)(BATCH) == pytest.approx(expected, abs=1e-2)


@pytest.mark.slow
def test_onnx_takes_it(saved: bytes, expected: np.ndarray, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(to_onnx(load_model(saved)))
    said = session.run(None, {session.get_inputs()[0].name: BATCH})[0]
    assert said == pytest.approx(expected, abs=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in backbones.BACKBONES if name != backbones.DEFAULT])
def test_every_backbone_is_taken(name: str) -> None:
    with tensor_cores():
        base = backbones.build(name, pretrained=False)
    copy = in_float32(base)
    assert {each.compute_dtype for each in copy.layers if not isinstance(each, keras.layers.InputLayer)} == {"float32"}
    for mine, theirs in zip(copy.get_weights(), base.get_weights(), strict=True):
        assert np.array_equal(mine, theirs)
