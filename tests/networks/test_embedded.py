"""What Keras and the embedded network say of a picture."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from cnn_core.arithmetic.convolution import convolve, cross_correlate
from cnn_core.engine import jobs
from cnn_core.networks import backbones, embedded
from cnn_core.networks.embedded import (
    answer_at,
    class_activation,
    classify,
    convolve_keras,
    shift_agreement,
    shown_to_shifts,
)
from cnn_core.networks.forward import trunk
from cnn_core.pictures.images import square

CAT = data.chelsea()  # (300, 451, 3)


# Keras' convolution --------------------------------------------------------------------------------------------------


@settings(max_examples=120)
@given(
    seed=st.integers(0, 2**31),
    height=st.integers(11, 16),
    width=st.integers(11, 16),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    padding=st.sampled_from(["valid", "same", "full", 2]),
    flip=st.booleans(),
    edge=st.sampled_from(["zero", "reflect"]),
    side=st.integers(1, 5),
    shapes=st.sampled_from([((), ()), ((3,), ()), ((3,), (3,)), ((3,), (3, 2)), ((), (1, 2)), ((1,), ())]),
)
def test_numpy_and_keras_give_the_same_map(
    seed, height, width, stride, dilation, padding, flip, edge, side, shapes
) -> None:
    random, (channels, depth) = np.random.default_rng(seed), shapes
    image = random.random((height, width, *channels))
    kernel = random.standard_normal((side, min(side, 4), *depth)) / side
    if (side - 1) * dilation + 1 > 11:
        dilation = 1
    found, seconds = convolve_keras(image, kernel, stride, padding, dilation, flip, edge)
    function = convolve if flip else cross_correlate
    expected = function(image, kernel, stride, padding, dilation, edge=edge)
    assert found.dtype == np.float32 and found.shape == expected.shape and 0 < seconds < 5
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("padding", "edge", "said"),
    [("valid", "zero", "valid"), ("same", "zero", "same"), ("same", "reflect", "valid"), ("full", "zero", "valid")],
)
def test_keras_pads_by_itself_where_it_can(padding: str, edge: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    conv = keras.ops.conv
    monkeypatch.setattr(keras.ops, "conv", lambda *args, **kwargs: asked.append(kwargs) or conv(*args, **kwargs))
    convolve_keras(np.ones((6, 6)), np.ones((3, 3)), 2, padding, edge=edge)
    assert [kwargs["padding"] for kwargs in asked] == [said] * 2  # once to warm up, once by the clock


def test_keras_refuses_in_our_words() -> None:
    with pytest.raises(ValueError, match="^A kernel of 5 × 5 does not fit into an image of 4 × 4 with padding 'valid'"):
        convolve_keras(np.ones((4, 4)), np.ones((5, 5)))
    with pytest.raises(ValueError, match="^stride is a whole number of at least 1"):
        convolve_keras(np.ones((4, 4)), np.ones((3, 3)), stride=0)


# Class activation ----------------------------------------------------------------------------------------------------


def test_maps_add_up_to_the_logit_exactly() -> None:
    found = class_activation(CAT, top=1000)
    batch = square(CAT, 224, 224 / 256)[None]
    probabilities = np.asarray(backbones.classifier()(batch.astype(np.float32), training=False))[0]
    for entry in found:
        assert entry["map"].shape == (7, 7) and entry["map"].dtype == np.float32
        assert entry["map"].mean(dtype=np.float64) + entry["bias"] == pytest.approx(entry["logit"], abs=2e-5)
        assert entry["probability"] == pytest.approx(probabilities[entry["index"]], abs=1e-5)
    # the network's own softmax gives logits up to a constant
    logits = np.array([entry["logit"] for entry in found])
    own = np.log(probabilities[[entry["index"] for entry in found]].astype(np.float64))
    differences = logits - own
    assert np.ptp(differences) < 1e-3
    assert list(logits) == sorted(logits, reverse=True) and sorted(entry["index"] for entry in found) == [*range(1000)]


def test_activation_agrees_with_the_answer() -> None:
    found, said = class_activation(CAT), classify(CAT, top=3)
    assert [entry["index"] for entry in found] == [entry["index"] for entry in said]
    assert [entry["label"] for entry in found] == [entry["label"] for entry in said]
    assert "cat" in found[0]["label"]
    pickle.loads(pickle.dumps(found))


def test_activation_is_where_the_thing_is() -> None:
    picture = np.full((256, 256, 3), 128, np.uint8)
    cup = square(data.coffee(), 128, 1.0)
    for top, left in ((0, 0), (128, 128)):
        picture[:] = 128
        picture[top : top + 128, left : left + 128] = cup
        best = class_activation(picture, top=1)[0]["map"]
        row, column = np.unravel_index(best.argmax(), best.shape)
        assert (row <= 3 and column <= 3) if top == 0 else (row >= 3 and column >= 3)


@pytest.mark.parametrize("top", [0, 1001])
def test_number_of_classes_is_bounded(top: int) -> None:
    with pytest.raises(ValueError, match=f"^The network knows 1000 classes; received top={top}.$"):
        class_activation(CAT, top)


# Shifts --------------------------------------------------------------------------------------------------------------


def test_unshifted_window_is_what_classify_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    maps = trunk(backbones.backbone(backbones.DEFAULT))
    monkeypatch.setattr(embedded, "trunk", lambda record: lambda batch: seen.append(batch) or maps(batch))
    for picture in (CAT, CAT[:, :311], np.swapaxes(CAT, 0, 1)):  # wide, nearly square with an odd rest, high
        said, best = shift_agreement(picture, shifts=[0, 5]), classify(picture, top=1)[0]
        window, right, down = seen[0]
        assert np.array_equal(seen[1], window[None])
        seen.clear()
        assert np.array_equal(window, square(picture, 224, 224 / 256))
        assert np.array_equal(right[:, 5:], window[:, :-5]) and np.array_equal(down[5:], window[:-5])
        whole = square(picture, 256, 1.0)  # and what came in is the picture
        assert np.array_equal(right[:, :5], whole[16:240, 11:16]) and np.array_equal(down[:5], whole[11:16, 16:240])
        assert (said["index"], said["label"]) == (best["index"], best["label"])
        assert said["probability"] == pytest.approx(best["probability"], abs=1e-5)


def test_drift_and_agreement_are_what_they_are_called() -> None:
    said = shift_agreement(CAT, shifts=(0, 1, -16, 8))
    assert json.loads(json.dumps(said)) == said and said["shifts"] == [0, 1, -16, 8]
    model = backbones.classifier()
    logits_of = keras.Model(model.input, model.get_layer("pool").output)
    kernel, bias = model.get_layer("probabilities").get_weights()
    whole, votes = square(CAT, 256, 1.0), []
    for direction, turned in (("right", whole), ("down", np.swapaxes(whole, 0, 1))):
        for index, pixels in enumerate(said["shifts"]):
            window = turned[16:240, 16 - pixels : 240 - pixels]
            window = np.swapaxes(window, 0, 1) if direction == "down" else window
            logits = np.asarray(logits_of(window[None].astype(np.float32), training=False))[0] @ kernel + bias
            if pixels == 0:
                still = logits
            column = said[direction]
            drift = np.linalg.norm(logits - still) / np.linalg.norm(still)
            assert column["drift"][index] == pytest.approx(drift, abs=1e-4)
            assert column["agrees"][index] == (logits.argmax() == said["index"])
            probability = float(keras.ops.softmax(logits.astype(np.float32))[said["index"]])
            assert column["probability"][index] == pytest.approx(probability, abs=1e-4)
            votes += [column["agrees"][index]] * (pixels != 0)
    assert said["agreement"] == sum(votes) / 6
    assert said["right"]["drift"][0] == 0 and min(said["right"]["drift"][1:]) > 0.01


def test_without_a_shift_there_is_nothing_to_agree() -> None:
    said = shift_agreement(CAT, shifts=[0])
    assert said["agreement"] is None and said["down"]["drift"] == [0]


def test_shift_beyond_the_margin_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^The picture leaves room for shifts of at most 16 pixels; received \[17\].$"
    ):
        shift_agreement(CAT, shifts=[17])


def test_answer_at_a_shift_is_the_one_that_the_agreement_was_counted_from() -> None:
    said, seen = shift_agreement(CAT, shifts=(0, 3, -8)), shown_to_shifts(CAT)
    for axis, (down, right) in {"right": (0, 1), "down": (1, 0)}.items():
        for place, pixels in enumerate(said["shifts"]):
            found = answer_at(seen, down * pixels, right * pixels, top=1000)
            same = next(entry for entry in found if entry["index"] == said["index"])
            assert same["probability"] == pytest.approx(said[axis]["probability"][place], abs=1e-5)
            assert (found[0]["index"] == said["index"]) == said[axis]["agrees"][place]
    assert answer_at(seen, 0, 0)[0]["label"] == classify(CAT)[0]["label"]
    moved = np.roll(seen, (5, -7), axis=(0, 1))  # of 256 pixels, the 224 in the middle meet nothing that came around
    assert answer_at(seen, 5, -7) == answer_at(moved, 0, 0)


def test_what_cannot_be_moved_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^The picture leaves room for shifts of at most 16 pixels; received \[-17, 0\].$"
    ):
        answer_at(shown_to_shifts(CAT), -17, 0)
    with pytest.raises(
        ValueError, match=r"^A picture to be moved is of shape \(256, 256, 3\); received \(300, 451, 3\).$"
    ):
        answer_at(CAT, 0, 0)


def test_picture_of_one_colour_does_not_move() -> None:
    said = shift_agreement(np.full((50, 60, 3), 90, np.uint8), shifts=[0, 3])
    assert said["agreement"] == 1 and max(said["right"]["drift"]) < 1e-5


# In the worker -------------------------------------------------------------------------------------------------------


def test_questions_are_known_to_the_engine() -> None:
    assert jobs.question("convolve") is convolve_keras
    assert jobs.question("shift_agreement") is shift_agreement
    assert jobs.question("class_activation") is class_activation


def test_picture_is_classified_without_keras(tmp_path: Path) -> None:
    """Once the flatbuffer is there; and as Keras' classifier says."""
    said = classify(CAT, top=1000)
    batch = square(CAT, 224, 224 / 256)[None].astype(np.float32)
    expected = backbones.classifier().predict(batch, verbose=0)[0]
    assert [answer["probability"] for answer in said] == pytest.approx(expected[[a["index"] for a in said]], abs=1e-4)
    np.save(tmp_path / "cat.npy", CAT)
    code = (
        "import json, sys, numpy as np; from cnn_core.networks import embedded;"
        "print(json.dumps(embedded.classify(np.load(sys.argv[1]), top=1)));"
        "assert not {'keras', 'tensorflow', 'scipy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "cat.npy")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == said[:1] and done.stderr == ""
