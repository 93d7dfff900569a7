"""A kernel on the camera, in a real browser: what it computes, that nothing leaves, and that the camera goes off."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import kernels
from cnn_core.figures import maps
from cnn_core.networks.first_layer import first_layer

from .conftest import Server, settled

Visitor = Callable[..., Page]
STEP = "convolution?convolution_view=On+camera"
PIXELS = """(root) => {
  const of = (name) => {
    const canvas = root.querySelector(name), { width, height } = canvas;
    return [height, width, [...canvas.getContext('2d').getImageData(0, 0, width, height).data]];
  };
  return { seen: of('.seen'), map: of('.map'), limit: Number(root.dataset.limit) };
}"""
KEEP_TRACKS = """() => {
  const devices = navigator.mediaDevices, open = devices.getUserMedia.bind(devices);
  window.tracks = [];
  devices.getUserMedia = async (what) => {
    const stream = await open(what);
    window.tracks.push(...stream.getTracks());
    return stream;
  };
}"""
SMALLEST = 1500  # bytes: no picture of a camera fits; what a control says is 150


def live(page: Page) -> dict[str, Any]:
    """Turn the camera on; return what is drawn in one moment: the frame, its map, and where colours are full."""
    page.evaluate(KEEP_TRACKS)
    expect(page.locator(".live .checked")).to_contain_text("with the server to")
    page.get_by_role("button", name="Use my camera").click()
    expect(page.locator(".live .pace")).to_contain_text("frames a second")
    expect(page.locator(".live .sees")).to_contain_text("your camera")
    found: dict[str, Any] = page.locator(".live").evaluate(PIXELS)
    for name in ("seen", "map"):
        height, width, numbers = found[name]
        found[name] = np.array(numbers, np.uint8).reshape(height, width, 4)[..., :3]
    return found


def sent(page: Page) -> list[int]:
    """Collect from here on how many bytes each request and each message to the server has."""
    sizes: list[int] = []
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.on("Network.webSocketFrameSent", lambda event: sizes.append(len(event["response"]["payloadData"])))

    def asked(event: Any) -> None:
        if not event["request"]["url"].startswith(("data:", "blob:")):  # those go nowhere
            sizes.append(len(str(event["request"])))

    wire.on("Network.requestWillBeSent", asked)
    return sizes


def running(page: Page) -> list[str]:
    states: list[str] = page.evaluate("() => window.tracks.map((track) => track.readyState)")
    return states


def test_kernel_on_the_camera_is_numpys_and_no_picture_leaves(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/{STEP}&convolution_channel=green&convolution_padding=same")
    sizes = sent(page)
    found = live(page)
    wanted = ops.cross_correlate(found["seen"][..., 1] / 255, kernels.PRESETS["sobel_x"].kernel(), padding="same")
    assert np.ptp(wanted) > 0.1, "a camera that shows something"
    assert np.abs(maps.signed(wanted, found["limit"])[0].astype(int) - found["map"]).max() <= 2, "a step of the colours"
    page.get_by_text("2", exact=True).first.click()
    settled(page)
    expect(page.locator(".live .maps")).to_contain_text("120 × 160")
    expect(page.locator(".live .sees")).to_contain_text("your camera")
    page.wait_for_timeout(1000)
    assert sizes and max(sizes) < SMALLEST and sum(sizes) < 10 * SMALLEST, sizes
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.locator(".live .sees")).to_contain_text("a test frame")
    assert running(page) == ["ended"]


def test_first_layer_on_the_camera_is_the_networks_and_ends_with_the_step(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/{STEP}&convolution_by=network&convolution_map=3")
    found = live(page)
    wanted = first_layer().maps(found["seen"], relu=False)[..., 2]
    assert np.abs(maps.signed(wanted, found["limit"])[0].astype(int) - found["map"]).max() <= 2
    page.get_by_role("radio", name="map 8", exact=True).click()
    expect(page.locator(".live .maps")).to_contain_text("map 8 of 32, 120 × 160")
    settled(page)
    assert running(page) == ["live"]
    page.locator(".st-key-convolution_view_next button").click()
    expect(page.locator(".live")).to_have_count(0)
    page.wait_for_function("() => window.tracks.every((track) => track.readyState === 'ended')")


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        ("async () => { throw new DOMException('no', 'NotAllowedError'); }", "This page may not use the camera"),
        ("undefined", "Browsers give the camera only to pages with https:// or on localhost"),
    ],
)
def test_without_a_camera_one_sentence_is_said(server: Server, visitor: Visitor, instead: str, said: str) -> None:
    page = visitor(f"{server.url}/{STEP}")
    page.evaluate(f"() => {{ navigator.mediaDevices.getUserMedia = {instead}; }}")
    page.get_by_role("button", name="Use my camera").click()
    expect(page.locator(".live .trouble")).to_contain_text(said)
    expect(page.locator(".live .sees")).to_contain_text("a test frame")
    page.get_by_role("radio", name="Sobel y").click()
    page.wait_for_url("**convolution_kernel=-1%2C-2**")
    expect(page.locator(".live .checked")).to_contain_text("agrees with the server to")
