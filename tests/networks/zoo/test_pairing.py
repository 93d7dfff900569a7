"""Published errors of two networks are paired by the generation of their recipes, for all pairs of the zoo."""

from itertools import product

import pytest

from cnn_core.networks.zoo.architectures import ARCHITECTURES
from cnn_core.networks.zoo.pairing import error_of, paired, said_of
from cnn_core.networks.zoo.records import GENERATIONS, Architecture

PAIRS = [(one, other) for one, other in product(ARCHITECTURES, repeat=2) if one < other]


def generations(record: Architecture, which: str) -> set[str]:
    return {each.generation for each in record.results if each.one_crop and error_of(each, which) is not None}


@pytest.mark.parametrize("which", ["top-1", "top-5"])
def test_recipes_of_one_generation_are_compared_wherever_there_are_two(which: str) -> None:
    for one, other in PAIRS:
        first, second = ARCHITECTURES[one], ARCHITECTURES[other]
        pair, common = paired(first, second, which), generations(first, which) & generations(second, which)
        if not generations(first, which) or not generations(second, which):
            assert pair is None, (one, other)
            continue
        assert pair is not None and pair.alike == bool(common), (one, other)
        assert pair.one in first.results and pair.other in second.results
        assert ("compares recipes" in said_of(pair)) == (not common)


def test_order_of_the_two_does_not_matter() -> None:
    for one, other in PAIRS:
        there, back = paired(ARCHITECTURES[one], ARCHITECTURES[other]), paired(ARCHITECTURES[other], ARCHITECTURES[one])
        assert (there is None) == (back is None)
        if there and back:
            errors = {there.one.top1_error, there.other.top1_error}
            assert errors == {back.one.top1_error, back.other.top1_error}, (one, other)


def test_an_error_of_another_network_is_said_to_be_one() -> None:
    pair = paired(ARCHITECTURES["vit_b16"], ARCHITECTURES["resnet50"])
    assert pair is not None and (pair.one.top1_error, pair.other.top1_error) == (18.928, 19.142)
    assert "The second error is of another network of this name" in said_of(pair)
    assert "4.089 G multiply-adds" in said_of(pair)


def test_every_published_accuracy_carries_its_recipe() -> None:
    for key, record in ARCHITECTURES.items():
        for result in record.results:
            assert result.generation in GENERATIONS and 1998 <= result.year <= 2022, (key, result.whose)
            assert not result.one_crop or result.weights or "et al." in result.whose or "& " in result.whose, key
            assert result.year <= 2018 or result.generation != "classic" or not result.one_crop, key
