"""Receipts: complete, recomputed, compared, and told by the command line."""

import dataclasses
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_core.__main__ import main
from cnn_core.networks.backbones import BACKBONES
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from cnn_core.receipts import check, networks
from cnn_core.receipts.lite import lite
from cnn_core.receipts.records import PAGES, Kind, Receipt, Verdict, written
from cnn_core.training.studies.published import TARGETS

EVERY = list(check.receipts().values())


@pytest.mark.parametrize("receipt", EVERY, ids=lambda receipt: receipt.key)
def test_receipt_says_all_that_one_asks(receipt: Receipt) -> None:
    assert receipt.about.strip() and receipt.quantity.strip() and receipt.source.strip()
    assert re.search(r"arXiv:\d{4}\.\d{4,5}|doi:10\.\d+/|\w+\.\w+/|^/\w+", receipt.link), "where it is written"
    assert set(receipt.pages) <= set(PAGES) and (receipt.pages or receipt.ours or "guide" in receipt.key)
    assert receipt.ours or receipt.why, "what is only cited needs a reason"
    assert re.fullmatch(r"[a-z0-9_-]+", receipt.key), "it stands in links"
    assert receipt.kind is not Kind.UNVERIFIED or receipt.why
    assert not receipt.source.startswith("the same"), "a receipt stands alone"
    if "ImageNet alone" in receipt.protocol:
        assert "million" not in receipt.why, "1.28 million pictures are enough"


def test_every_figure_of_the_records_has_its_receipt() -> None:
    keys = check.receipts()
    for key, record in ARCHITECTURES.items():
        assert sum(each.startswith(f"{key}-parameters") and "backbone" not in each for each in keys) >= len(
            record.counts
        )
        for result in record.results:
            for which, error in (("top-1", result.top1_error), ("top-5", result.top5_error)):
                if error is not None:
                    receipt = keys[networks.result_key(key, result, which)]
                    told = 100 - receipt.value if result.as_accuracy else receipt.value  # type: ignore[operator]
                    assert told == pytest.approx(error), receipt.key
    for name, record in BACKBONES.items():
        assert keys[networks.backbone_key(name)].value == record.top1
    told = {receipt.value for receipt in EVERY}
    assert {target.error for target in TARGETS} <= told


def test_sources_contain_the_figures_they_are_named_for() -> None:
    keys = check.receipts()
    lite0 = keys["efficientnet_lite0-top1-released"]
    assert lite0.value == 75.1 and "tensorflow/tpu" in lite0.link and "1905.11946" not in lite0.link
    for key in ("resnet50-top1-keras", "vgg16-top1-backbone", "mobilenet_v2-top1-backbone"):
        assert keys[key].link == "keras.io/api/applications", "not the paper's own figure"
    assert "best of five" in keys["cifar-10-resnet-110-error"].protocol
    assert "6.61 ± 0.16" in keys["cifar-10-resnet-110-error"].why
    assert keys["effective-exponents"].kind is Kind.UNVERIFIED, "found in no text that could be reached"


def test_all_is_recomputed_and_agrees_with_what_is_kept() -> None:
    found = check.recomputed(EVERY)
    assert [each.receipt.key for each in found if each.failed] == []
    kept = {each.receipt.key: each.ours for each in check.kept()}
    assert {each.receipt.key: each.ours for each in found} == kept, "python -m cnn_core receipts --keep"
    assert sum(each.verdict is not None for each in found) > 90


@pytest.mark.parametrize(
    ("number", "params", "madds"),
    [(0, 4.652, 405.4), (1, 5.417, 630.6), (2, 6.092, 898.4), (3, 8.197, 1440.3), (4, 13.007, 2639.5)],
)
def test_lites_come_out_by_the_rule_of_their_release_notes(number: int, params: float, madds: float) -> None:
    """By hand, from the stages and the scales."""
    assert lite(number).params / 1e6 == pytest.approx(params, abs=5e-4)
    assert lite(number).as_published / 1e6 == pytest.approx(madds, abs=0.05)


def test_terms_of_lite0_add_up_and_leave_something_over() -> None:
    receipt = check.receipts()["efficientnet_lite0-multiply-adds-notes"]
    assert receipt.terms["left over"] == 1.6, "not everything is explained, and it is said"
    three = 3 * lite(0).normalised / 1e6
    assert receipt.terms["three operations for each output of a BatchNorm"] == pytest.approx(three, abs=0.05)


def test_variant_of_torchvision_costs_what_its_metadata_say() -> None:
    for depth in (50, 101, 152):
        macs = {result.variant.macs for result in ARCHITECTURES[f"resnet{depth}"].results if result.variant}
        published = check.receipts()[f"resnet{depth}-multiply-adds-variant"]
        assert [written((each or 0) / 1e9, "G") for each in macs] == [written(published.value, "G")]


# Comparing -----------------------------------------------------------------------------------------------------------


def receipt(value: Any, **facts: Any) -> Receipt:
    return Receipt(
        "key", "about", "quantity", value, "", "source", "arXiv:1234.56789", ours=("x",), seen="yes", **facts
    )


@pytest.mark.parametrize(
    ("published", "digit", "terms", "ours", "verdict"),
    [
        (25, 0, {}, 25, Verdict.EQUAL),
        (25, 0, {}, 26, Verdict.FAILED),
        (1.8, 0.1, {}, 1.814, Verdict.ROUNDED),
        (3.8, 0.1, {}, 3.858, Verdict.NEAR),
        (3.8, 0.1, {}, 3.95, Verdict.FAILED),
        (30, 0, {"biases": 5}, 25, Verdict.TERMS),
        (30, 0, {"biases": 4}, 25, Verdict.FAILED),
        ((4, -4), 0, {}, (4, -4), Verdict.EQUAL),
        ((4, -4), 0, {}, (4, 4), Verdict.FAILED),
        ((4, -4), 0, {}, (4,), Verdict.FAILED),
    ],
)
def test_figures_are_compared_by_the_digits_that_are_printed(
    published: Any, digit: float, terms: dict[str, float], ours: Any, verdict: Verdict
) -> None:
    found = check.compare(receipt(published, digit=digit, terms=terms), ours)
    assert found.verdict is verdict and found.failed == (verdict is Verdict.FAILED)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.floats(1e-3, 1e3))
def test_verdict_fails_exactly_beyond_one_of_the_last_digit(published: float, ours: float, digit: float) -> None:
    gap = abs(published - ours)
    if abs(gap - digit) > 1e-6:
        assert check.compare(receipt(published, digit=digit), ours).failed == (gap > digit)


def test_what_is_not_verified_is_no_failure() -> None:
    unseen = dataclasses.replace(receipt(5), seen="")
    assert not check.compare(unseen, 6).failed and check.compare(unseen, 6).verdict is Verdict.FAILED


def test_figures_are_written_as_one_prints_them() -> None:
    assert [written(value) for value in (1_000_000, 91.0, 4.0891842, (0.5, -2))] == [
        *("1,000,000", "91.0", "4.08918", "0.5, −2"),
    ]


# Command line --------------------------------------------------------------------------------------------------------


def test_command_prints_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receipts", "--json", "chapter"]) == 0
    found = json.loads(capsys.readouterr().out)
    bar = next(each for each in found if each["key"] == "chapter-bar")
    assert bar["value"] == bar["ours"] == [4, 4, -4, -4] and bar["kind"] == "computed"
    assert bar["difference"] == [0, 0, 0, 0] and bar["verdict"] == "equal"


def test_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receipts", "lite0", "multiply"]) == 0
    said = capsys.readouterr().out
    assert "407 M" in said and "1.6 M: left over" in said
    assert said.endswith("1 receipt: 1 computed here, 0 cited, 0 not verified, 0 failed.\n")


def test_command_fails_with_a_figure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    key = "chapter-dense"
    wrong = {**check.receipts(), key: dataclasses.replace(check.receipts()[key], value=1_048_577)}
    monkeypatch.setattr(check, "receipts", lambda: wrong)
    assert main(["receipts", "chapter", "--json"]) == 1
    captured = capsys.readouterr()
    assert "1 of 5 figures do not come out here: chapter-dense." in captured.err
    assert [each["verdict"] for each in json.loads(captured.out) if each["key"] == key] == ["does not agree"]


def test_command_refuses_words_that_nothing_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receipts", "nowhere"]) == 2
    assert "No receipt has the words 'nowhere'." in capsys.readouterr().err
    assert main(["receipts", "chapter", "--keep"]) == 2
    assert "give no words" in capsys.readouterr().err
