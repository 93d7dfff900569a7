"""The channels page in a real browser: windows that move, a stack, its units, a measured field, a reader's model."""

import json
import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from cnn_core.networks import atlas

from .conftest import Server, resting, settled

Visitor = Callable[..., Page]
NO_TRACEBACK = "[data-testid=stException]"


def test_window_moves_by_key_and_drag_and_travels_in_the_link(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/channels?channels_view=Stride&channels_window_case=padding_strides_odd")
    player = page.locator(".player")
    said = player.get_by_text(re.compile("^Output "))
    expect(said).to_contain_text("Output 0")
    player.focus()
    page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("Output 1 is written from input 1, 2, 3")
    page.keyboard.press("Home")
    settled(page)
    box = resting(player.locator("canvas").first)
    page.mouse.move(box["x"] + 5, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 20, steps=5)
    page.mouse.up()
    expect(said).not_to_contain_text("Output 0")
    expect(page.locator(NO_TRACEBACK)).to_have_count(0)  # must not happen


def test_calculator_agrees_with_the_published_field_and_shows_a_units_box(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/channels?channels_view=Field")
    expect(page.get_by_text("After pool5 one neuron sees 212 × 212 pixels")).to_be_visible()
    said = page.locator(".picker .said")
    expect(said).to_have_text("Neuron (3, 3) of pool5 sees rows 6–217, columns 6–217; 0% of its field is padding.")
    page.locator(".picker").focus()
    for _ in range(3):
        page.keyboard.press("ArrowUp")
    expect(said).to_contain_text("Neuron (0, 3) of pool5 sees rows 0–121, columns 6–217; 42% of its field is padding.")
    page.wait_for_url(re.compile("channels_unit_row=0"))
    stranger = visitor(page.url)
    expect(stranger.locator(".picker .said")).to_contain_text("Neuron (0, 3) of pool5 sees rows 0–121")
    expect(stranger.locator("[data-testid=stAlertContentWarning]")).to_have_count(0)  # must not happen


def test_neuron_uses_less_than_it_could_see(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/channels?channels_view=Effective")
    page.get_by_role("button", name="Show me").click()
    said = page.get_by_text(re.compile(r"With its trained weights it really uses [\d.]+% of them"))
    expect(said).to_be_visible()
    trained = re.search(r"it really uses ([\d.]+)% of them", said.inner_text())
    assert trained and 0 < float(trained[1]) < 100
    settled(page)
    expect(page.locator(NO_TRACEBACK)).to_have_count(0)  # must not happen


def test_own_model_is_read_and_code_is_refused_and_nothing_is_lost(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/channels?channels_view=Yours")
    # 3·3·3·32 + 32, then 3·3·32 + 32·64 + 64, then 64·10 + 10
    expect(page.get_by_text("3,946 parameters, all trainable")).to_be_visible()
    code = {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "boom", "function": "x"}}
    hostile = json.dumps({"module": "keras", "class_name": "Sequential", "config": {"name": "m", "layers": [code]}})
    page.get_by_text("Paste the text instead").click()
    box = page.get_by_label("Text of the architecture")
    box.fill(hostile)
    box.press("Control+Enter")
    expect(page.locator("[data-testid=stAlertContentError]")).to_contain_text("Lambda")
    expect(box).to_have_value(hostile)
    expect(page.locator(NO_TRACEBACK)).to_have_count(0)  # must not happen


def test_every_architecture_of_the_timeline_is_a_preset(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/channels?channels_view=Field&channels_preset=resnet50")
    field = atlas.read()["architectures"]["resnet50"]["receptive_field"]
    expect(page.get_by_text(f"one neuron sees {field} × {field} pixels")).to_be_visible()
    expect(page.locator("[data-testid=stAlertContentWarning]")).to_have_count(0)  # must not happen
