"""Walking into EfficientNet-Lite0: its plan against the Keras model, its numbers against Keras at every node."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from skimage import data

from cnn_core.arithmetic import costs
from cnn_core.networks import atlas, backbones, embedded, forward
from cnn_core.networks.inside import unit_box
from cnn_core.networks.loaded import InspectionRefused
from cnn_core.networks.summary import layer_table
from cnn_core.networks.zoom import held, lite, made, source, strip
from cnn_core.networks.zoom.plan import Node, seen

KEY = backbones.DEFAULT
CAT = data.chelsea()
PLAN = lite.plan()
SEEN = seen(PLAN, CAT)
TOLERANCE = 1e-4  # of the range of a map


@pytest.fixture(scope="module")
def by_keras() -> dict[str, np.ndarray]:
    """Every map of the picture, by Keras."""
    model = backbones.classifier()
    outputs = {node.name: model.get_layer(node.name).output for node in PLAN.nodes}
    found = keras.Model(model.input, outputs).predict(SEEN[None], verbose=0)
    return {name: np.asarray(maps[0]).reshape(PLAN.node(name).shape) for name, maps in found.items()}


@pytest.fixture(autouse=True)
def _nothing_held() -> None:
    held.forget()


# The plan -------------------------------------------------------------------------------------------------------------


def test_plan_has_the_sums_of_the_network() -> None:
    kinds = [node.kind for node in PLAN.nodes]
    counts = {kind: kinds.count(kind) for kind in set(kinds)}
    assert counts == {"input": 1, "convolution": 33, "depthwise": 16, "add": 9, "global_pool": 1, "dense": 1}
    assert [stage.title for stage in PLAN.stages] == ["1", "2", "3", "4", "5", "answer"]
    assert [node for stage in PLAN.stages for node in stage.nodes] == [node.name for node in PLAN.nodes[1:]]
    assert all(name.replace("_", "").isalnum() for name in (node.name for node in PLAN.nodes)), "they stand in links"


def test_plan_is_the_keras_graph() -> None:
    """Shapes, windows, fields and what each reads, by the layers of the model itself."""
    model = backbones.classifier()
    rows = {row.name: row for row in layer_table(model)}
    for node in PLAN.nodes:
        row, layer = rows[node.name], model.get_layer(node.name)
        assert (row.output_shape if len(row.output_shape) == 3 else (1, 1, *row.output_shape)) == node.shape
        if node.field is None:
            assert row.receptive_field is None and row.reason == node.reason
        else:
            numbers = row.receptive_field, row.effective_stride, row.effective_padding
            assert numbers == (node.field.size, node.field.stride, node.field.padding)
            assert row.reach is not None and row.reach[0] == node.field.reach
        if node.inputs:
            assert {below.name for below in _below(model, layer)} == set(node.inputs)


def _below(model: Any, layer: Any) -> list[Any]:
    """The nodes' layers that the sum which ends in a layer reads: up the graph to the first that is another node."""
    names, found, stack = {node.name for node in PLAN.nodes}, [], [layer]
    while stack:
        inputs = stack.pop().input
        for tensor in inputs if isinstance(inputs, list) else [inputs]:
            above = tensor._keras_history.operation
            (found if above.name in names else stack).append(above)
    return found


def test_multiply_adds_of_all_nodes_are_those_of_the_atlas() -> None:
    total = 0
    for node in PLAN.nodes:
        if node.kind in ("convolution", "depthwise"):
            assert node.window is not None
            channels = PLAN.node(node.inputs[0]).shape[2]
            sizes = (node.window.kernel_size, channels, node.shape[2], node.shape[:2], node.groups)
            total += costs.convolution_cost(*sizes, bias=False).macs
        elif node.kind == "dense":
            total += costs.dense_cost(1280, 1000).macs
    assert total == atlas.read()["architectures"][KEY]["macs"]


def test_there_is_no_other_name_or_network_or_picture() -> None:
    with pytest.raises(
        InspectionRefused, match=r"has no map 'block9_out' to walk into\. Its stages end in block1a_out"
    ):
        PLAN.node("block9_out")
    with pytest.raises(ValueError, match="no_such_network"):
        strip.plan("no_such_network")
    with pytest.raises(InspectionRefused, match=r"\(224, 224, 3\); received uint8 of shape \(300, 451, 3\)\. Cut"):
        strip.strip(KEY, CAT)
    with pytest.raises(InspectionRefused, match="received float64"):
        strip.maps(KEY, SEEN / 255, "stem_relu6")


# Every block in one pass ----------------------------------------------------------------------------------------------


def test_every_block_is_as_keras_says_part_by_part(by_keras: dict[str, np.ndarray]) -> None:
    """`flatbuffer.held_against` looks at the largest value of all only; here each map is held against its own."""
    source = sources(SEEN)
    for name in lite.ENDS:
        expected = by_keras[name]
        assert np.abs(source.maps(name) - expected).max() < 1e-4 * np.abs(expected).max(), name
    numbers = forward.every_block(backbones.backbone(KEY))(SEEN[None])
    assert numbers.shape == (1, sum(by_keras[name].size for name in lite.ENDS)) == (1, 1_044_288)


def sources(pixels: np.ndarray) -> source.Source:
    return source.source(KEY, pixels)


def test_all_maps_are_as_keras_says(by_keras: dict[str, np.ndarray]) -> None:
    found = sources(SEEN)
    for name, expected in by_keras.items():
        maps = found.maps(name)
        assert maps.dtype == np.float32 and maps.shape == expected.shape
        own, every = np.ptp(expected, axis=(0, 1)), np.ptp(expected)
        scales = np.where(own > 0.1 * every, own, every)
        assert (np.abs(maps - expected).max(axis=(0, 1)) <= TOLERANCE * scales).all(), name


# The levels -----------------------------------------------------------------------------------------------------------


def test_strip_shows_the_maps_that_vary_most(by_keras: dict[str, np.ndarray]) -> None:
    found = strip.strip(KEY, SEEN)
    assert [mosaic.node for mosaic in found.stages] == [
        *("block1a_out", "block2b_out", "block3b_out", "block5c_out", "top_out")
    ]
    for mosaic in found.stages:
        maps = by_keras[mosaic.node]
        variances = maps.reshape(-1, maps.shape[2]).var(axis=0)
        assert list(mosaic.channels) == sorted(range(maps.shape[2]), key=lambda c: -variances[c])[:24]
        assert mosaic.shape == maps.shape and mosaic.coded.codes.shape[0] == len(mosaic.channels)
        assert max(mosaic.coded.codes.shape[1:]) <= strip.SIDE and mosaic.coded.codes.min() >= 1
        shown = maps[..., list(mosaic.channels)]
        atol = 1e-4 * np.abs(maps).max()
        np.testing.assert_allclose(mosaic.high, shown.max(axis=(0, 1)), atol=atol)
        np.testing.assert_allclose(mosaic.low, shown.min(axis=(0, 1)), atol=atol)
        for number, (row, column) in enumerate(mosaic.peaks):
            assert shown[row, column, number] >= shown[..., number].max() - atol
        step = -(-maps.shape[0] // mosaic.coded.codes.shape[1])
        decoded = np.moveaxis(mosaic.coded.values(), 0, 2)
        half = mosaic.coded.limits / 127 / 2
        assert (np.abs(decoded - shown[::step, ::step]) <= half + atol).all()


def test_strip_answers_as_classify_does() -> None:
    assert strip.strip(KEY, SEEN).top == [
        {**each, "probability": pytest.approx(each["probability"], abs=1e-5)} for each in embedded.classify(CAT)
    ]


@pytest.mark.parametrize("name", ["preprocess", "stem_relu6", "block2a_expand_relu6", "block4a_out", "top_out", "pool"])
def test_maps_are_all_maps(by_keras: dict[str, np.ndarray], name: str) -> None:
    expected, found = by_keras[name], strip.maps(KEY, SEEN, name)
    atol = 1e-4 * np.abs(expected).max()
    assert found.shape == expected.shape and found.coded.codes.size <= strip.CELLS
    assert sorted(found.order) == list(range(expected.shape[2]))
    few = np.moveaxis(expected[:: found.step, :: found.step], 2, 0)
    half = found.coded.limits[:, None, None] / 127 / 2
    assert (np.abs(found.coded.values() - few) <= half + atol).all()
    np.testing.assert_allclose(found.low, expected.min(axis=(0, 1)), atol=atol)
    np.testing.assert_allclose(found.high, expected.max(axis=(0, 1)), atol=atol)
    rows, columns = found.peaks.T
    np.testing.assert_allclose(expected[rows, columns, np.arange(len(rows))], found.high, atol=atol)
    spread = expected[0, 0] if name == "pool" else expected.reshape(-1, expected.shape[2]).var(axis=0)
    assert (np.diff(spread[found.order]) <= 1e-3 * spread.max()).all()


def test_maps_of_the_classifier_are_the_class_maps() -> None:
    found = strip.maps(KEY, SEEN, "probabilities")
    assert found.shape == (1, 1, 1000) and found.coded.codes.shape == (1000, 7, 7)
    for expected in embedded.class_activation(CAT, top=3):
        index = expected["index"]
        half = found.coded.limits[index] / 127 / 2
        assert np.abs(found.coded.values()[index] - expected["map"]).max() <= half + 1e-3
        made_of = made.made(KEY, SEEN, "probabilities", index)
        np.testing.assert_allclose(made_of.output, expected["map"], atol=1e-3)
        assert made_of.output.mean() + made_of.bias == pytest.approx(expected["logit"], abs=1e-3)
        assert {name for name, _ in made_of.inputs} == {"top_out"} and made_of.others == 1272


def cells(node: Node, number: int = 3) -> list[tuple[int, int, int]]:
    """Random cells of a node; the same at each run."""
    random = np.random.default_rng([PLAN.nodes.index(node), 0])
    return [tuple(int(random.integers(size)) for size in node.shape) for _ in range(number)]  # type: ignore[misc]


def test_every_node_is_as_keras_says_at_any_cell(by_keras: dict[str, np.ndarray]) -> None:
    worst: dict[str, float] = {}
    for node in PLAN.nodes:
        for row, column, channel in cells(node):
            found = made.cell(KEY, SEEN, node.name, channel, row, column)
            maps = by_keras[node.name]
            own, every = np.ptp(maps[..., channel]), np.ptp(maps)
            scale = float(own if own > 0.1 * every else every)
            assert found.range == pytest.approx(scale, rel=1e-3, abs=1e-6)
            worst[node.name] = max(worst.get(node.name, 0.0), abs(found.value - maps[row, column, channel]) / scale)
            if found.engine is not None:
                assert found.engine == pytest.approx(maps[row, column, channel], abs=TOLERANCE * scale)
    assert {name: size for name, size in worst.items() if not size <= TOLERANCE} == {}


def test_every_node_is_made_of_its_parts(by_keras: dict[str, np.ndarray]) -> None:
    for node in PLAN.nodes:
        if node.kind == "dense":
            continue  # above
        row, column, channel = cells(node, 1)[0]
        found = made.made(KEY, SEEN, node.name, channel)
        expected = by_keras[node.name][..., channel]
        scale = made.scale_of(by_keras[node.name], channel)
        assert np.abs(found.output - expected).max() <= TOLERANCE * scale, node.name
        assert (found.low, found.high) == (pytest.approx(found.output.min()), pytest.approx(found.output.max()))
        assert found.output[found.peak] == pytest.approx(found.high)
        number, sources_of = len(found.inputs), sum(PLAN.node(name).shape[2] for name in node.inputs)
        if node.kind == "convolution":
            assert number + found.others == sources_of and number == min(8, sources_of)
        parts = found.part_codes.values()
        assert len(parts) == number + 2 and len(set(found.part_codes.limits)) == 1
        off = found.part_codes.limits[0] / 127 / 2 * (number + 2) + 1e-4
        assert np.abs(parts[:-1].sum(axis=0) - parts[-1]).max() <= off, "parts and rest add up to the sum"
        assert found.share.shape == (number,) and (np.diff(found.share) <= 0).all() and found.share.sum() <= 1 + 1e-5
        assert max(found.part_codes.codes.shape[1:]) <= made.SIDE >= max(found.input_codes.codes.shape[1:])
        assert len(found.kernels) == number == len(found.input_codes.codes)
        at = made.cell(KEY, SEEN, node.name, channel, row, column)
        assert (at.bias, at.scale, at.shift, at.activation) == (
            *(found.bias, found.scale, found.shift),
            found.activation,
        )
        assert at.value == pytest.approx(float(found.output[row, column]), abs=TOLERANCE * scale)
        assert at.box == unit_box(node.field, row, column, PLAN.input_size)


def test_cell_of_the_stem_is_the_formula_with_the_numbers_of_the_file() -> None:
    """By einsum from the file, on a padded corner: no way through the code that is tested."""
    names = [f"stem_bn/{part}" for part in ("gamma", "beta", "moving_mean", "moving_variance")]
    numbers = backbones.embedded_weights("stem_conv/kernel", *names)
    gamma, beta, mean, variance = (numbers[name][5].astype(np.float64) for name in names)
    x = np.pad((SEEN.astype(np.float64) - 127) / 128, ((0, 1), (0, 1), (0, 0)))
    sums = np.einsum("abc,abc->c", x[222:225, 222:225], numbers["stem_conv/kernel"][..., 5].astype(np.float64))
    expected = gamma * (sums.sum() - mean) / np.sqrt(variance + 1e-3) + beta
    found = made.cell(KEY, SEEN, "stem_relu6", channel=5, row=111, column=111)
    assert found.before == pytest.approx(expected, abs=1e-5) and found.value == pytest.approx(min(max(expected, 0), 6))
    assert found.inside.tolist() == [[True, True, False], [True, True, False], [False, False, False]]
    assert found.corner == (222, 222) and found.box == (222, 223, 222, 223)
    for (name, channel), total in zip(found.inputs, found.sums, strict=True):
        assert name == "preprocess" and total == pytest.approx(sums[channel], abs=1e-6)
    assert found.by == "LiteRT" and found.others == 0 and found.rest == 0


def test_cell_tells_the_strongest_products_and_the_rest() -> None:
    found = made.cell(KEY, SEEN, "block6b_project_bn", channel=7, row=3, column=3, singly=8)
    assert len(found.inputs) == 8 and found.others == 1144
    assert (np.diff(np.abs(found.sums)) <= 0).all()
    total = found.sums.sum() + found.rest
    assert found.scale * total + found.shift == pytest.approx(found.before) and found.activation == ""
    np.testing.assert_allclose((found.values * found.weights).sum(axis=(1, 2)), found.sums, rtol=1e-6)
    every = made.cell(KEY, SEEN, "block6b_project_bn", channel=7, row=3, column=3, singly=2000)
    assert every.others == 0 and every.sums.sum() == pytest.approx(total) and set(found.inputs) < set(every.inputs)


def test_answer_is_walked_into_as_far_as_a_product() -> None:
    top = embedded.classify(CAT, top=1)[0]
    found = made.cell(KEY, SEEN, "probabilities", top["index"], 0, 0)
    assert found.value == pytest.approx(top["probability"], abs=1e-4) and found.activation == "softmax"
    assert found.engine is None and found.box == (0, 223, 0, 223)
    name, channel = found.inputs[0]
    mean = made.cell(KEY, SEEN, name, channel, 0, 0)
    assert mean.value == pytest.approx(found.values[0, 0, 0], abs=1e-5) and mean.values.shape == (1, 7, 7)
    assert mean.inputs == (("top_out", channel),)
    pixel = made.cell(KEY, SEEN, "preprocess", 2, 10, 20)
    assert pixel.inputs == (("picture", 2),) and pixel.values.item() == SEEN[10, 20, 2]
    assert pixel.value == pytest.approx((SEEN[10, 20, 2] - 127.0) / 128)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        (("stem_relu6", 32, 0, 0), r"stem_relu6 has the maps 0 to 31; received 32"),
        (("stem_relu6", -1, 0, 0), r"stem_relu6 has the maps 0 to 31; received -1"),
        (("stem_relu6", 0, 112, 0), r"rows 0 to 111 and the columns 0 to 111; received row 112, column 0"),
        (("block1b_out", 0, 0, 0), r"no map 'block1b_out'"),
        (("stem_relu6", 0, 0, 0, 0), r"At least 1 input is told by itself; received 0"),
    ],
)
def test_what_there_is_not_is_refused_with_the_range(about: tuple[Any, ...], said: str) -> None:
    with pytest.raises(InspectionRefused, match=said):
        made.cell(KEY, SEEN, *about)
    with pytest.raises(InspectionRefused, match=r"at least 1 map a stage; received 0"):
        strip.strip(KEY, SEEN, most=0)


# Held maps ------------------------------------------------------------------------------------------------------------


def test_a_picture_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    network = forward.every_block(backbones.backbone(KEY))
    monkeypatch.setattr(forward, "every_block", lambda record: lambda batch: (asked.append(1), network(batch))[1])
    first = strip.strip(KEY, SEEN)
    made.made(KEY, SEEN.copy(), "block3b_expand_relu6", 3)
    assert len(asked) == 1
    other = strip.strip(KEY, SEEN[::-1])
    assert len(asked) == 2 and other.top != first.top
    strip.strip(KEY, SEEN)
    assert len(asked) == 2


def test_held_arrays_keep_to_their_bytes() -> None:
    calls: list[str] = []

    def compute(name: str) -> np.ndarray:
        calls.append(name)
        return np.zeros(10, np.uint8)

    for name in ("a", "b", "a", "c", "a", "b"):
        assert not held.held(name, lambda name=name: compute(name), most=25).flags.writeable
    assert calls == ["a", "b", "c", "b"], "b was used longest ago when c came"
    assert held.held("d", lambda: np.ones(99, np.uint8), most=25).sum() == 99, "the newest stays, whatever its size"


def test_nothing_of_it_needs_tensorflow() -> None:
    code = (
        "import numpy as np, sys\n"
        "from cnn_core.networks.zoom import lite, made, strip\n"
        "seen = np.random.default_rng(0).integers(0, 256, (224, 224, 3)).astype(np.uint8)\n"
        "strip.strip('efficientnet_lite0', seen)\n"
        "for node in lite.plan().nodes:\n"
        "    strip.maps('efficientnet_lite0', seen, node.name)\n"
        "    made.made('efficientnet_lite0', seen, node.name, 0)\n"
        "    made.cell('efficientnet_lite0', seen, node.name, 0, 0, 0)\n"
        "print([name for name in ('keras', 'tensorflow', 'scipy') if name in sys.modules])"
    )
    forward.every_block(backbones.backbone(KEY))  # made, if it is not yet
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stdout + done.stderr
