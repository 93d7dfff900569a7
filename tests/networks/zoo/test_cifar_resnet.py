"""The CIFAR nets: the published sizes, option A pixel for pixel, one forward pass against NumPy."""

import keras
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from cnn_core.networks.summary import LayerRow, layer_table
from cnn_core.networks.zoo.cifar_resnet import cifar_resnet


def _rows(**options: object) -> list[LayerRow]:
    return layer_table(cifar_resnet(**options))  # type: ignore[arg-type]


def _trainable(rows: list[LayerRow]) -> int:
    return sum(row.trainable_params for row in rows)


@pytest.mark.parametrize(("depth", "params"), [(20, 269_722), (56, 853_018)])
def test_parameters_are_published_and_equal_for_plain_and_residual(depth: int, params: int) -> None:
    residual, plain = _rows(depth=depth), _rows(depth=depth, residual=False)
    assert _trainable(residual) == _trainable(plain) == params
    assert sum(row.macs or 0 for row in residual) == sum(row.macs or 0 for row in plain)


def test_macs_are_those_of_its_convolutions() -> None:
    # Stem, then 6 convolutions a stage on 32², 16², 8²; the first of stages 2 and 3 has half the input channels.
    stem, stages = 32**2 * 9 * 3 * 16, 0
    for side, filters, first in ((32, 16, 16), (16, 32, 16), (8, 64, 32)):
        stages += side**2 * 9 * filters * (first + 5 * filters)
    assert sum(row.macs or 0 for row in _rows(depth=20)) == stem + stages + 64 * 10 == 40_551_040


@pytest.mark.parametrize("residual", [False, True])
def test_receptive_field_is_the_main_paths_and_the_shortcut_is_aligned(residual: bool) -> None:
    rows = {row.name: row for row in _rows(depth=20, residual=residual)}
    fields = {}
    for stage in (1, 2, 3):
        row = rows[f"stage{stage}_block3_out"]
        fields[stage] = row.receptive_field, row.effective_stride, row.effective_padding
    # 3 for the stem; 6 · 2 at stride 1; 2 + 5 · 4; 4 + 5 · 8; always as much padding as keeps the middle.
    assert fields == {1: (15, 1, 7), 2: (37, 2, 18), 3: (81, 4, 40)}
    assert "whole image" in rows["pool"].reason


def test_shortcut_takes_every_other_pixel_and_zeros_for_missing_channels() -> None:
    net = cifar_resnet(depth=8, input_shape=(9, 12, 3), width=4, batch_norm=False)
    pixels = np.random.default_rng(0).normal(size=(2, 9, 12, 3)).astype(np.float32)
    for layer in net.layers:
        if layer.name.startswith("stage"):
            layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    names = ("stem_out", "stage1_block1_out", "stage2_block1_out", "stage3_block1_out")
    stem, same, half, quarter = keras.Model(net.input, [net.get_layer(name).output for name in names])(pixels)
    stem = np.asarray(stem)
    np.testing.assert_array_equal(same, stem, err_msg="a silent block is the identity")
    expected = np.concatenate([stem[:, ::2, ::2], np.zeros((2, 5, 6, 4))], axis=-1)
    np.testing.assert_array_equal(half, expected)
    expected = np.concatenate([stem[:, ::4, ::4], np.zeros((2, 3, 3, 12))], axis=-1)
    np.testing.assert_array_equal(quarter, expected)


def _convolved(x: np.ndarray, layer: keras.layers.Conv2D) -> np.ndarray:
    kernel, bias = (np.asarray(w, np.float64) for w in layer.get_weights())
    windows = sliding_window_view(np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), (3, 3), axis=(1, 2))
    stride = layer.strides[0]
    return np.einsum("nhwcij,ijcf->nhwf", windows[:, ::stride, ::stride], kernel) + bias


@pytest.mark.parametrize("residual", [False, True])
def test_probabilities_agree_with_numpy(residual: bool) -> None:
    keras.utils.set_random_seed(0)
    net = cifar_resnet(depth=8, residual=residual, input_shape=(8, 8, 3), width=3, batch_norm=False, num_classes=4)
    x = pixels = np.random.default_rng(1).normal(size=(2, 8, 8, 3))
    x = np.maximum(_convolved(x, net.get_layer("stem_conv")), 0)
    for stage in (1, 2, 3):
        before = x if stage == 1 else np.pad(x[:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (0, x.shape[-1])))
        x = np.maximum(_convolved(x, net.get_layer(f"stage{stage}_block1_1_conv")), 0)
        x = _convolved(x, net.get_layer(f"stage{stage}_block1_2_conv"))
        x = np.maximum(x + before if residual else x, 0)
    kernel, bias = net.get_layer("logits").get_weights()
    powers = np.exp(x.mean(axis=(1, 2)) @ kernel + bias)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(net(pixels.astype(np.float32)), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 18}, "depth is 18; expected 6n + 2"),
        ({"depth": 2}, "depth is 2; expected 6n + 2"),
        ({"width": 0}, "width is 0; expected at least 1 filter"),
        ({"num_classes": 0}, "num_classes is 0"),
        ({"input_shape": (3, 32, 3)}, "sides of at least 4"),
    ],
)
def test_impossible_options_are_refused_in_words(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match="expected") as refusal:
        cifar_resnet(**options)  # type: ignore[arg-type]
    assert message in str(refusal.value)
