"""The walk that pages are tested with: what it says is consistent, at every node."""

import time

import pytest

from cnn_core.networks.loaded import InspectionRefused
from tests import walks
from tests.waiting import promised

PLAN = walks.plan_of("efficientnet_lite0")


def test_every_node_has_its_answers() -> None:
    said = walks.strip(PLAN)
    assert len(said.stages) == 5 and said.top[0]["label"] == "tabby"
    for node in PLAN.nodes:
        channel, (height, width, channels) = node.shape[2] - 1, node.shape
        maps = walks.maps(PLAN, node.name)
        assert maps.shape == node.shape and len(maps.order) == channels
        made = walks.made(PLAN, node.name, channel)
        cell = walks.cell(PLAN, node.name, channel, height - 1, width - 1)
        assert made.kind == cell.kind == node.kind
        if made.output.shape == node.shape[:2]:
            assert made.output[-1, -1] == pytest.approx(cell.value, abs=1e-3)


def test_it_refuses_what_a_worker_refuses() -> None:
    with pytest.raises(InspectionRefused, match="maps 0 to 31; received 99"):
        walks.made(PLAN, "stem_relu6", 99)
    with pytest.raises(ValueError, match="No architecture is called 'vgg17'"):
        walks.plan_of("vgg17")


def test_another_network_is_the_same_with_random_weights() -> None:
    plan = walks.plan_of("vgg16")
    said = walks.strip(plan)
    assert not plan.pretrained and (said.key, said.top) == ("vgg16", [])


def test_it_answers_at_once() -> None:
    walks.strip(PLAN)
    begin = time.perf_counter()
    walks.strip(PLAN)
    assert time.perf_counter() - begin < promised(1)
