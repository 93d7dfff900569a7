"""The walk that pages are tested with: what it says is consistent, at every node."""

import time

import numpy as np
import pytest

from cnn_core.networks.loaded import InspectionRefused
from tests import walks
from tests.waiting import promised

KEY = "efficientnet_lite0"
SEEN = np.zeros((224, 224, 3), np.uint8)


def test_every_node_has_its_answers() -> None:
    said = walks.zoom_strip(KEY, SEEN)
    assert len(said.stages) == 5 and said.top[0]["label"] == "tabby"
    for node in walks.zoom_plan(KEY).nodes:
        channel, (height, width, channels) = node.shape[2] - 1, node.shape
        maps = walks.zoom_maps(KEY, SEEN, node.name)
        assert maps.shape == node.shape and len(maps.order) == channels
        made = walks.zoom_map(KEY, SEEN, node.name, channel)
        cell = walks.zoom_cell(KEY, SEEN, node.name, channel, height - 1, width - 1)
        assert made.kind == cell.kind == node.kind
        if made.output.shape == node.shape[:2]:
            assert made.output[-1, -1] == pytest.approx(cell.value, abs=1e-3)


def test_it_refuses_what_a_worker_refuses() -> None:
    with pytest.raises(InspectionRefused, match="maps 0 to 31; received 99"):
        walks.zoom_map(KEY, SEEN, "stem_relu6", 99)
    with pytest.raises(ValueError, match="No architecture is called 'vgg17'"):
        walks.zoom_strip("vgg17", SEEN)


def test_another_network_is_the_same_with_random_weights() -> None:
    assert not walks.zoom_plan("vgg16").pretrained and walks.zoom_strip("vgg16", SEEN).top == []
    assert walks.zoom_strip("vgg16", SEEN).key == "vgg16"


def test_it_answers_at_once() -> None:
    walks.zoom_strip(KEY, SEEN)
    begin = time.perf_counter()
    walks.zoom_strip(KEY, SEEN)
    assert time.perf_counter() - begin < promised(1)
