"""What paper holds besides the view: its link, and the sources of what it cites; and the QR codes of links."""

from typing import Any

from cnn_core.receipts.check import receipts
from tests.pages.test_sharing import asked, png
from ui.shared.links import TOO_LONG, qr

SHARED = 'alt="QR code of this link"'


def foot(app: Any) -> str:
    (found,) = [each.proto.body for each in app.get("html") if 'class="foot"' in each.proto.body]
    return str(found)


def test_foot_has_the_link_and_the_sources_of_this_step_alone(page: Any) -> None:
    app = page("pooling", pooling_view="EQ-N2.2", pooling_channel="red")
    nine = receipts()["chapter-nine"]
    assert "pooling_view=EQ-N2.2" in foot(app) and nine.source in foot(app).replace("&#x27;", "'")
    plain = page("pooling", pooling_view="Steps")
    assert "Sources" not in foot(plain) and "pooling_view=Steps" in foot(plain)


def test_foot_follows_a_control(page: Any) -> None:
    app = page("convolution", convolution_padding="same")
    assert "convolution_edge" not in foot(app)
    app.button_group(key="convolution_edge").set_value("reflect").run()
    assert "convolution_edge=reflect" in foot(app)


def test_every_page_has_one_foot(page: Any) -> None:
    for name in ("home", "transfer", "laboratory", "receipts", "keeping"):
        assert foot(page(name)), name


def test_pictures_that_came_with_a_link_do_not_travel_on_paper(page: Any, bring: Any) -> None:
    app = bring(page("convolution"), "mine.png", png()).button(key="visitor_share").click().run()
    app.checkbox(key="share_picture").check().run()
    token = asked(app)["with"]
    assert token not in foot(page("convolution", **{"with": token}))


def test_print_opens_the_dialog_once_with_the_code_of_the_link(page: Any) -> None:
    def wishes(app: Any) -> list[str]:
        return [each.proto.component_name for each in app.get("bidi_component") if "printer" in str(each.proto)]

    app = page("pooling").button(key="visitor_share").click().run()
    assert SHARED not in foot(app) and not wishes(app)
    app.button(key="share_print").click().run()
    assert SHARED in foot(app) and len(wishes(app)) == 1
    assert not [each for each in app.button if each.key == "share_print"], "the dialog is closed"
    app.run()
    assert SHARED not in foot(app) and not wishes(app)


def test_link_has_its_code_beside_it(page: Any) -> None:
    app = page("pooling").button(key="visitor_share").click().run()
    codes = [each.proto.body for each in app.get("html") if SHARED in each.proto.body]
    assert qr(app.code[0].value) in codes[0] and len(codes) == 2, "of the link, and of the one for a projector"
    assert all(code.startswith('<details class="large-qr"><summary>') for code in codes)


def test_link_that_is_too_long_says_so() -> None:
    assert TOO_LONG not in qr("https://school.example/?" + "x" * 2900)
    assert TOO_LONG in qr("https://school.example/?" + "x" * 2950)
