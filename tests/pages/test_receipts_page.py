"""The page of receipts, and the marks beside figures that open it."""

import re
from collections import defaultdict
from typing import Any

import pytest

from cnn_core.engine.errors import EngineError
from cnn_core.receipts import check
from cnn_core.receipts.records import PAGES, Checked, Kind, Verdict
from cnn_core.receipts.today import receipts as receipts_of_today
from ui.architectures.history import IDEAS, today
from ui.receipts.one import link, sentence
from ui.shared.receipts import receipt

MARK = re.compile(r"\]\(receipts\?receipt=([a-z0-9_-]+) ")


def words(app: Any) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning)
    return "\n".join(element.value.replace("\\", "") for kind in kinds for element in kind)


def rows(app: Any) -> list[str]:
    """Keys in the list, in order."""
    shown = "".join(element.proto.body for element in app.get("html"))
    return re.findall(r'href="receipts\?receipt=([a-z0-9_-]+)"', shown)


def test_page_opens_with_a_figure_that_is_explained_by_terms(page: Any) -> None:
    app = page("receipts")
    assert not app.exception and not app.warning
    said = words(app)
    assert "| multiply-adds | **407 M** | **385.188 M** |" in said
    assert (
        "| three operations for each output of a BatchNorm |  | + 20.2 M |" in said
        and "| left over |  | + 1.6 M |" in said
    )
    assert "Lite0 would be 405.4 M: 1.6 M of what is published stay unexplained." in said
    assert "https://github.com/tensorflow/tpu/tree/HEAD/models/official/efficientnet/lite" in said
    assert len(rows(app)) == len(check.receipts())
    (listed,) = (element.proto.body for element in app.get("html") if "All receipts that fit" in element.proto.body)
    heads = re.findall(r"<th[^>]*>([^<]*)</th>", listed)
    assert heads == ["Figure", "Published", "Computed here", "How it stands", "Source"]


def test_link_opens_a_receipt(page: Any) -> None:
    said = words(page("receipts", receipt="resnet50-top1-keras"))
    assert "| top-1 accuracy | **74.9%** | **–** |" in said and "**Cited, not computed.**" in said
    assert "[keras.io/api/applications](https://keras.io/api/applications)" in said
    assert "[Networks, Timeline](architectures)" in said


def test_list_is_searched_by_words_kind_and_page(page: Any) -> None:
    found = rows(page("receipts", receipts_words="resnet-50 80.858"))
    assert found == ["resnet50-top1-torchvision-v2"]
    unseen = rows(page("receipts", receipts_kind="not-verified"))
    assert unseen == ["effective-exponents"]
    prior = rows(page("receipts", receipts_page="networks-convnet-or-vit"))
    assert prior == ["vit-behind", "vit-ahead"]
    assert "No receipt has these words. Take one of them away." in words(page("receipts", receipts_words="nowhere"))


@pytest.mark.parametrize("value", ["", "1e309", "nowhere"])
@pytest.mark.parametrize("name", ["receipt", "receipts_words", "receipts_kind", "receipts_page", "receipts_view"])
def test_page_takes_any_link(page: Any, name: str, value: str) -> None:
    assert not page("receipts", **{name: value}).exception


def test_words_say_how_a_figure_stands() -> None:
    keys = check.receipts()
    one = keys["chapter-dense"]
    assert sentence(Checked(one, 1, Verdict.FAILED)) == "**They do not agree, and nothing here says why.**"
    assert sentence(Checked(one, 1_048_576, Verdict.EQUAL)) == "**The same, to the last digit.**"
    unseen = sentence(Checked(keys["effective-exponents"], (0.5, -0.4), Verdict.FAILED))
    assert unseen.startswith("**Not verified:** no text that could be reached holds this figure.")
    assert link(keys["resnet50-top1-paper"]) == "[arXiv:1512.03385](https://arxiv.org/abs/1512.03385)"


def test_mark_of_no_receipt_is_refused() -> None:
    with pytest.raises(KeyError):
        receipt("nowhere")


@pytest.mark.parametrize(
    ("name", "query", "expected"),
    [
        ("home", {}, {"efficientnet_lite0-top1-released"}),
        ("convolution", {"convolution_view": "The chapter's example"}, {"chapter-bar"}),
        ("channels", {"channels_view": "Cost"}, {"separable-saving"}),
        ("channels", {"channels_view": "Field"}, {"vgg16-field-pool5"}),
        ("architectures", {"architectures_view": "Prior"}, {"vit-behind", "vit-ahead"}),
        ("architectures", {"architectures_view": "Degradation"}, {"plain34-top1-paper", "cifar-10-resnet-110-error"}),
        ("architectures", {"architectures_one": "googlenet"}, {"googlenet-top1-caffe", "googlenet-parameters"}),
    ],
)
def test_figures_have_marks_that_lead_to_receipts(
    page: Any, engine: Any, name: str, query: dict[str, str], expected: set[str]
) -> None:
    engine.answers = defaultdict(lambda: EngineError("The engine is away."), engine.answers)
    app = page(name, **query)
    assert not app.exception
    found = set(MARK.findall(words(app)))
    assert expected <= found <= set(check.receipts())


@pytest.mark.parametrize("address", PAGES)
def test_receipt_names_the_pages_that_show_its_mark(page: Any, engine: Any, address: str) -> None:
    engine.answers = defaultdict(lambda: EngineError("The engine is away."), engine.answers)
    name, _, query = address.removeprefix("/").partition("?")
    found = MARK.findall(words(page(name or "home", **dict(each.split("=") for each in query.split("&") if each))))
    assert {key for key in found if address not in check.receipts()[key].pages} == set()


def test_all_that_is_told_of_today_is_shown() -> None:
    shown = set(MARK.findall(today() + "".join(sentence for _, sentence in IDEAS.values())))
    assert {each.key for each in receipts_of_today()} <= shown


def test_no_figure_is_computed_by_a_page_that_cannot(page: Any) -> None:
    """What a page shows as computed is what the command has kept; a receipt without it would say so."""
    for each in check.kept():
        assert (each.ours is not None) == bool(each.receipt.ours), each.receipt.key
        assert each.receipt.kind is not Kind.COMPUTED or each.verdict is not Verdict.FAILED
