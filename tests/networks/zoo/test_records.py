"""The records of all architectures, what the built networks measure, the file of it, and the command line."""

import dataclasses
import json
import os
import pickle
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import pytest
import tensorflow as tf

from cnn_core.__main__ import main
from cnn_core.arithmetic.geometry import Window, receptive_field
from cnn_core.arithmetic.stacks import presets as stack_presets
from cnn_core.arithmetic.stacks import table as stacks
from cnn_core.networks import atlas
from cnn_core.networks.zoo.architectures import ARCHITECTURES, architecture
from cnn_core.networks.zoo.weightless import weightless

ROOT = Path(__file__).resolve().parents[3]
KEYS = [
    *("lenet5_1998", "lenet5", "alexnet", "alexnet_ungrouped"),
    *("vgg16", "vgg19", "googlenet"),
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
    *("plain18", "plain34"),
    *("cifar_resnet20", "cifar_resnet56", "cifar_plain20", "cifar_plain56"),
    *("mobilenet_v1", "mobilenet_v2"),
    *("efficientnet_b0", "efficientnet_lite0", "convnext_tiny", "vit_b16"),
]
QUICK = ("lenet5_1998", "lenet5", "vgg16", "googlenet", "resnet18", "plain18", "cifar_resnet20", "mobilenet_v1")
EVERY = [key if key in QUICK else pytest.param(key, marks=pytest.mark.slow) for key in KEYS]

# Sources: FACTS.md, or behind the line. None: nothing was published that this could be held to.
PUBLISHED = {  # trainable parameters, multiply-adds, field
    "lenet5_1998": (60_000, None, 32),
    "lenet5": (61_706, None, 32),
    "alexnet": (60_965_224, None, 195),
    "alexnet_ungrouped": (62_378_344, None, 195),
    "vgg16": (138_357_544, 15.470e9, 212),
    "vgg19": (143_667_240, 19.632e9, 268),  # torchvision 19.63
    "googlenet": (
        6_998_552,
        None,
        7 + 4 + 8 + 8 + 2 * 32 + 16 + 5 * 64 + 32 + 2 * 128,
    ),  # table 1 of the paper, 5 × 5 branch
    "resnet18": (11_689_512, 1.814e9, 435),  # torchvision 1.81
    "resnet34": (21_797_672, 3.664e9, 899),  # torchvision 3.66
    "resnet50": (25_557_032, 3.858e9, 483),
    "resnet101": (44_549_160, 7.57e9, 1027),  # He et al. 2016, table 1: 7.6
    "resnet152": (60_192_808, 11.28e9, 1507),  # He et al. 2016, table 1: 11.3
    "cifar_resnet20": (269_722, None, None),
    "cifar_resnet56": (853_018, None, None),
    "mobilenet_v1": (4_253_864 - 21_888, 0.569e9, 315),
    "mobilenet_v2": (3_504_872, 0.301e9, 491),  # Sandler et al. 2018, table 4: 300 M
    "efficientnet_b0": (5_288_548, 0.39e9, None),  # Tan & Le 2019, table 2
    "efficientnet_lite0": (4_652_008, None, None),
    "convnext_tiny": (28_589_128, 4.456e9, None),  # torchvision 4.46
    "vit_b16": (86_567_656, 17.564e9, None),
}

_measured: dict[str, dict[str, Any]] = {}


def measured(key: str) -> dict[str, Any]:
    if key not in _measured:
        _measured[key] = atlas.measure(key)
    return _measured[key]


def built(key: str) -> keras.Model:
    return weightless(architecture(key).build)


# The records ----------------------------------------------------------------------------------------------------------


def test_there_are_exactly_these() -> None:
    assert list(ARCHITECTURES) == KEYS


@pytest.mark.parametrize("key", KEYS)
def test_records_are_complete(key: str) -> None:
    record = architecture(key)
    for name in ("title", "authors", "paper", "idea", "description", "fixed", "builder", "typical_block"):
        assert getattr(record, name).strip(), f"{key} has no {name}"
    assert 1989 <= record.year <= 2026 and record.counts and record.stage_ends and record.depth > 0
    assert re.search(r"arXiv:\d{4}\.\d{4,5}|doi:10\.\d+/", record.paper)
    for result in record.results:
        assert result.whose and result.dataset in ("ImageNet", "MNIST", "CIFAR-10")
        assert result.top1_error is None or 0 < result.top1_error < 50
        assert result.top1_error is not None or result.top5_error is not None, f"{key}: a result without a number"
        assert result.top5_error is None or result.top1_error is None or result.top5_error < result.top1_error
    assert pickle.loads(pickle.dumps(record)) == record
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.year = 1900  # type: ignore[misc]


def test_titles_are_different() -> None:
    assert len({record.title for record in ARCHITECTURES.values()}) == len(KEYS)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"No architecture is called 'vgg'; there are lenet5_1998, .* Choose one of them\."
    ):
        architecture("vgg")


def test_the_table_and_the_file_need_no_keras() -> None:
    code = (
        "import sys; from cnn_core.networks import atlas; import cnn_core.networks.zoo.architectures; atlas.read();"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'keras', 'tensorflow', 'numpy'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# The records against the networks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", EVERY)
def test_published_counts_are_ours_plus_their_terms(key: str) -> None:
    for count in architecture(key).counts:
        ours = measured(key)["trainable_params"]
        assert ours + sum(count.terms.values()) == count.count, f"{key}, {count.whose}: the terms do not add up"


@pytest.mark.parametrize("key", EVERY)
def test_terms_are_what_the_network_has(key: str) -> None:
    """Statistics, biases, projections and auxiliary heads by counting them in networks."""
    model = built(key)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    for count in architecture(key).counts:
        for term, value in count.terms.items():
            if term == "BatchNorm statistics":
                assert value == sum(2 * norm.gamma.shape[0] for norm in norms)
            elif term == "convolution biases":  # Keras' ResNet has one for each filter
                assert value == sum(layer.filters for layer in convolutions)
            elif term == "no convolution biases":
                assert value == -sum(layer.filters for layer in convolutions)
            elif term == "BatchNorm scale and shift":
                assert value == 2 * sum(layer.filters for layer in convolutions)
            elif term == "projections of the shortcuts":
                residual = measured(key.replace("plain", "resnet"))["trainable_params"]
                assert value == residual - measured(key)["trainable_params"]
            elif term == "auxiliary heads":
                from cnn_core.networks.zoo.googlenet import googlenet

                with_heads = weightless(googlenet, auxiliary=True)
                assert value == with_heads.count_params() - measured(key)["total_params"]


@pytest.mark.parametrize("key", EVERY)
def test_measures_are_the_published(key: str) -> None:
    if key not in PUBLISHED:
        assert key.replace("plain", "resnet") in PUBLISHED, f"nothing holds {key}"
        twin = measured(key.replace("plain", "resnet"))
        assert measured(key)["receptive_field"] == twin["receptive_field"]
        assert measured(key)["longest_path"] == twin["longest_path"]
        return
    params, macs, field = PUBLISHED[key]
    facts = measured(key)
    assert facts["trainable_params"] == params
    if macs is not None:
        assert facts["macs"] == pytest.approx(macs, rel=0.02 if key == "efficientnet_b0" else 0.003)
    if field is not None:
        assert facts["receptive_field"] == field


@pytest.mark.parametrize("key", ["efficientnet_b0", "vit_b16"])
def test_a_field_that_is_the_whole_image_has_no_number_but_a_reason(key: str) -> None:
    facts = measured(key)
    assert (facts["receptive_field"], facts["path"]) == (None, [])
    assert facts["reason"] == facts["path_reason"] and facts["reason"].endswith("sees the whole image.")


def test_attention_is_counted_and_told_apart() -> None:
    """torchvision counts 17.56 G for ViT-B/16: projections and products."""
    facts = measured("vit_b16")
    assert facts["attention_macs"] == 12 * 2 * 197**2 * 768
    assert facts["macs"] == 17_563_828_224 == pytest.approx(17.564e9, rel=1e-4)
    tokens, width = 197, 768
    dense = 12 * tokens * width * (4 * width + 2 * 4 * width)
    assert facts["macs"] - facts["attention_macs"] == 196 * 16 * 16 * 3 * width + dense + width * 1000


# LeNet of 1998 counts its output of fixed codes; ViT counts encoder blocks, each of four layers in a row.
OTHERWISE_COUNTED = {"lenet5_1998": 7 - 1, "vit_b16": 1 + 12 * 4 + 1}


@pytest.mark.parametrize("key", EVERY)
def test_depth_is_the_longest_path_of_layers_with_weights(key: str) -> None:
    expected = OTHERWISE_COUNTED.get(key, architecture(key).depth)
    assert measured(key)["longest_path"] == expected
    digits = re.search(r"(?:vgg|resnet|plain)(\d+)$", key)
    assert digits is None or measured(key)["depth"] == int(digits[1])


@pytest.mark.parametrize("key", EVERY)
def test_layers_of_the_record_exist(key: str) -> None:
    record, graph = architecture(key), atlas.architecture_graph(key)
    shapes = {layer["name"]: layer["output_shape"] for layer in graph["layers"]}
    heights = [shapes[name][0] for name in record.stage_ends]
    assert heights == sorted(set(heights), reverse=True), f"{key}: each stage is smaller than the one before"
    if record.last_feature_map is None:
        assert key == "vit_b16"
    else:
        height, width, channels = shapes[record.last_feature_map]
        assert height == width > 1 and channels > 1
    assert record.typical_block in graph["blocks"]


# Paths and graphs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", EVERY)
def test_the_path_gives_the_field(key: str) -> None:
    facts = measured(key)
    paddings = [w["padding"] if isinstance(w["padding"], str) else tuple(w["padding"]) for w in facts["path"]]
    windows = [
        Window(w["kernel_size"], w["stride"], padding, w["dilation"])
        for w, padding in zip(facts["path"], paddings, strict=True)
    ]
    assert receptive_field(windows).size == (facts["receptive_field"] or 1)
    for window in facts["path"]:
        assert window["kind"] in ("convolution", "pooling")
        assert (window["filters"] is None) == (window["kind"] == "pooling")
    if key.startswith(("resnet", "cifar_resnet")):
        assert not any("shortcut" in w["name"] for w in facts["path"]), "the longest path is not along a shortcut"


@pytest.mark.parametrize("key", EVERY)
def test_the_path_as_a_stack_has_the_kernels_and_biases_of_the_network(key: str) -> None:
    layers = {layer["name"]: layer for layer in atlas.architecture_graph(key)["layers"]}
    names, preset = [window["name"] for window in measured(key)["path"]], stack_presets.presets()[key]
    expected = [(layers[name]["params"], layers[name]["macs"]) for name in names]
    assert preset.path_params == sum(params for params, _ in expected)
    if key not in ("googlenet", "lenet5_1998"):  # there other branches bring channels
        rows = stacks.stack_table(preset.stack, preset.input_size, architecture(key).input_shape[2])
        assert [(row.params, row.macs) for row in rows] == expected


@pytest.mark.parametrize("key", EVERY)
def test_graphs_are_those_of_keras(key: str) -> None:
    graph, model = atlas.architecture_graph(key), built(key)
    assert sorted(layer["name"] for layer in graph["layers"]) == sorted(layer.name for layer in model.layers)
    edges = set()
    for layer in model.get_config()["layers"]:  # what Keras itself writes down

        def sources(value: Any) -> list[str]:
            if isinstance(value, dict):
                history = value.get("config", {}).get("keras_history") if value.get("class_name") else None
                return [history[0]] if history else [name for part in value.values() for name in sources(part)]
            return [name for part in value for name in sources(part)] if isinstance(value, (list, tuple)) else []

        edges |= {(source, layer["name"]) for source in sources(layer["inbound_nodes"])}
    assert set(graph["edges"]) == edges and len(graph["edges"]) == len(edges)
    assert sum(layer["params"] for layer in graph["layers"]) == measured(key)["total_params"]
    assert all(layer["macs"] is not None for layer in graph["layers"])
    assert pickle.loads(pickle.dumps(graph)) == graph


def test_graphs_take_other_sizes() -> None:
    graph = atlas.architecture_graph("mobilenet_v2", input_size=96, num_classes=5)
    shapes = {layer["name"]: layer["output_shape"] for layer in graph["layers"]}
    assert shapes["top_out"] == (3, 3, 1280) and shapes["probabilities"] == (5,)
    with pytest.raises(ValueError, match="expected"):
        atlas.architecture_graph("mobilenet_v2", input_size=8)


def test_blocks_are_grouped_by_the_record() -> None:
    graph = atlas.architecture_graph("cifar_resnet20")
    assert graph["blocks"] == ["stem", *(f"stage{stage}_block{block}" for stage in (1, 2, 3) for block in (1, 2, 3))]
    block = [layer["name"] for layer in graph["layers"] if layer["block"] == "stage1_block1"]
    assert block[-2:] == ["stage1_block1_add", "stage1_block1_out"] and len(block) == 7
    assert {layer["name"] for layer in graph["layers"] if not layer["block"]} == {
        *("image", "pool", "logits", "probabilities")
    }


# The file -------------------------------------------------------------------------------------------------------------


def test_the_file_has_them_all_and_says_where_it_is_from() -> None:
    content = atlas.read()
    assert list(content["architectures"]) == KEYS
    provenance = content["provenance"]
    assert provenance["command"] == "python -m cnn_core.networks.atlas"
    assert provenance["versions"].keys() == {"keras", "tensorflow", "python"}
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", provenance["date"])


@pytest.mark.parametrize("key", EVERY)
def test_the_file_holds_what_is_measured(key: str) -> None:
    remedy = "run `python -m cnn_core.networks.atlas` and look at the difference"
    assert atlas.read()["architectures"][key] == json.loads(json.dumps(measured(key))), remedy


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the file, as if written here, that says of LeNet-5 and of VGG-16 what is wrong."""
    content = json.loads(atlas.FILE.read_text(encoding="utf-8"))
    versions = {"keras": version("keras"), "tensorflow": tf.__version__, "python": sys.version.split()[0]}
    content["provenance"]["versions"] = versions
    content["architectures"] |= {"lenet5": {"title": "nothing"}, "vgg16": {"title": "as it was"}}
    copy = tmp_path / "atlas.json"
    copy.write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(atlas, "FILE", copy)
    return copy


def test_one_architecture_can_be_written_and_the_others_stay(file: Path) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    del content["architectures"]["lenet5"]
    file.write_text(json.dumps(content), encoding="utf-8")
    atlas.main(["lenet5"])
    written = json.loads(file.read_text(encoding="utf-8"))["architectures"]
    assert list(written) == KEYS, "in the order of the table, wherever it is new"
    assert written["lenet5"] == json.loads(json.dumps(measured("lenet5"))) and written["vgg16"]["title"] == "as it was"


def test_one_architecture_is_not_written_beside_those_of_other_versions(file: Path) -> None:
    was = file.read_text(encoding="utf-8").replace(f'"keras": "{version("keras")}"', '"keras": "2.0.0"')
    file.write_text(was, encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"^atlas\.json was measured by \{'keras': '2\.0\.0'.*Measure all: give no key"
    ):
        atlas.main(["lenet5"])
    with pytest.raises(ValueError, match="No architecture is called 'lenet6'"):
        atlas.main(["lenet6"])
    assert file.read_text(encoding="utf-8") == was


# The command line -----------------------------------------------------------------------------------------------------

COLUMNS = {"total_params", "trainable_params", "macs", "attention_macs", "depth", "receptive_field", "reason"}


def test_the_command_prints_json_and_nothing_else() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-m", "cnn_core", "architectures", "--json", "lenet5", "vit_b16"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert list(said) == ["lenet5", "vit_b16"] and all(facts.keys() == COLUMNS for facts in said.values())
    assert said["lenet5"] == {
        **{"total_params": 61_706, "trainable_params": 61_706, "macs": 416_520},
        **{"attention_macs": 0, "depth": 5, "receptive_field": 32, "reason": ""},
    }
    assert said["vit_b16"]["macs"] == 17_563_828_224, "the total of every page"
    assert said["vit_b16"]["receptive_field"] is None and said["vit_b16"]["reason"]


def test_the_command_measures_and_does_not_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(atlas, "FILE", tmp_path / "none.json")
    assert main(["architectures", "lenet5", "cifar_plain20"]) == 0
    head, lenet, plain = capsys.readouterr().out.splitlines()
    assert head.split() == ["architecture", "parameters", "trainable", "multiply-adds", "depth", "field"]
    assert lenet.split() == ["lenet5", "61,706", "61,706", "416,520", "5", "32"]
    assert plain.split() == ["cifar_plain20", "271,098", "269,722", "40,551,040", "20", "81"]


def test_the_command_names_what_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["architectures", "lenet5", "resnet51"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert captured.err.startswith("python -m cnn_core: no architecture is called 'resnet51'. Known are: lenet5_1998, ")


@pytest.mark.slow
def test_the_command_knows_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["architectures", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    filed = atlas.read()["architectures"]
    assert said == {key: {column: filed[key][column] for column in COLUMNS} for key in KEYS}
