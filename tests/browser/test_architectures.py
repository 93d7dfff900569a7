"""The architectures page in a real browser: the drawn graph, a picture through a network, a digit that is read."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from cnn_core.networks import atlas

from .conftest import Server, resting, settled

Visitor = Callable[..., Page]
NO_TRACEBACK = "[data-testid=stException]"


def test_record_travels_in_the_link_and_its_terms_add_up(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/architectures?architectures_one=resnet50")
    expect(page.get_by_role("heading", name="ResNet-50, 2015")).to_be_visible()
    for number in ("25,557,032", "+ 26,560", "+ 53,120", "25,636,712"):
        expect(page.get_by_text(number).first).to_be_visible()
    expect(page.locator("[data-testid=stAlertContentWarning]")).to_have_count(0)  # must not happen


def test_graph_is_drawn_folds_by_key_and_agrees_with_the_record(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/architectures?architectures_view=Inside&architectures_inside=resnet18")
    expect(page.get_by_text("All agree.")).to_be_visible()
    total = atlas.read()["architectures"]["resnet18"]["trainable_params"]
    expect(page.get_by_text(f"{total:,}").first).to_be_visible()
    graph = page.locator(".graph").first
    said = graph.locator(".said")
    graph.locator("[tabindex='0']").first.focus()
    page.keyboard.press("End")
    expect(said).to_contain_text("Probabilities")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    expect(said).to_contain_text("Enter")  # a block, which unfolds
    before = graph.locator("svg text").count()
    page.keyboard.press("Enter")
    expect(graph.locator("svg text").nth(before)).to_be_attached()  # there are more now
    expect(page.locator(NO_TRACEBACK)).to_have_count(0)  # must not happen


def test_picture_goes_through_the_embedded_network(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/architectures?architectures_view=Picture")
    expect(page.locator(".zoom[data-level='0']:not(.waiting)")).to_be_visible()
    expect(page.get_by_text("trained on ImageNet, 75.1% top-1 as published")).to_be_visible()
    page.get_by_text("Where is the evidence?").click()
    expect(page.get_by_text(re.compile(r"Evidence \(Grad-CAM\) for tiger cat"))).to_be_visible()
    settled(page)
    expect(page.get_by_text("random weights")).to_have_count(0)  # must not happen
    expect(page.locator(NO_TRACEBACK)).to_have_count(0)


def test_walk_of_any_network_goes_in_and_back_by_the_link(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/architectures?architectures_view=Picture")
    page.locator(".zoom .all").first.click()
    expect(page.locator(".zoom[data-level='1']:not(.waiting)")).to_be_visible()
    page.wait_for_url(re.compile(r"zoom=\w+$"))
    page.go_back()
    expect(page.locator(".zoom[data-level='0']:not(.waiting)")).to_be_visible()
    assert "zoom" not in page.url and "architectures_view=Picture" in page.url
    expect(page.locator(NO_TRACEBACK)).to_have_count(0)  # must not happen


def test_story_leads_into_a_network(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/architectures")
    card = page.locator(".st-key-story_card_compound_scaling")
    expect(card.get_by_role("img", name=re.compile("EfficientNet-Lite0, of the same idea"))).to_be_visible()
    card.get_by_role("button", name="Walk into EfficientNet-Lite0").click()
    expect(page.locator(".zoom[data-level='0']:not(.waiting)")).to_be_visible()
    expect(page.locator(".trail")).to_contain_text("EfficientNet-Lite0")
    expect(page.locator(NO_TRACEBACK)).to_have_count(0)  # must not happen


def test_drawn_digit_is_read_layer_by_layer(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/architectures?architectures_view=LeNet")
    canvas = page.locator("canvas.paper")
    box = resting(canvas)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.15)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.85, steps=12)
    page.mouse.up()
    expect(page.get_by_text(re.compile(r"It reads 1 \("))).to_be_visible()
    expect(page.locator(NO_TRACEBACK)).to_have_count(0)  # must not happen
