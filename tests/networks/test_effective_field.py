"""What a unit listens to, against NumPy and against arithmetic."""

import pickle

import keras
import numpy as np
import pytest
from skimage import data

from cnn_core.arithmetic.geometry import Field, unit_interval
from cnn_core.networks import effective_field as subject
from cnn_core.networks.effective_field import (
    BLOCKS,
    FieldRefused,
    centre_gradient,
    effective_field,
    expected_extent,
    field_growth,
)
from cnn_core.networks.summary import layer_table

CAT = data.chelsea()


def repeated(kernel_size: int, depth: int) -> np.ndarray:
    """A uniform kernel convolved with itself: what a linear stack's squared gradient is in expectation."""
    profile = np.ones(1)
    for _ in range(depth):
        profile = np.convolve(profile, np.full(kernel_size, 1 / kernel_size))
    return profile


def full(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Two-dimensional convolution by its definition, `(H + kh - 1, W + kw - 1)`."""
    made = np.zeros((image.shape[0] + kernel.shape[0] - 1, image.shape[1] + kernel.shape[1] - 1))
    for (row, column), weight in np.ndenumerate(kernel):
        made[row : row + image.shape[0], column : column + image.shape[1]] += weight * image
    return made


def test_gradient_of_a_linear_stack_is_numpys_repeated_convolution() -> None:
    random = np.random.default_rng(0)
    layers = [keras.layers.Conv2D(1, k, padding="same", use_bias=False) for k in (3, 5, 3)]
    model = keras.Sequential([keras.Input((17, 17, 1)), *layers])
    expected = np.ones((1, 1))
    for layer in layers:
        layer.set_weights([random.standard_normal(layer.kernel.shape)])
        expected = full(expected, np.asarray(layer.kernel)[:, :, 0, 0])
    gradient = centre_gradient(model, random.random((2, 17, 17, 1)))
    written = np.zeros((17, 17))
    written[4:13, 4:13] = expected  # the field of the centre unit (8, 8): 9 pixels
    for each in gradient[..., 0]:  # linear: the picture does not matter
        np.testing.assert_allclose(each, written, atol=1e-5)


@pytest.mark.parametrize("strides", [(1, 1, 1), (2, 1, 2), (1, 2, 1)])
def test_gradient_is_exactly_zero_outside_of_the_theoretical_field(strides) -> None:
    keras.utils.set_random_seed(0)  # a ReLU that is dead for every picture would silence a path
    same = [keras.layers.Conv2D(6, 3, s, padding="same", activation="relu") for s in strides]
    model = keras.Sequential([keras.Input((40, 40, 3)), *same])
    row = layer_table(model)[-1]
    unit = model.output_shape[1] // 2
    field = Field(row.receptive_field, row.effective_stride, row.effective_padding)
    first, last = unit_interval(field, unit, 40)
    gradient = np.abs(centre_gradient(model, np.random.default_rng(1).random((8, 40, 40, 3)))).sum(axis=(0, 3))
    assert (gradient[first : last + 1, first : last + 1] > 0).all(), "every pixel inside counts for some picture"
    gradient[first : last + 1, first : last + 1] = 0
    assert not gradient.any(), "and none outside"


@pytest.mark.parametrize(("layer", "size", "box"), [("block1a_out", 7, (110, 116)), ("block3b_out", 67, (86, 152))])
@pytest.mark.parametrize("pretrained", [True, False])
def test_effective_field_of_the_embedded_network(layer, size, box, pretrained) -> None:
    field = effective_field(CAT, layer, pretrained, shifts=1)
    assert (field.receptive_field, field.box, field.windows) == (size, box, 1)
    assert field.gradient.shape == (224, 224) and field.gradient.dtype == np.float32
    inside = field.gradient[box[0] : box[1] + 1, box[0] : box[1] + 1]
    assert inside.sum() == pytest.approx(1, abs=1e-5)
    assert (field.gradient > 0).sum() == (inside > 0).sum(), "nothing outside of the box"
    ranked = np.sort(inside, axis=None)[::-1].astype(float)
    assert ranked[: field.held].sum() >= 0.95 - 1e-6 > ranked[: field.held - 1].sum() - 1e-6
    assert field.share == field.held / size**2
    assert pickle.loads(pickle.dumps(field)).share == field.share


def test_random_residual_blocks_listen_to_less_than_a_tenth() -> None:
    field = effective_field(CAT, "block4c_out", pretrained=False, shifts=2)
    assert field.windows == 4
    assert field.share < 0.1, "the page's challenge can be met"
    assert field.inner > 0.9, "the middle dominates"


def test_effective_field_clips_what_lies_outside_of_the_picture() -> None:
    field = effective_field(CAT, "top_out", shifts=1)
    assert (field.receptive_field, field.box, field.unit) == (851, (0, 223), (3, 3))
    assert field.centre == 127.0, "the unit right of and below the middle of 7"
    assert 0.5 < field.share < 1


def test_effective_field_depends_on_the_picture_and_repeats() -> None:
    other = effective_field(data.coffee(), "block2b_out", shifts=1)
    here, again = (effective_field(CAT, "block2b_out", shifts=1) for _ in range(2))
    assert np.array_equal(here.gradient, again.gradient)
    assert not np.array_equal(here.gradient, other.gradient)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("block9z_out",), "no layer 'block9z_out'.*block1a_out"),
        (("block1a_out", True, 0), "1 to 4 positions"),
        (("block1a_out", True, 9), "received 9"),
    ],
)
def test_effective_field_refuses(arguments, words) -> None:
    with pytest.raises(FieldRefused, match=words):
        effective_field(CAT, *arguments)


def test_blocks_are_layers_of_the_network() -> None:
    model = subject._network(True)
    assert all(model.get_layer(f"{block}_out") for block in BLOCKS)
    assert len(BLOCKS) == 17 and BLOCKS[-1] == "top"


# The law over depth --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel_size", [2, 3, 5, 7])
@pytest.mark.parametrize("depth", [1, 2, 7, 32])
def test_theory_is_the_spread_of_the_repeated_convolution(kernel_size, depth) -> None:
    profile = repeated(kernel_size, depth)
    places = np.arange(len(profile)) - (len(profile) - 1) / 2
    assert len(profile) == depth * (kernel_size - 1) + 1
    assert expected_extent(kernel_size, depth) == pytest.approx(4 * np.sqrt(profile @ places**2))


def test_squared_gradient_of_linear_random_stacks_is_the_repeated_convolution() -> None:
    random = np.random.default_rng(3)
    energy = np.mean([subject._living(3, 6, False, random) for _ in range(60)], axis=0)
    np.testing.assert_allclose(energy.sum(axis=0), repeated(3, 6), atol=0.02)
    np.testing.assert_allclose(energy.sum(axis=1), repeated(3, 6), atol=0.02)


def test_growth_follows_the_root_of_depth() -> None:
    grown = field_growth(3, (2, 4, 8, 16))
    assert grown.fields == (5, 9, 17, 33)
    for kind in ("linear", "relu"):
        np.testing.assert_allclose(grown.sizes[kind], grown.theory, rtol=0.08, err_msg=kind)
        assert grown.growth[kind] == pytest.approx(0.5, abs=0.05)
        assert grown.shrinkage[kind] == pytest.approx(grown.shrinkage["theory"], abs=0.05)
    assert -0.5 < grown.shrinkage["theory"] < -0.35, "it nears -1/2 for deep stacks only"
    assert pickle.loads(pickle.dumps(grown)) == grown


@pytest.mark.parametrize(("kernel_size", "depths"), [(1, (2, 4)), (9, (2, 4)), (3, (4, 4)), (3, (0, 4)), (3, (4, 99))])
def test_growth_refuses(kernel_size, depths) -> None:
    with pytest.raises(FieldRefused, match=r"Stacks of kernels of 2 to 7.*received kernel_size"):
        field_growth(kernel_size, depths)
